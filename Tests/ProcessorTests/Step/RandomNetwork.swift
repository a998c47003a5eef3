// SPDX-License-Identifier: Apache-2.0

import Masks
import Pruning
import Tensor

@testable import Processor

/// A random network of convolutions with and without normalisation, branches, pooling, dropout and
/// depthwise layers, as a workload. The seed names it.
struct RandomNetwork {
  private var random: SeededRandom
  private var convolutions: [NetworkDescription.Convolution] = []
  private var vectorLayers: [NetworkDescription.VectorLayer] = []

  /// A value: the layer that makes it, and its size; an empty name for the images.
  private struct Value {
    var name: String
    var map: MapShape
  }

  private init(seed: UInt64) { random = SeededRandom(seed: seed, stream: 5) }

  private func reads(_ values: [Value]) -> [String] { values.map(\.name).filter { !$0.isEmpty } }

  private mutating func convolution(_ input: Value, filters: Int, kernel: Int, groups: Int = 1)
    -> Value
  {
    guard
      let geometry = ConvolutionGeometry(
        input: input.map, filters: filters, rows: kernel, columns: kernel,
        paddingRows: kernel / 2, paddingColumns: kernel / 2, groups: groups)
    else { preconditionFailure("a convolution that does not fit") }
    let name = "conv\(convolutions.count)"
    convolutions.append(
      NetworkDescription.Convolution(
        name: name, geometry: geometry, needsInputGradient: !input.name.isEmpty, prunable: true,
        reads: reads([input])))
    return Value(name: name, map: geometry.output)
  }

  private mutating func vector(
    _ kind: NetworkDescription.VectorLayer.Kind, _ inputs: [Value], map: MapShape? = nil
  ) -> Value {
    let name = "\(kind.rawValue)\(vectorLayers.count)"
    let output = map ?? inputs[0].map
    vectorLayers.append(
      NetworkDescription.VectorLayer(
        name: name, kind: kind, inputElements: inputs.reduce(0) { $0 + $1.map.count },
        outputElements: output.count, reads: reads(inputs)))
    return Value(name: name, map: output)
  }

  /// A random network of a seed, with masks and sparsity.
  static func workload(seed: UInt64, batch: Int = 3) -> Workload {
    var network = RandomNetwork(seed: seed)
    func pick<Choice>(_ choices: [Choice]) -> Choice {
      choices[network.random.below(choices.count)]
    }
    let side = pick([4, 6, 9])
    var value = Value(name: "", map: MapShape(channels: 3, height: side, width: side))
    var shortcut: Value?
    for _ in 0..<2 + network.random.below(6) {
      let isDepthwise = !value.name.isEmpty && network.random.below(5) == 0
      let filters = isDepthwise ? value.map.channels : pick([4, 6, 8])
      let before = value
      value = network.convolution(
        value, filters: filters, kernel: pick([1, 3]),
        groups: isDepthwise ? value.map.channels : 1)
      switch network.random.below(4) {
      case 0: break
      case 1: value = network.vector(.activation, [value])
      default:
        if let other = shortcut, other.map == value.map, network.random.below(2) == 0 {
          value = network.vector(.batchNormWithResidual, [value, other])
        } else {
          value = network.vector(.batchNorm, [value])
        }
      }
      if network.random.below(4) == 0, !before.name.isEmpty {
        // A branch that meets the main path again.
        let branch = network.vector(
          .batchNorm, [network.convolution(before, filters: value.map.channels, kernel: 1)])
        value = network.vector(.add, [value, branch])
      }
      if network.random.below(5) == 0 { value = network.vector(.dropout, [value]) }
      if network.random.below(5) == 0, value.map.height >= 4 {
        value = network.vector(
          .pooling, [value],
          map: MapShape(
            channels: value.map.channels, height: value.map.height / 2,
            width: value.map.width / 2))
      }
      if network.random.below(2) == 0 { shortcut = value }
    }
    value = network.vector(
      .pooling, [value], map: MapShape(channels: value.map.channels, height: 1, width: 1))
    _ = network.convolution(value, filters: 5, kernel: 1)
    let description = NetworkDescription(
      name: "random", batch: batch, convolutions: network.convolutions,
      vectorLayers: network.vectorLayers)
    return Workload(
      description, pruning: PruningConfiguration(sparsity: pick([0, 0.5, 0.8])), seed: seed)
  }

  /// Two residual blocks as ResNet has them, the second with a projection.
  static func residualBlocks() -> Workload {
    var network = RandomNetwork(seed: 0)
    let images = Value(name: "", map: MapShape(channels: 3, height: 8, width: 8))
    var value = network.vector(.batchNorm, [network.convolution(images, filters: 8, kernel: 3)])
    for filters in [8, 12] {
      let input = value
      value = network.vector(
        .batchNorm, [network.convolution(input, filters: filters, kernel: 3)])
      let second = network.convolution(value, filters: filters, kernel: 3)
      var shortcut = input
      if filters != input.map.channels {
        shortcut = network.vector(
          .batchNorm, [network.convolution(input, filters: filters, kernel: 1)])
      }
      value = network.vector(.batchNormWithResidual, [second, shortcut])
    }
    value = network.vector(
      .pooling, [value], map: MapShape(channels: value.map.channels, height: 1, width: 1))
    _ = network.convolution(value, filters: 5, kernel: 1)
    return Workload(
      NetworkDescription(
        name: "blocks", batch: 4, convolutions: network.convolutions,
        vectorLayers: network.vectorLayers),
      pruning: PruningConfiguration(sparsity: 0.5), seed: 1)
  }
}
