import Sparsity
import Tensor
import Testing

@Suite struct LayerBudgetTests {
  @Test func uniformIsTheSameEverywhere() {
    #expect(
      layerDensities(shapes: layers, density: 0.3, budget: .uniform)
        == [Double](repeating: 0.3, count: layers.count))
    #expect(layerDensities(shapes: [], density: 0.3, budget: .erk) == [])
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func erkMeetsTheDensity(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shapes = (0...random.below(8)).map { _ in random.layer() }
    let density = Double(random.uniform())
    let densities = layerDensities(shapes: shapes, density: density, budget: .erk)
    let total = shapes.reduce(0.0) { $0 + Double($1.count) }
    let kept = zip(shapes, densities).reduce(0.0) { $0 + Double($1.0.count) * $1.1 }
    #expect(abs(kept - density * total) < 1e-6 * total)
    #expect(densities.allSatisfy { (0...1).contains($0) })
    // Below the cap the layers share one factor; capped ones would exceed 1 with it.
    func raw(_ shape: FilterShape) -> Double {
      Double(shape.filters + shape.channels + shape.rows + shape.columns) / Double(shape.count)
    }
    let factors = zip(shapes, densities).filter { $0.1 < 1 }.map { $0.1 / raw($0.0) }
    if let factor = factors.first {
      #expect(factors.allSatisfy { abs($0 - factor) <= 1e-9 * max(1, factor) })
      for (shape, density) in zip(shapes, densities) where density == 1 {
        #expect(factor * raw(shape) >= 1 - 1e-9)
      }
    }
  }

  @Test func erkKeepsSmallLayersDenser() {
    let shapes = [
      FilterShape(filters: 16, channels: 16, rows: 3, columns: 3),
      FilterShape(filters: 64, channels: 64, rows: 3, columns: 3),
    ]
    let densities = layerDensities(shapes: shapes, density: 0.1, budget: .erk)
    #expect(densities[0] > densities[1])
    #expect(abs(densities[0] / densities[1] - (38.0 / 2304) / (134.0 / 36864)) < 1e-9)
  }
}
