// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor

/// The convolutions, linear layers and vector layers of an ONNX file, for the model of the processor.
///
/// A layer is named after its node, or after what a node without a name makes. A batch normalisation
/// takes in the addition and the activation that nothing else reads, as the engine's does. Sizes follow
/// from the operators' rules, constants are computed. Nodes that the processor model has no layer for are
/// listed with their multiply-accumulates, never left out silently.
public struct ONNXNetwork: Sendable {
  /// A node that is not simulated.
  public struct LeftOut: Sendable, Equatable, Encodable {
    /// Name of the node, or of what it makes.
    public let name: String
    /// The operation.
    public let operation: String
    /// Why.
    public let reason: String
    /// Multiply-accumulates for one image; nil where they are not known.
    public let multiplyAccumulates: Int?
  }

  /// The layers. A step has as many images as the file fixes, or 32.
  ///
  /// Pruning may touch all but layers of at most four channels a group and the last linear layer.
  public let network: NetworkDescription
  /// Nodes that are not simulated.
  public let leftOut: [LeftOut]
  /// Names of layers by those of their weights without `.weight`, where they differ.
  public let namesByWeights: [String: String]
  /// For layers whose weights are not known, the reason.
  public let lackingWeights: [String: String]
  /// What layers read that is no whole output of a layer, as a concatenation is, by their names: the
  /// description does not say what those read.
  public let unclearReads: [String: String]
  /// Multiply-accumulates of one image in the layers.
  public let multiplyAccumulates: Int
  private let file: String
  private let weights: [String: ONNXImport.Weights]
  private let values: GraphValues

  /// Weights of unknown values that a file may have, at most.
  private static let mostLackingWeights = 1 << 31

  /// Reads a file.
  ///
  /// - Parameter side: the size of open axes of inputs, other than that of images.
  /// - Throws: `InputError` naming the file and the field.
  public init(path: String, side: Int? = nil) throws(InputError) {
    try self.init(ONNXGraph(path: path), file: path, side: side)
  }

  /// Finds the layers of a graph.
  ///
  /// - Throws: `InputError` naming the file and the field: a graph with cycles or undefined values,
  ///   sizes that cannot be, a graph without any layer.
  public init(_ graph: ONNXGraph, file: String, side: Int? = nil) throws(InputError) {
    var reading = try ONNXImport(graph.expanded(file: file), file: file, side: side)
    try reading.addNodes()
    leftOut = reading.leftOut
    unclearReads = reading.unclearReads
    weights = reading.weights
    values = reading.values
    multiplyAccumulates = reading.multiplyAccumulates
    self.file = file
    var names: [String: String] = [:]
    var lacking: [String: String] = [:]
    var budget = values.budget
    var unknown = 0
    for layer in reading.convolutions {
      guard let source = reading.weights[layer.name] else { continue }
      let weights = values.origin(of: source.name)
      let name = weights.hasSuffix(".weight") ? String(weights.dropLast(7)) : weights
      if name != layer.name && reading.weights[name] == nil { names[name] = layer.name }
      lacking[layer.name] = values.lacking(source.name)
      if lacking[layer.name] == nil {
        budget -= layer.filterShape.count
      } else {
        unknown += layer.filterShape.count
      }
    }
    guard budget >= 0, unknown <= Self.mostLackingWeights else {
      throw InputError(
        file: file, field: "weights", value: "more than the file's constants give rise to",
        allowed: "at most \(values.budget), and \(Self.mostLackingWeights) of missing files")
    }
    namesByWeights = names
    lackingWeights = lacking
    network = NetworkDescription(
      name: URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent,
      batch: reading.batch ?? 32, convolutions: reading.convolutions,
      vectorLayers: reading.vectorLayers)
    if network.convolutions.isEmpty {
      throw InputError(
        file: file, field: "graph nodes",
        value: "no layer"
          + (leftOut.max { ($0.multiplyAccumulates ?? 0) < ($1.multiplyAccumulates ?? 0) }
            .map { "; node '\($0.name)' (\($0.operation)): \($0.reason)" } ?? ""),
        allowed: "at least one Conv, Gemm or MatMul with constant weights")
    }
    do {
      try network.validate(file: file)
    } catch {
      throw InputError(
        file: file, field: error.field, value: error.value, allowed: error.allowed)
    }
  }

  /// The fraction of the network's multiply-accumulates that is not simulated; nil where those of a node
  /// are not known.
  public var leftOutShare: Double? {
    let counts = leftOut.compactMap(\.multiplyAccumulates)
    guard counts.count == leftOut.count else { return nil }
    let missing = counts.reduce(0.0) { $0 + Double($1) }
    return missing == 0 ? 0 : missing / (missing + Double(multiplyAccumulates))
  }

  /// The weights of a layer, in `[K][C][R][S]` order: those of whole numbers without their zero point,
  /// but for their scale.
  ///
  /// - Throws: `InputError` for values that are missing or not finite.
  public func weights(of layer: String) throws(InputError) -> [Float] {
    var budget = values.budget
    return try weights(of: layer, budget: &budget)
  }

  private func weights(of layer: String, budget: inout Int) throws(InputError) -> [Float] {
    guard let source = weights[layer] else {
      preconditionFailure("no layer \(layer) in \(network.name)")
    }
    let found: (shape: [Int], floats: [Float])
    do throws(Unsupported) {
      found = try floats(source, budget: &budget)
    } catch {
      throw InputError(
        file: file, field: "initializer '\(source.name)'", value: error.reason,
        allowed: "values, or operations on them that can be worked out")
    }
    if let bad = found.floats.first(where: { !$0.isFinite }) {
      throw InputError(
        file: file, field: "initializer '\(source.name)'", value: "\(bad)", allowed: "finite values"
      )
    }
    guard source.isTransposed else { return found.floats }
    let (inputs, outputs) = (found.shape[found.shape.count - 2], found.shape[found.shape.count - 1])
    return (0..<found.floats.count).map { found.floats[$0 % inputs * outputs + $0 / inputs] }
  }

  private func floats(_ source: ONNXImport.Weights, budget: inout Int) throws(Unsupported)
    -> (shape: [Int], floats: [Float])
  {
    if case .given(let constant)? = values.constants[source.name], let floats = constant.floats {
      return (constant.shape, floats)
    }
    let found = try values.evaluate(source.name, budget: &budget)
    guard let integers = found.integers else {
      return (found.shape, found.reals.map { Float($0) })
    }
    let zeros =
      try source.zero.map { name throws(Unsupported) in
        try values.evaluate(name, budget: &budget).integers ?? [0]
      } ?? [0]
    // One zero for all, or one for each filter: the first axis, or the last of a matrix product.
    let perFilter = found.shape.dropFirst().reduce(1, *)
    return (
      found.shape,
      integers.enumerated().map { place, value in
        let filter = source.isTransposed ? place % zeros.count : place / max(1, perFilter)
        return Float(value - zeros[zeros.count == 1 ? 0 : min(filter, zeros.count - 1)])
      }
    )
  }

  /// The masks that the zeros of the weights make; layers whose weights are not known are left out.
  ///
  /// - Throws: `InputError` for values that are not finite.
  public func masks() throws(InputError) -> MaskSnapshot {
    var layers: [MaskSnapshot.Layer] = []
    var budget = values.budget
    for layer in network.convolutions where lackingWeights[layer.name] == nil {
      let values = try weights(of: layer.name, budget: &budget)
      let mask = LayerMask(
        recognizing: Bits(count: values.count) { values[$0] != 0 }, shape: layer.filterShape)
      layers.append(
        MaskSnapshot.Layer(
          name: layer.name, granularity: mask.recognizedGranularity,
          mask: mask, inputSparsity: nil, gradientSparsity: nil))
    }
    return MaskSnapshot(step: 0, epoch: 0, layers: layers)
  }
}
