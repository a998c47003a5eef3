// SPDX-License-Identifier: Apache-2.0
import MaskSamples
import Masks
import Tensor
import Testing

@testable import Pruning

@Suite struct SubStructuredTests {
  private let shape = FilterShape(filters: 16, channels: 8, rows: 3, columns: 3)

  /// One position is weak in every filter, which no line can express.
  private func weightsWithWeakShapes(_ weak: Set<Int>, seed: UInt64) -> [Float] {
    var random = SeededRandom(seed: seed)
    return (0..<shape.count).map { index in
      let value = 0.5 + random.uniform()
      return weak.contains(index % shape.weightsPerFilter) ? value * 0.01 : value
    }
  }

  @Test(arguments: 0..<10 as Range<UInt64>)
  func theCommonThresholdRemovesShapesThatAreWeakEverywhere(seed: UInt64) {
    let weak: Set = [4, 13, 40]
    let pruner = LayerPruner(shape: shape, configuration: PruningConfiguration())
    let mask = pruner.initialMask(weights: weightsWithWeakShapes(weak, seed: seed), density: 0.5)
    #expect(weak.allSatisfy { !mask.shapes[$0] })
    #expect(mask.keptShapes >= shape.weightsPerFilter - 10)
    #expect(abs(mask.density - 0.5) <= 3 / Double(shape.count))
  }

  @Test func withoutWeakPositionsShapesStay() {
    let weights = (0..<shape.count).map { Float(1 + $0 / 3 % 7) }
    let mask = LayerPruner(shape: shape, configuration: PruningConfiguration())
      .initialMask(weights: weights, density: 0.5)
    #expect(mask.keptShapes == shape.weightsPerFilter)
  }

  @Test(arguments: [0, 0.2, 0.5, 1])
  func shapeShareIsTheShareOfWhatGoes(share: Double) {
    var random = SeededRandom(seed: 7)
    let configuration = PruningConfiguration(shapeShare: share, minimumShapeFraction: 0)
    let mask = LayerPruner(shape: shape, configuration: configuration)
      .initialMask(weights: random.values(shape.count), density: 0.25)
    let removed = Int((share * 0.75 * Double(shape.weightsPerFilter)).rounded())
    #expect(mask.keptShapes == shape.weightsPerFilter - removed)
    #expect(abs(mask.density - 0.25) <= 3 / Double(shape.count))
  }

  @Test func shapesMoveOnlyWhenAsked() {
    var random = SeededRandom(seed: 5)
    let weak: Set = [0, 9, 18, 27]
    let pruner = LayerPruner(shape: shape, configuration: PruningConfiguration())
    let before = pruner.initialMask(weights: weightsWithWeakShapes(weak, seed: 1), density: 0.5)
    #expect(before.keptShapes < shape.weightsPerFilter)
    let weights = before.applied(to: random.values(shape.count))
    // The gradient asks for a pruned position.
    let gradient = (0..<shape.count).map { Float($0 % shape.weightsPerFilter == 9 ? 5 : 0.1) }
    func update(_ moves: Bool, density: Double = 0.5) -> LayerMask {
      pruner.update(
        before, weights: weights, gradient: gradient, density: density, growFraction: 0.3,
        movesShapes: moves)
    }
    let still = update(false)
    #expect(still.shapes == before.shapes && still.lines != before.lines)
    let moved = update(true)
    #expect(moved.shapes[9] && moved.keptShapes == before.keptShapes)
    #expect(abs(moved.density - 0.5) <= 3 / Double(shape.count))
    // More than the shapes can hold: they come back unasked.
    #expect(update(false, density: 1).density == 1)
  }

  @Test func shapesExchangeTheirOwnFraction() {
    var random = SeededRandom(seed: 9)
    let configuration = PruningConfiguration(
      shapeShare: 0.5, growFraction: 0.3, shapeUpdateFraction: 0.1, minimumShapeFraction: 0)
    let pruner = LayerPruner(shape: shape, configuration: configuration)
    let before = pruner.initialMask(weights: random.values(shape.count), density: 0.25)
    #expect(before.keptShapes == 45)
    // The gradient asks for every pruned position.
    let gradient = (0..<shape.count).map { index in
      before.shapes[index % shape.weightsPerFilter] ? Float(0.1) : 5
    }
    for (fraction, exchanged) in [(0.3, 4...5), (0.15, 2...3), (0, 0...0)] {
      let next = pruner.update(
        before, weights: before.applied(to: random.values(shape.count)), gradient: gradient,
        density: 0.25, growFraction: fraction, movesShapes: true)
      #expect(next.keptShapes == 45)
      #expect(exchanged.contains(before.shapes.subtracting(next.shapes).popcount), "\(fraction)")
    }
  }

  /// A position counts by its weights in kept lines: those of others are zero because they are pruned.
  @Test func shapesAreRankedByTheirKeptLines() {
    let shape = FilterShape(filters: 4, channels: 2, rows: 1, columns: 3)
    let configuration = PruningConfiguration(shapeShare: 1, minimumShapeFraction: 0)
    let pruner = LayerPruner(shape: shape, configuration: configuration)
    // Channel 0 is kept in one filter and strong there, channel 1 in all four.
    let before = LayerMask(
      shape: shape, lines: Bits(count: 8) { $0 == 0 || $0 % 2 == 1 },
      shapes: Bits(count: 6, repeating: true))
    let weights = before.applied(to: (0..<24).map { $0 % 6 < 3 ? Float(4) : 2 })
    let next = pruner.update(
      before, weights: weights, gradient: weights, density: 0.5, growFraction: 0, movesShapes: true)
    #expect(next.shapes == Bits(count: 6) { $0 < 3 })
  }

  @Test func theCommonThresholdKeepsItsFloor() {
    var random = SeededRandom(seed: 12)
    let dense = LayerMask(dense: shape)
    for least in [1, 20, 50, 72] {
      let kept = CommonThreshold(
        layout: dense.layout, weights: random.values(shape.count), mask: dense, target: 60,
        leastShapes: least
      ).shapes()
      #expect(kept.popcount >= least)
    }
  }

  @Test func shapesKeepTheirFloor() {
    var random = SeededRandom(seed: 2)
    let configuration = PruningConfiguration(shapeShare: 1, minimumShapeFraction: 0.4)
    let mask = LayerPruner(shape: shape, configuration: configuration)
      .initialMask(weights: random.values(shape.count), density: 0.1)
    #expect(mask.keptShapes == 29)  // of 72: 28.8, rounded up
    #expect(abs(mask.density - 0.1) <= 3 / Double(shape.count))
  }

  /// As a run does it: from half density to a tenth, weights trained in between.
  @Test(arguments: PruningConfiguration.Balance.allCases)
  func aGradualRunEndsAtItsTarget(balanced: PruningConfiguration.Balance) {
    let configuration = PruningConfiguration(balanced: balanced, updateInterval: 5)
    let schedule = PruningSchedule(configuration, totalSteps: 200, stepsPerEpoch: 20)
    let pruner = LayerPruner(shape: shape, configuration: configuration)
    var random = SeededRandom(seed: 11)
    var weights = random.values(shape.count)
    var mask = pruner.initialMask(weights: weights, density: schedule.density(at: 0))
    for step in 0..<200 where schedule.isUpdate(at: step) {
      weights = mask.applied(to: zip(weights, random.values(shape.count)).map { $0 + 0.1 * $1 })
      mask = pruner.update(
        mask, weights: weights, gradient: random.values(shape.count),
        density: schedule.density(at: step), growFraction: schedule.growFraction(at: step),
        movesShapes: schedule.movesShapes(at: step))
      #expect(mask.invariantViolations() == [])
    }
    let counts = mask.linesPerFilter()
    if balanced != .none { #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1) }
    #expect(abs(mask.density - 0.1) <= 3 / Double(shape.count))
    #expect(mask.keptShapes >= 15)
  }
}
