// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor

/// The convolutions, linear layers and vector layers of an ONNX file, for the model of the processor.
///
/// A layer is named after its node, or after what a node without a name makes. A batch normalisation
/// takes in the addition and the activation that nothing else reads, as the engine's does. What the
/// model of the processor has no layer for is listed, never left out in silence.
public struct ONNXNetwork: Sendable {
  /// The layers. A step has as many images as the file fixes, or 32.
  ///
  /// Pruning may touch all but layers of at most four channels a group and the last linear layer.
  public let network: NetworkDescription
  /// Nodes that are not simulated, each with its operation and the reason.
  public let leftOut: [String]
  /// Names of layers by those of their weights without `.weight`, where they differ.
  public let namesByWeights: [String: String]
  private let file: String
  private let weights: [String: ONNXImport.Weights]

  /// Reads a file.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(path: String) throws(InputError) {
    try self.init(ONNXGraph(path: path), file: path)
  }

  /// Finds the layers of a graph.
  ///
  /// - Throws: `InputError` naming the file and the field: a graph with cycles or undefined values,
  ///   sizes that cannot be, a graph without any layer.
  public init(_ graph: ONNXGraph, file: String) throws(InputError) {
    let order = try graph.order(file: file)
    var reading = try ONNXImport(graph, file: file)
    for node in order { reading.add(node) }
    leftOut = reading.leftOut
    weights = reading.weights
    self.file = file
    var names: [String: String] = [:]
    for (layer, weights) in reading.weights {
      let name = weights.name.hasSuffix(".weight") ? String(weights.name.dropLast(7)) : weights.name
      if name != layer && reading.weights[name] == nil { names[name] = layer }
    }
    namesByWeights = names
    network = NetworkDescription(
      name: URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent,
      batch: reading.batch ?? 32, convolutions: reading.convolutions,
      vectorLayers: reading.vectorLayers)
    if network.convolutions.isEmpty {
      throw InputError(
        file: file, field: "graph nodes",
        value: "no layer" + (leftOut.first.map { "; \($0)" } ?? ""),
        allowed: "at least one Conv, Gemm or MatMul with constant weights")
    }
    do {
      try network.validate(file: file)
    } catch {
      throw InputError(
        file: file, field: error.field, value: error.value, allowed: error.allowed)
    }
  }

  /// The weights of a layer, in `[K][C][R][S]` order.
  ///
  /// - Throws: `InputError` for values that are not finite.
  public func weights(of layer: String) throws(InputError) -> [Float] {
    guard let source = weights[layer], let values = source.constant.floats else {
      preconditionFailure("no layer \(layer) in \(network.name)")
    }
    if let bad = values.first(where: { !$0.isFinite }) {
      throw InputError(
        file: file, field: "initializer '\(source.name)'", value: "\(bad)", allowed: "finite values"
      )
    }
    guard source.isTransposed else { return values }
    let (inputs, outputs) = (source.constant.shape[0], source.constant.shape[1])
    return (0..<values.count).map { values[$0 % inputs * outputs + $0 / inputs] }
  }

  /// The masks that the zeros of the weights make.
  ///
  /// - Throws: `InputError` for values that are not finite.
  public func masks() throws(InputError) -> MaskSnapshot {
    var layers: [MaskSnapshot.Layer] = []
    for layer in network.convolutions {
      let values = try weights(of: layer.name)
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
