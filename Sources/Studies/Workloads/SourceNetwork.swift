// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Masks
import Tensor
import Training

/// A network to simulate, and what its source has of its weights.
struct SourceNetwork {
  var description: NetworkDescription
  /// Our names of layers by those of other programs, where they differ.
  var names: [String: String] = [:]
  /// The masks of the source; nil for a source that has none.
  var masks: (() throws -> MaskSnapshot)?
  /// The weights of a layer; nil for a source that has none.
  var weights: ((NetworkDescription.Convolution) throws -> [Float])?
  /// What the source holds and the simulation leaves out, by name, but for nodes of an ONNX file.
  var leftOut: [String] = []
  /// Nodes of an ONNX file that are not simulated, and their fraction of its multiply-accumulates.
  var unmodelled: Unmodelled?
  /// Why it is not known what a layer reads, by the names of those layers.
  var unclearReads: [String: String] = [:]
  /// Layers whose weights are not known from the source, with the reason.
  var lackingWeights: [String: String] = [:]
}

extension SourceNetwork {
  /// Reads a source other than a run.
  init(_ request: WorkloadRequest) throws {
    switch request.source {
    case .run(let run):
      description = try run.readNetwork()
      names = try run.configuredNetwork().namesByExchange
    case .model:
      let side = request.imageSize ?? 32
      let network = try (request.model ?? .resnet18).network(
        input: MapShape(channels: 3, height: side, width: side), classes: side < 64 ? 10 : 1000)
      description = network.description(batch: 32)
      names = network.namesByExchange
    case .safetensors(let path):
      let found = try WeightedNetwork(
        SafetensorsFile(path: path), model: request.model, imageSize: request.imageSize)
      description = found.network.description(batch: 32)
      names = found.network.namesByExchange
      masks = { try found.masks() }
      weights = { try found.weights(of: $0.name) }
      leftOut = found.leftOut.map { "tensor \($0)" }
    case .onnx(let path):
      let found = try ONNXNetwork(path: path, side: request.imageSize)
      description = found.network
      names = found.namesByWeights
      masks = { try found.masks() }
      weights = { try found.weights(of: $0.name) }
      unmodelled = Unmodelled(found)
      lackingWeights = found.lackingWeights
      unclearReads = found.unclearReads
    case .topology(let path):
      let topology = try TopologyFile(path: path)
      description = topology.network
      leftOut = topology.leftOut
    }
    if let batch = request.batch { description.batch = batch }
  }
}

extension Network {
  /// Our names of layers by those of other programs, where they differ.
  fileprivate var namesByExchange: [String: String] {
    Dictionary(exchangeNames.map { ($0.value, $0.key) }, uniquingKeysWith: { $1 })
  }
}
