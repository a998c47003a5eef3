// SPDX-License-Identifier: Apache-2.0
import Masks

/// The density of each prunable layer, so that together they keep `density` of their weights.
///
/// `dₗ = min(1, max(leastₗ / countₗ, ε·rₗ))` with the ε that makes `Σ dₗ·countₗ = d·Σ countₗ`:
///
/// - `uniform`: `rₗ = 1`.
/// - `erk`: `rₗ = (Kₗ + Cₗ + Rₗ + Sₗ) / (Kₗ·Cₗ·Rₗ·Sₗ)` (Mocanu et al. 2018; with kernels, Evci et al.
///   2020).
/// - `global`: `rₗ = 1`, before anything is learnt; updates then follow `thresholdDensities`.
///
/// If a layer cannot be as sparse as its density asks for, the other layers become sparser instead. If
/// the minima of all layers together exceed `density`, every layer stays at its minimum.
///
/// - Parameter leastWeights: for each layer the weights that it keeps at least
///   (`LayerPruner.leastWeights`).
public func layerDensities(
  shapes: [FilterShape], leastWeights: [Int], density: Double,
  budget: PruningConfiguration.Budget
) -> [Double] {
  precondition(shapes.count == leastWeights.count, "a least number of weights for each layer")
  let density = min(1, max(0, density))
  let layers = zip(shapes, leastWeights).map { shape, least in
    Share(
      count: Double(shape.count), floor: min(1, Double(least) / Double(shape.count)),
      ratio: budget == .erk
        ? Double(shape.filters + shape.channels + shape.rows + shape.columns)
          / Double(shape.count)
        : 1)
  }
  // The usual cases, free of rounding.
  if density == 1 || budget != .erk && layers.allSatisfy({ $0.floor <= density }) {
    return layers.map { _ in density }
  }
  let target = density * layers.reduce(0) { $0 + $1.count }
  func kept(_ scale: Double) -> Double {
    layers.reduce(0) { $0 + $1.count * $1.density(scale) }
  }

  // Between two neighbouring bends what is kept grows linearly with the scale.
  let bends = layers.flatMap { [$0.floor / $0.ratio, 1 / $0.ratio] }.sorted()
  guard let high = bends.firstIndex(where: { kept($0) >= target }), high > 0 else {
    // Floors alone reach the target; or rounding hides that the whole network does.
    let scale = bends.first.map { kept($0) >= target } ?? true ? 0 : .infinity
    return layers.map { $0.density(scale) }
  }
  let (below, above) = (bends[high - 1], bends[high])
  let (least, most) = (kept(below), kept(above))
  let scale = below + (above - below) * (target - least) / (most - least)
  return layers.map { $0.density(scale) }
}

/// The factor of a layer's density.
private struct Share {
  let count: Double
  let floor: Double
  let ratio: Double

  func density(_ scale: Double) -> Double { min(1, max(floor, scale * ratio)) }
}
