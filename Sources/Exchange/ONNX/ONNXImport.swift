// SPDX-License-Identifier: Apache-2.0
import Files
import Masks
import Tensor

/// Goes through the nodes of a graph in order and collects layers, with the size of every value.
struct ONNXImport {
  /// Where the weights of a layer stand.
  struct Weights: Sendable {
    /// Name of the constant.
    let name: String
    let constant: ONNXGraph.Constant
    /// Whether the constant is `[inputs][outputs]`.
    let isTransposed: Bool
  }

  /// Why a node is no layer.
  struct Unsupported: Error {
    let reason: String

    init(_ reason: String) { self.reason = reason }
  }

  /// Values of one image at most, so that no count overflows.
  static let mostElements = 1 << 40
  /// Multiply-accumulates of a layer and an image at most, for the same reason.
  private static let mostProducts = 1 << 46
  private static let mostSide = 1 << 24

  private(set) var convolutions: [NetworkDescription.Convolution] = []
  var vectorLayers: [NetworkDescription.VectorLayer] = []
  private(set) var leftOut: [String] = []
  private(set) var weights: [String: Weights] = [:]
  /// Images of the input, where the file fixes them.
  private(set) var batch: Int?
  let graph: ONNXGraph
  var constants: [String: ONNXGraph.Constant]
  /// Sizes of values, without the axis of images.
  var sizes: [String: [Int]] = [:]
  /// The nodes that read a value; -1 stands for the caller.
  let readers: [String: [Int]]
  private let declared: [String: [Int]]
  /// Outputs of linear layers, whose biases may follow as additions.
  var products = Set<String>()
  private var hasGradient = Set<String>()
  private var taken = Set<Int>()
  private var names = Set<String>()

  init(_ graph: ONNXGraph, file: String) throws(InputError) {
    self.graph = graph
    constants = Dictionary(graph.constants.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    var readers: [String: [Int]] = [:]
    for (index, node) in graph.nodes.enumerated() {
      for input in node.inputs { readers[input, default: []].append(index) }
    }
    for output in graph.outputs { readers[output.name, default: []].append(-1) }
    self.readers = readers
    declared = Dictionary(
      (graph.sizes + graph.outputs).compactMap { port in
        Self.imageSize(port.size).map { (port.name, $0) }
      }, uniquingKeysWith: { $1 })
    for input in graph.inputs where constants[input.name] == nil {
      guard let axes = input.size?.axes, let size = Self.imageSize(input.size) else {
        let found = input.size?.axes.map { $0.map(String.init) ?? "?" }.joined(separator: ", ")
        throw InputError(
          file: file, field: "graph input '\(input.name)' shape",
          value: found.map { "[\($0)]" } ?? "none",
          allowed: "sizes of 1 to \(Self.mostSide) for all axes but that of images")
      }
      sizes[input.name] = size
      batch = batch ?? axes[0]
    }
  }

  /// The sizes of the axes behind the first, where all are known and possible.
  private static func imageSize(_ size: ONNXGraph.ValueSize?) -> [Int]? {
    guard let axes = size?.axes, axes.count > 1 else { return nil }
    var product = 1
    for axis in axes.dropFirst() {
      guard let axis, (1...mostSide).contains(axis), axis <= mostElements / product else {
        return nil
      }
      product *= axis
    }
    return axes.dropFirst().map { $0! }
  }

  /// Takes a node whose inputs have been made.
  mutating func add(_ index: Int) {
    let node = graph.nodes[index]
    if taken.contains(index) { return }
    if node.inputs.contains(where: hasGradient.contains) { markGradient(node.outputs) }
    do throws(Unsupported) {
      if !node.domain.isEmpty { throw Unsupported("an operation of '\(node.domain)'") }
      try addLayer(node)
    } catch {
      leftOut.append(printable("node '\(node.label)' (\(node.operation): \(error.reason))"))
      for output in node.outputs {
        sizes[output] = declared[output] ?? sizes[output] ?? sizeAfterUnsupported(node)
      }
    }
  }

  // MARK: What layers are made of

  /// The size of an input.
  func size(_ node: ONNXGraph.Node, _ input: Int = 0) throws(Unsupported) -> [Int] {
    guard input < node.inputs.count, let size = sizes[node.inputs[input]] else {
      throw Unsupported("an input of unknown size")
    }
    return size
  }

  /// An input that is a constant, with its name.
  func constant(_ node: ONNXGraph.Node, _ input: Int)
    -> (name: String, value: ONNXGraph.Constant)?
  {
    guard input < node.inputs.count, let value = constants[node.inputs[input]] else { return nil }
    return (node.inputs[input], value)
  }

  /// Says of what size the first output is.
  mutating func finish(_ node: ONNXGraph.Node, _ size: [Int]) throws(Unsupported) {
    var product = 1
    for axis in size {
      guard axis > 0, axis <= Self.mostElements / product else {
        throw Unsupported("makes a value of \(size)")
      }
      product *= axis
    }
    if let output = node.outputs.first { sizes[output] = size }
  }

  /// A name that no layer has.
  mutating func unique(_ label: String) -> String {
    var name = printable(label)
    var count = 1
    while !names.insert(name).inserted {
      count += 1
      name = printable(label) + " (\(count))"
    }
    return name
  }

  /// Adds a layer without weights of its own to multiply by.
  mutating func addVectorLayer(
    _ node: ONNXGraph.Node, _ kind: NetworkDescription.VectorLayer.Kind, reads: Int, writes: Int
  ) {
    vectorLayers.append(
      NetworkDescription.VectorLayer(
        name: unique(node.label), kind: kind, inputElements: reads, outputElements: writes))
  }

  /// Adds a convolution or linear layer.
  mutating func addConvolution(
    _ node: ONNXGraph.Node, _ geometry: ConvolutionGeometry, _ source: Weights
  ) throws(Unsupported) {
    guard geometry.output.pixels <= Self.mostProducts / geometry.weights else {
      throw Unsupported("more than \(Self.mostProducts) products")
    }
    guard source.constant.element?.isFloat == true else {
      throw Unsupported("weights of a type other than float, double, float16 and bfloat16")
    }
    let isLinear = node.operation != "Conv"
    let name = unique(node.label)
    convolutions.append(
      NetworkDescription.Convolution(
        name: name, geometry: geometry,
        needsInputGradient: hasGradient.contains(node.inputs[0]),
        prunable: geometry.channelsPerGroup > 4
          && !(isLinear && readers[node.outputs.first ?? ""] == [-1])))
    weights[name] = source
    markGradient(node.outputs)
  }

  /// Marks the outputs as depending on weights.
  mutating func markGradient(_ values: [String]) {
    hasGradient.formUnion(values.filter { !$0.isEmpty })
  }

  /// The one node that reads a value; nil where there are more, or where the caller reads it too.
  func onlyReader(of value: String) -> (index: Int, node: ONNXGraph.Node)? {
    guard let readers = readers[value], readers.count == 1, readers[0] >= 0,
      !taken.contains(readers[0])
    else { return nil }
    return (readers[0], graph.nodes[readers[0]])
  }

  /// Leaves a node to the layer that does its work.
  mutating func take(_ index: Int) { taken.insert(index) }

  /// What can be said of the output of a node that is not simulated, so that layers behind it are.
  private func sizeAfterUnsupported(_ node: ONNXGraph.Node) -> [Int]? {
    let inputs = node.inputs.filter { constants[$0] == nil }.map { sizes[$0] }
    switch node.operation {
    case "Sigmoid", "Tanh", "LeakyRelu", "PRelu", "Elu", "Selu", "HardSigmoid", "HardSwish", "Gelu",
      "Mish", "Softmax", "LogSoftmax", "Softplus", "Erf", "Exp", "Log", "Sqrt", "Neg", "Abs",
      "Cast",
      "LRN", "InstanceNormalization", "LayerNormalization":
      return inputs.first ?? nil
    case "Add", "Sub", "Mul", "Div", "Pow":
      // The smaller one is repeated.
      let known = inputs.compactMap { $0 }
      return known.count == inputs.count
        ? known.max { $0.reduce(1, *) < $1.reduce(1, *) } : nil
    default: return nil
    }
  }
}
