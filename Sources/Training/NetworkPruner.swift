// SPDX-License-Identifier: Apache-2.0
import Pruning
import Tensor

/// Prunes a model while it trains: draws the first masks, and at each update moves them by the
/// magnitude of the weights and the gradients of what is pruned.
package struct NetworkPruner {
  package let configuration: PruningConfiguration
  package let schedule: PruningSchedule
  private let layers: [(layer: ConvolutionLayer, pruner: LayerPruner)]

  /// Nil when the granularity is `dense` or the network has nothing to prune.
  package init?(
    _ configuration: PruningConfiguration, model: Model, totalSteps: Int, stepsPerEpoch: Int
  ) {
    let prunable = model.convolutions.filter(\.isPrunable)
    if configuration.granularity == .dense || prunable.isEmpty { return nil }
    self.configuration = configuration
    schedule = PruningSchedule(
      configuration, totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
    // The last layers are the largest: threads that share the layers start with them.
    layers = prunable.reversed().map {
      ($0, LayerPruner(shape: $0.filterShape, configuration: configuration))
    }
  }

  /// Masks for the first step.
  package func start(on engine: Engine) {
    let densities = layerDensities(at: 0)
    engine.forEach(layers.count) { index in
      let (layer, pruner) = layers[index]
      layer.apply(pruner.initialMask(weights: layer.denseWeights, density: densities[index]))
    }
  }

  /// New masks after a step whose backward pass computed dense gradients. Layers do not depend on
  /// each other once their densities are settled.
  package func update(at step: Int, on engine: Engine) {
    let densities = layerDensities(at: step)
    engine.forEach(layers.count) { index in
      let (layer, pruner) = layers[index]
      guard let mask = layer.mask, let gradient = layer.denseGradient else {
        preconditionFailure("a mask update follows a backward pass with dense gradients")
      }
      let updated = pruner.update(
        mask, weights: layer.denseWeights, gradient: gradient, density: densities[index],
        growFraction: exchange(at: step), movesShapes: schedule.movesShapes(at: step))
      if updated != mask { layer.apply(updated) }
    }
  }

  /// Share of the kept units to exchange: lines and weights at each update, units that span all
  /// filters or channels slowly, once an epoch.
  private func exchange(at step: Int) -> Double {
    switch configuration.granularity {
    case .dense, .line, .subStructured, .unstructured:
      return schedule.growFraction(at: step)
    case .filter, .channel, .shape:
      if !schedule.movesShapes(at: step) || configuration.growFraction == 0 { return 0 }
      return configuration.shapeUpdateFraction * schedule.growFraction(at: step)
        / configuration.growFraction
    }
  }

  private func layerDensities(at step: Int) -> [Double] {
    Pruning.layerDensities(
      shapes: layers.map(\.layer.filterShape), leastWeights: layers.map(\.pruner.leastWeights),
      density: schedule.density(at: step), budget: configuration.budget)
  }
}

/// How sparse one layer is.
public struct LayerSparsity: Codable, Sendable {
  /// Name of the layer.
  public let name: String
  /// Weights of the dense layer.
  public let weights: Int
  /// Weights kept.
  public let kept: Int
  /// Kernel rows (4x4 blocks of a 1x1 layer) and how many are kept; absent in a dense layer.
  public let lines, keptLines: Int?
  /// Positions of the kernel over all channels, and how many are kept; absent in a dense layer.
  public let shapes, keptShapes: Int?
  /// Whether pruning may touch the layer.
  public let prunable: Bool
}

extension Model {
  /// How sparse each convolution and linear layer is.
  public var layerSparsities: [LayerSparsity] {
    convolutions.map { layer in
      LayerSparsity(
        name: layer.name, weights: layer.geometry.weights,
        kept: layer.mask?.keptElements ?? layer.geometry.weights, lines: layer.mask?.lines.count,
        keptLines: layer.mask?.keptLines, shapes: layer.mask?.shapes.count,
        keptShapes: layer.mask?.keptShapes, prunable: layer.isPrunable)
    }
  }

  /// Share of the weights of the prunable layers that is pruned.
  public var sparsity: Double {
    let prunable = layerSparsities.filter(\.prunable)
    let weights = prunable.reduce(0) { $0 + $1.weights }
    return weights == 0 ? 0 : 1 - Double(prunable.reduce(0) { $0 + $1.kept }) / Double(weights)
  }
}
