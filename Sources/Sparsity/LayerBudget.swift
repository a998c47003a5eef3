/// The density of each prunable layer, so that together they keep `density` of their weights.
///
/// - `uniform`: `dₗ = d`.
/// - `erk`: `dₗ = min(1, ε·(Kₗ + Cₗ + Rₗ + Sₗ) / (Kₗ·Cₗ·Rₗ·Sₗ))` with the ε that makes
///   `Σ dₗ·countₗ = d·Σ countₗ` (Mocanu et al. 2018; with kernels, Evci et al. 2020). Layers that ε
///   would take beyond 1 are kept whole and ε is solved again for the others.
public func layerDensities(
  shapes: [FilterShape], density: Double, budget: PruningConfiguration.Budget
) -> [Double] {
  let density = min(1, max(0, density))
  if budget == .uniform || density == 1 {
    return [Double](repeating: density, count: shapes.count)
  }
  let counts = shapes.map { Double($0.count) }
  let extents = shapes.map { Double($0.filters + $0.channels + $0.rows + $0.columns) }
  let total = counts.reduce(0, +)
  var isWhole = [Bool](repeating: false, count: shapes.count)
  while true {
    var left = density * total
    var extent = 0.0
    for layer in shapes.indices {
      if isWhole[layer] { left -= counts[layer] } else { extent += extents[layer] }
    }
    let scale = extent > 0 ? max(0, left) / extent : 0
    let over = shapes.indices.filter { !isWhole[$0] && scale * extents[$0] > counts[$0] }
    if over.isEmpty {
      return shapes.indices.map { isWhole[$0] ? 1 : scale * extents[$0] / counts[$0] }
    }
    for layer in over { isWhole[layer] = true }
  }
}
