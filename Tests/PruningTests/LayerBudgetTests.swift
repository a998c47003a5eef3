// SPDX-License-Identifier: Apache-2.0
import MaskSamples
import Masks
import Pruning
import Tensor
import Testing

@Suite struct LayerBudgetTests {
  private func free(_ shapes: [FilterShape]) -> [Int] { shapes.map { _ in 0 } }

  @Test func uniformIsTheSameEverywhere() {
    #expect(
      layerDensities(
        shapes: layers, leastWeights: free(layers), density: 0.3, budget: .uniform)
        == [Double](repeating: 0.3, count: layers.count))
    for budget in PruningConfiguration.Budget.allCases {
      #expect(layerDensities(shapes: [], leastWeights: [], density: 0.3, budget: budget) == [])
    }
  }

  @Test(arguments: PruningConfiguration.Budget.allCases, 0..<100 as Range<UInt64>)
  func theDensityIsMetWithinFloorsAndWholes(budget: PruningConfiguration.Budget, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shapes = (0...random.below(8)).map { _ in random.layer() }
    let hasFloors = random.below(4) > 0
    let least = shapes.map { hasFloors ? random.below($0.count / 2 + 1) : 0 }
    let density = Double(random.uniform())
    let densities = layerDensities(
      shapes: shapes, leastWeights: least, density: density, budget: budget)

    let total = shapes.reduce(0.0) { $0 + Double($1.count) }
    let kept = zip(shapes, densities).reduce(0.0) { $0 + Double($1.0.count) * $1.1 }
    let floors = Double(least.reduce(0, +))
    #expect(abs(kept - max(floors, density * total)) < 1e-9 * total)
    for ((shape, least), density) in zip(zip(shapes, least), densities) {
      #expect(density >= Double(least) / Double(shape.count) && density <= 1)
    }

    // Between floor and whole the layers share one factor; with it, those at their floor would have
    // less and whole ones more.
    func ratio(_ shape: FilterShape) -> Double {
      let extent = shape.filters + shape.channels + shape.rows + shape.columns
      return budget == .erk ? Double(extent) / Double(shape.count) : 1
    }
    func isAtFloor(_ layer: Int) -> Bool {
      densities[layer] <= Double(least[layer]) / Double(shapes[layer].count)
    }
    let between = shapes.indices.filter { !isAtFloor($0) && densities[$0] < 1 }
    guard let first = between.first else { return }
    let factor = densities[first] / ratio(shapes[first])
    for layer in shapes.indices {
      let own = densities[layer] / ratio(shapes[layer])
      let slack = 1e-9 * max(1, factor)
      if isAtFloor(layer) {
        #expect(own >= factor - slack)
      } else if densities[layer] == 1 {
        #expect(own <= factor + slack)
      } else {
        #expect(abs(own - factor) <= slack)
      }
    }
  }

  @Test(arguments: PruningConfiguration.Budget.allCases, 0..<20 as Range<UInt64>)
  func densitiesRiseWithTheWhole(budget: PruningConfiguration.Budget, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shapes = (0..<5).map { _ in random.layer() }
    let least = shapes.map { random.below($0.count / 3 + 1) }
    var before = [Double](repeating: 0, count: shapes.count)
    for percent in 0...100 {
      let now = layerDensities(
        shapes: shapes, leastWeights: least, density: Double(percent) / 100, budget: budget)
      #expect(zip(before, now).allSatisfy { $0 <= $1 + 1e-12 }, "at \(percent) %")
      before = now
    }
    #expect(before.allSatisfy { $0 == 1 })
  }

  @Test func erkKeepsSmallLayersDenser() {
    let shapes = [
      FilterShape(filters: 16, channels: 16, rows: 3, columns: 3),
      FilterShape(filters: 64, channels: 64, rows: 3, columns: 3),
    ]
    let densities = layerDensities(
      shapes: shapes, leastWeights: [0, 0], density: 0.1, budget: .erk)
    #expect(densities[0] > densities[1])
    #expect(abs(densities[0] / densities[1] - (38.0 / 2304) / (134.0 / 36864)) < 1e-9)
  }

  /// Masks, not densities: a depthwise layer cannot keep less than a third of its lines, so the
  /// others must keep less than was asked of the whole.
  @Test(arguments: Granularity.allCases.filter { $0 != .dense }, [0.12, 0.2, 0.4])
  func masksOfANetworkMeetTheDensity(granularity: Granularity, density: Double) {
    let shapes = [
      FilterShape(filters: 24, channels: 8, rows: 3, columns: 3),
      FilterShape(filters: 24, channels: 1, rows: 3, columns: 3),
      FilterShape(filters: 32, channels: 24, rows: 1, columns: 1),
      FilterShape(filters: 3, channels: 32, rows: 1, columns: 1),
      FilterShape(filters: 32, channels: 16, rows: 3, columns: 3),
    ]
    let total = shapes.reduce(0) { $0 + $1.count }
    let balances = PruningConfiguration.Balance.allCases
    for balanced in granularity.prunesLines ? balances : [.none] {
      for budget in PruningConfiguration.Budget.allCases {
        let configuration = PruningConfiguration(
          granularity: granularity, budget: budget, balanced: balanced)
        let pruners = shapes.map { LayerPruner(shape: $0, configuration: configuration) }
        let least = pruners.map(\.leastWeights)
        #expect(Double(least.reduce(0, +)) <= density * Double(total), "attainable")
        let densities = layerDensities(
          shapes: shapes, leastWeights: least, density: density, budget: budget)
        var random = SeededRandom(seed: 6)
        var (kept, tolerance) = (0, 0)
        for ((shape, pruner), density) in zip(zip(shapes, pruners), densities) {
          let mask = pruner.initialMask(weights: random.values(shape.count), density: density)
          #expect(mask.keptElements >= pruner.leastWeights - mask.largestUnit(granularity))
          kept += mask.keptElements
          tolerance += mask.largestUnit(granularity)
        }
        let context = "\(budget), balanced \(balanced): \(kept) of \(total)"
        #expect(abs(Double(kept) - density * Double(total)) <= Double(tolerance) / 2, "\(context)")
      }
    }
  }
}
