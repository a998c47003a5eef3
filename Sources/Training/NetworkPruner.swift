// SPDX-License-Identifier: Apache-2.0
import Pruning
import Tensor

/// Prunes a model while it trains: makes random masks for the first step, and at each update changes them
/// by the magnitude of the weights and the gradients of pruned weights.
package struct NetworkPruner {
  package let configuration: PruningConfiguration
  package let schedule: PruningSchedule
  private let seed: UInt64
  private let layers: [(layer: ConvolutionLayer, pruner: LayerPruner)]
  /// Layers whose masks are those that their weights bring along.
  private let frozen: [(layer: ConvolutionLayer, pruner: LayerPruner)]

  /// Nil when the granularity is `dense` or the network has nothing to prune.
  package init?(
    _ configuration: PruningConfiguration, model: Model, totalSteps: Int, stepsPerEpoch: Int,
    seed: UInt64
  ) {
    let prunable = model.convolutions.filter(\.isPrunable)
    if configuration.granularity == .dense || prunable.isEmpty { return nil }
    self.configuration = configuration
    self.seed = seed
    schedule = PruningSchedule(
      configuration, totalSteps: totalSteps, stepsPerEpoch: stepsPerEpoch)
    // The last layers are the largest: threads that share the layers start with them.
    let all = prunable.reversed().map {
      ($0, LayerPruner(shape: $0.filterShape, configuration: configuration))
    }
    layers = all.filter { !$0.0.weight.isFrozen }
    frozen = all.filter { $0.0.weight.isFrozen }
  }

  /// Masks for the first step.
  ///
  /// - Parameter continuing: whether the weights are given ones, whose zeros are pruned already.
  package func start(continuing: Bool, on engine: Engine) {
    let densities = layerDensities(at: 0)
    engine.forEach(layers.count) { index in
      let (layer, pruner) = layers[index]
      let (weights, density) = (layer.denseWeights, densities[index])
      layer.apply(
        continuing
          ? pruner.initialMask(continuing: weights, density: density)
          : pruner.initialMask(weights: weights, density: density))
    }
    for (layer, pruner) in frozen {
      layer.apply(pruner.initialMask(continuing: layer.denseWeights, density: 1))
    }
  }

  /// Whether the update after a step may bring units back, for which it needs the gradients of pruned
  /// weights. While the density only falls and nothing is exchanged, what is kept is chosen among what
  /// was; shapes that go, and balance, can leave a filter without any.
  package func needsGradients(at step: Int) -> Bool {
    if layers.isEmpty { return false }
    if exchange(at: step) > 0 || configuration.balanced != .none { return true }
    if configuration.granularity == .subStructured && schedule.movesShapes(at: step) {
      return true
    }
    if configuration.budget == .global { return false }
    return zip(layerDensities(at: schedule.rampEnd), layers).contains {
      $0 > $1.layer.mask?.density ?? 1
    }
  }

  /// New masks after a step whose backward pass computed dense gradients, unless the update
  /// needs none. Layers do not depend on each other once their densities are settled.
  package func update(at step: Int, on engine: Engine) {
    let densities = updatedDensities(at: step)
    let needsGradients = needsGradients(at: step)
    engine.forEach(layers.count) { index in
      let (layer, pruner) = layers[index]
      let weights = layer.denseWeights
      guard let mask = layer.mask,
        let gradient = layer.denseGradient ?? (needsGradients ? nil : weights)
      else {
        preconditionFailure("a mask update follows a backward pass with dense gradients")
      }
      let growth =
        configuration.growth == .gradient
        ? gradient : ranks(of: gradient.count, layer: index, step: step)
      let updated = pruner.update(
        mask, weights: weights, gradient: growth, density: densities[index],
        growFraction: exchange(at: step), movesShapes: schedule.movesShapes(at: step))
      if updated != mask { layer.apply(updated) }
    }
  }

  /// Random magnitudes in place of gradients, which depend on the seed, the step and the layer only.
  private func ranks(of count: Int, layer: Int, step: Int) -> [Float] {
    var random = SeededRandom(
      seed: seed, stream: 1 << 48 | UInt64(step) << 16 | UInt64(layer))
    return (0..<count).map { _ in random.uniform() }
  }

  /// Fraction of the kept units to exchange: lines and weights at each update, units that span all
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

  /// The densities of an update. A ramp only falls: training that continues from sparse weights does not
  /// make them dense first.
  private func updatedDensities(at step: Int) -> [Double] {
    let masks = layers.map { layer, _ in
      guard let mask = layer.mask else { preconditionFailure("pruning has started") }
      return mask
    }
    if configuration.budget == .global {
      // After the ramp the layers keep what they have.
      if step > schedule.rampEnd { return masks.map(\.density) }
      return thresholdDensities(
        zip(layers, masks).map { ($0.pruner, $1, $0.layer.denseWeights) },
        density: schedule.density(at: step))
    }
    let targets = layerDensities(at: schedule.rampEnd)
    return zip(zip(layerDensities(at: step), targets), masks).map {
      max($0.1, min($0.0, $1.density))
    }
  }

  private func layerDensities(at step: Int) -> [Double] {
    Pruning.layerDensities(
      shapes: layers.map(\.layer.filterShape), leastWeights: layers.map(\.pruner.leastWeights),
      density: schedule.density(at: step), budget: configuration.budget)
  }
}

/// The sparsity of one layer.
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
  /// The sparsity of each convolution and linear layer.
  public var layerSparsities: [LayerSparsity] {
    convolutions.map { layer in
      LayerSparsity(
        name: layer.name, weights: layer.geometry.weights,
        kept: layer.mask?.keptElements ?? layer.geometry.weights, lines: layer.mask?.lines.count,
        keptLines: layer.mask?.keptLines, shapes: layer.mask?.shapes.count,
        keptShapes: layer.mask?.keptShapes, prunable: layer.isPrunable)
    }
  }

  /// Fraction of the weights of the prunable layers that is pruned.
  public var sparsity: Double {
    let prunable = layerSparsities.filter(\.prunable)
    let weights = prunable.reduce(0) { $0 + $1.weights }
    return weights == 0 ? 0 : 1 - Double(prunable.reduce(0) { $0 + $1.kept }) / Double(weights)
  }

  /// Multiply-accumulates of a forward pass with the masks, as a fraction of the dense network's.
  ///
  /// All convolutions and linear layers count, also those that are never pruned. Two networks of equal
  /// sparsity may differ by a factor: a weight of an early layer is used at many more pixels.
  public var macDensity: Double {
    var (kept, dense) = (0.0, 0.0)
    for layer in convolutions {
      let macs = Double(layer.geometry.denseMACs)
      dense += macs
      kept += macs * (layer.mask?.density ?? 1)
    }
    return dense == 0 ? 1 : kept / dense
  }
}
