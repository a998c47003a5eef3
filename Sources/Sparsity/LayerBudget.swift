/// The density of each prunable layer so that together they keep `density` of their weights.
///
/// `erk` (Mocanu et al. 2018, Evci et al. 2020): proportional to
/// `(K + C + R + S) / (K·C·R·S)`; layers that would exceed 1 become dense and the others share the
/// rest.
public func layerDensities(
  shapes: [FilterShape], density: Double, budget: PruningConfiguration.Budget
) -> [Double] {
  if budget == .uniform || density >= 1 {
    return [Double](repeating: min(1, density), count: shapes.count)
  }
  let raw = shapes.map {
    Double($0.filters + $0.channels + $0.rows + $0.columns) / Double($0.count)
  }
  let total = shapes.reduce(0.0) { $0 + Double($1.count) }
  var isDense = [Bool](repeating: false, count: shapes.count)
  while true {
    var left = density * total
    var weight = 0.0
    for index in shapes.indices {
      if isDense[index] {
        left -= Double(shapes[index].count)
      } else {
        weight += raw[index] * Double(shapes[index].count)
      }
    }
    let scale = weight > 0 ? max(0, left) / weight : 0
    let over = shapes.indices.filter { !isDense[$0] && raw[$0] * scale > 1 }
    if over.isEmpty { return shapes.indices.map { isDense[$0] ? 1 : raw[$0] * scale } }
    for index in over { isDense[index] = true }
  }
}
