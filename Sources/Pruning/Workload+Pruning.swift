// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Tensor

extension Workload {
  /// A network with random masks from a seed.
  ///
  /// Weights are normal; those of each filter and each channel share a factor `exp(0.4·n)`, n normal,
  /// so that some filters and channels matter more than others, as in trained networks. The pruner
  /// that training uses then keeps the most salient units of every prunable layer.
  public init(
    _ network: NetworkDescription, pruning: PruningConfiguration, seed: UInt64,
    assuming zeros: AssumedZeros = AssumedZeros()
  ) {
    let layers = Dictionary(
      network.convolutions.enumerated().map { ($0.element.name, $0.offset) },
      uniquingKeysWith: { $1 })
    self.init(network, pruning: pruning, assuming: zeros) { convolution in
      Self.drawnWeights(
        convolution.filterShape, seed: seed, layer: layers[convolution.name] ?? 0)
    }
  }

  /// A network with the masks that the training pruner gives custom weights: the most salient units of
  /// every prunable layer stay.
  ///
  /// - Parameter weights: those of a layer, in `[K][C][R][S]` order.
  public init<Failure: Error>(
    _ network: NetworkDescription, pruning: PruningConfiguration,
    assuming zeros: AssumedZeros = AssumedZeros(),
    weights: (NetworkDescription.Convolution) throws(Failure) -> [Float]
  ) throws(Failure) {
    let isDense = pruning.granularity == .dense || pruning.sparsity == 0
    var layers: [Layer] = []
    for convolution in network.convolutions {
      let shape = convolution.filterShape
      let prunes = !isDense && convolution.prunable
      let mask =
        prunes
        ? LayerPruner(shape: shape, configuration: pruning).initialMask(
          weights: try weights(convolution), density: 1 - pruning.sparsity)
        : LayerMask(dense: shape)
      layers.append(
        Layer(
          convolution: convolution, mask: mask,
          granularity: prunes ? pruning.granularity : .dense,
          inputSparsity: zeros.input(of: convolution), gradientSparsity: zeros.gradients))
    }
    self.init(
      name: network.name, batch: network.batch, layers: layers,
      vectorLayers: network.vectorLayers, optimizer: network.optimizer ?? .sgd)
  }

  private static func drawnWeights(_ shape: FilterShape, seed: UInt64, layer: Int) -> [Float] {
    var random = SeededRandom(seed: seed, stream: UInt64(layer) &+ 1 << 32)
    let spread: Float = 0.4
    let filters = (0..<shape.filters).map { _ in exp(spread * random.normal()) }
    let channels = (0..<shape.channels).map { _ in exp(spread * random.normal()) }
    let area = shape.rows * shape.columns
    var weights: [Float] = []
    weights.reserveCapacity(shape.count)
    for filter in filters {
      for channel in channels {
        for _ in 0..<area { weights.append(filter * channel * random.normal()) }
      }
    }
    return weights
  }
}
