// SPDX-License-Identifier: Apache-2.0
import Tensor

/// A network as plain data: layers in the order in which they run, and the feature maps between them.
///
/// A network is built by calling its methods, each of which appends a layer and returns the value
/// that the layer makes:
///
/// ```swift
/// var network = Network(name: "small", input: MapShape(channels: 3, height: 32, width: 32))
/// var x = try network.convolution("conv1", network.input, filters: 16, kernel: 3, padding: 1)
/// x = try network.batchNorm("bn1", x, activation: .relu)
/// x = try network.globalAveragePool("pool", x)
/// try network.linear("fc", x, outputs: 10)
/// ```
public struct Network: Sendable {
  /// What a layer makes and others read.
  public struct Value: Hashable, Sendable {
    let index: Int
  }

  /// A layer with what it reads and makes.
  public struct Node: Sendable {
    /// Unique in its network; dots separate stages, as in `layer1.0.conv1`.
    public let name: String
    /// What it does.
    let layer: any Layer
    /// What it reads.
    public let inputs: [Value]
    /// What it makes.
    public let output: Value
  }

  /// Name of the network, for example `resnet20`.
  public let name: String
  /// The layers, in order.
  public private(set) var nodes: [Node] = []
  private var maps: [MapShape]

  /// A network without layers.
  public init(name: String, input: MapShape) {
    self.name = name
    maps = [input]
  }

  /// The images.
  public var input: Value { Value(index: 0) }
  /// What the last layer makes: the logits.
  public var output: Value { nodes.last?.output ?? input }
  /// The size of a value.
  public func map(_ value: Value) -> MapShape { maps[value.index] }

  var valueCount: Int { maps.count }

  /// Appends a layer.
  ///
  /// - Parameter map: the size of what it makes.
  /// - Throws: `NetworkError.duplicateName`.
  mutating func append(_ name: String, _ layer: any Layer, _ inputs: [Value], map: MapShape)
    throws(NetworkError) -> Value
  {
    if nodes.contains(where: { $0.name == name }) { throw .duplicateName(name) }
    maps.append(map)
    let output = Value(index: maps.count - 1)
    nodes.append(Node(name: name, layer: layer, inputs: inputs, output: output))
    return output
  }

  /// The convolutions and linear layers, in order.
  public var convolutions: [(name: String, convolution: Convolution)] {
    nodes.compactMap { node in
      (node.layer as? Convolution).map { (node.name, $0) }
    }
  }

  /// Multiply-accumulates of a dense forward pass of one image.
  public var denseMACs: Int {
    convolutions.reduce(0) { $0 + $1.convolution.geometry.denseMACs }
  }

  /// Weights, biases, scales and shifts of the dense network.
  public var parameterCount: Int {
    nodes.reduce(0) { sum, node in
      sum + node.layer.parameterCount(map(node.output))
    }
  }
}

/// A network that cannot be.
public enum NetworkError: Error, CustomStringConvertible, Equatable {
  /// Two layers of one name.
  case duplicateName(String)
  /// A layer whose sizes do not fit what it reads.
  case misfit(layer: String, input: MapShape, reason: String)
  /// Maps of different sizes cannot be added.
  case unequal(layer: String, MapShape, MapShape)

  /// The layer, what it found and what it needs.
  public var description: String {
    switch self {
    case .duplicateName(let name):
      "layer '\(name)': the network has a layer of that name already; names are unique"
    case .misfit(let layer, let input, let reason):
      "layer '\(layer)' on a map of \(input): \(reason)"
    case .unequal(let layer, let first, let second):
      "layer '\(layer)': adds maps of \(first) and \(second); they must be of one size"
    }
  }
}
