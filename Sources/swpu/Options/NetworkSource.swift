// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Exchange
import Foundation
import Masks
import Processor
import Tensor
import Training

/// What a simulation's argument names, by its ending: each kind of file is one case here.
enum NetworkSource {
  /// The folder of a run.
  case run(RunFolder)
  /// Weights for a network of the engine.
  case safetensors(String)
  /// A network of another program, with weights.
  case onnx(String)
  /// A topology of SCALE-Sim.
  case topology(String)
  /// Nothing: a network of the engine.
  case model

  init(_ path: String?) {
    guard let path else {
      self = .model
      return
    }
    self =
      switch URL(fileURLWithPath: path).pathExtension.lowercased() {
      case "safetensors": .safetensors(path)
      case "onnx": .onnx(path)
      case "csv": .topology(path)
      default: .run(RunFolder(URL(fileURLWithPath: path)))
      }
  }
}

/// A network to simulate, and what its source says of its weights.
struct SourceNetwork {
  var description: NetworkDescription
  /// Our names of layers by those of other programs, where they differ.
  var names: [String: String] = [:]
  /// The masks of the source; nil for a source that has none.
  var masks: (() throws -> MaskSnapshot)?
  /// The weights of a layer; nil for a source that has none.
  var weights: ((NetworkDescription.Convolution) throws -> [Float])?
  /// What the source holds and the simulation leaves out, by name.
  var leftOut: [String] = []
}

extension SourceNetwork {
  /// Reads a source other than a run.
  init(_ source: NetworkSource, options: WorkloadOptions) throws {
    switch source {
    case .run(let run):
      description = try run.readNetwork()
      names = try run.configuredNetwork().namesByExchange
    case .model:
      let side = options.imageSize ?? 32
      let network = try (options.model ?? .resnet18).network(
        input: MapShape(channels: 3, height: side, width: side), classes: side < 64 ? 10 : 1000)
      description = network.description(batch: 32)
      names = network.namesByExchange
    case .safetensors(let path):
      let found = try WeightedNetwork(
        SafetensorsFile(path: path), model: options.model, imageSize: options.imageSize)
      description = found.network.description(batch: 32)
      names = found.network.namesByExchange
      masks = { try found.masks() }
      weights = { try found.weights(of: $0.name) }
      leftOut = found.leftOut.map { "tensor \($0)" }
    case .onnx(let path):
      let found = try ONNXNetwork(path: path)
      description = found.network
      names = found.namesByWeights
      masks = { try found.masks() }
      weights = { try found.weights(of: $0.name) }
      leftOut = found.leftOut
    case .topology(let path):
      let topology = try TopologyFile(path: path)
      description = topology.network
      leftOut = topology.leftOut
    }
    if let batch = options.batch { description.batch = batch }
  }
}

extension Network {
  /// Our names of layers by those of other programs, where they differ.
  fileprivate var namesByExchange: [String: String] {
    Dictionary(exchangeNames.map { ($0.value, $0.key) }, uniquingKeysWith: { $1 })
  }
}
