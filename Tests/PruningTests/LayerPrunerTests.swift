// SPDX-License-Identifier: Apache-2.0
import MaskSamples
import Masks
import Tensor
import Testing

@testable import Pruning

@Suite struct LayerPrunerTests {
  private static let cases: [PruningConfiguration] =
    Granularity.allCases.map { PruningConfiguration(granularity: $0) } + [
      PruningConfiguration(granularity: .line, balanced: .filters),
      PruningConfiguration(granularity: .line, balanced: .both),
      PruningConfiguration(granularity: .line, blockSide: 2),
      PruningConfiguration(granularity: .subStructured, balanced: .filters),
      PruningConfiguration(granularity: .subStructured, balanced: .both),
      PruningConfiguration(granularity: .subStructured, shapeShare: 0.3),
      PruningConfiguration(granularity: .subStructured, balanced: .filters, shapeShare: 1),
    ]

  @Test(arguments: cases, 0..<8 as Range<UInt64>)
  func zerosAreTheMaskThatMadeThem(configuration: PruningConfiguration, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shape = seed < UInt64(layers.count) ? layers[Int(seed)] : random.layer()
    let pruner = LayerPruner(shape: shape, configuration: configuration)
    let drawn = random.values(shape.count)
    let mask = pruner.initialMask(weights: drawn, density: 0.4)
    // Magnitudes that would choose another mask.
    let weights = mask.applied(to: random.values(shape.count).map { $0 == 0 ? 1 : $0 })
    #expect(pruner.mask(ofZerosIn: weights).elementBits == mask.elementBits)
    let again = pruner.initialMask(continuing: weights, density: 0.4)
    #expect(again.elementBits == mask.elementBits)
    // Denser weights are pruned; with a fixed share of shapes excepted, no zero is re-grown.
    let sparser = pruner.initialMask(continuing: weights, density: 0.2)
    if configuration.shapeShare == nil {
      #expect(sparser.elementBits.isSubset(of: mask.elementBits))
    }
    let dense = pruner.initialMask(continuing: drawn, density: 0.4)
    #expect(dense == mask)
  }

  @Test(
    "A mask of the least that a layer keeps is taken as it is; nothing becomes the least",
    arguments: cases)
  func leastMask(configuration: PruningConfiguration) {
    var random = SeededRandom(seed: 5)
    for shape in layers {
      let pruner = LayerPruner(shape: shape, configuration: configuration)
      let mask = pruner.initialMask(weights: random.values(shape.count), density: 0)
      let weights = mask.applied(to: random.values(shape.count).map { $0 == 0 ? 1 : $0 })
      for density in [Double(pruner.leastWeights) / Double(shape.count), 1] {
        let again = pruner.initialMask(continuing: weights, density: density)
        #expect(again.elementBits == mask.elementBits, "\(shape) \(density)")
        let none = pruner.initialMask(
          continuing: [Float](repeating: 0, count: shape.count), density: density)
        if configuration.granularity != .dense {
          #expect(none.keptElements > 0 && none.keptElements <= pruner.leastWeights, "\(shape)")
        }
      }
    }
  }

  /// Random sequences of updates on random layers: invariants, floors, density, balance.
  @Test(arguments: cases, 0..<24 as Range<UInt64>)
  func promisesHoldAfterEveryUpdate(configuration: PruningConfiguration, seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shape = seed < UInt64(layers.count) ? layers[Int(seed)] : random.layer()
    let pruner = LayerPruner(shape: shape, configuration: configuration)
    let rises = random.below(3) == 0  // densities usually fall
    var density = rises ? 0.1 : 0.7
    var weights = random.values(shape.count)
    var mask = pruner.initialMask(weights: weights, density: density)
    for step in 0..<6 {
      check(mask, configuration, density, "seed \(seed), \(shape), step \(step)")
      weights = mask.applied(to: random.values(shape.count))
      density = rises ? min(1, density * 1.6) : density * 0.7
      let gradient = random.values(shape.count)
      let fraction = Double(random.uniform()) * 0.5
      let moves = random.below(2) == 0
      func update() -> LayerMask {
        pruner.update(
          mask, weights: weights, gradient: gradient, density: density, growFraction: fraction,
          movesShapes: moves)
      }
      let next = update()
      #expect(next == update())
      mask = next
    }
  }

  private func check(
    _ mask: LayerMask, _ configuration: PruningConfiguration, _ density: Double, _ context: String
  ) {
    let granularity = configuration.granularity
    #expect(mask.invariantViolations() == [], "\(context)")
    #expect((mask.elements != nil) == (granularity == .unstructured))
    #expect(mask.keptElements > 0)
    if granularity == .dense {
      #expect(mask.density == 1)
      return
    }

    let shape = mask.shape
    let unit = mask.largestUnit(granularity)
    let target = (density * Double(shape.count)).rounded()
    let miss = Double(mask.keptElements) - target
    if granularity == .subStructured || granularity == .line || granularity == .unstructured {
      #expect(mask.fewestElementsOfAFilter > 0, "\(context)")
      // Floors may ask for more than the target: one unit of each row.
      let rows = granularity == .unstructured ? shape.filters : mask.layout.rows
      #expect(miss <= Double(max(unit, rows * unit - Int(target))), "\(context)")
    } else {
      #expect(miss <= Double(unit), "\(context)")
    }
    #expect(miss >= -Double(unit), "\(context)")
    if granularity == .subStructured {
      let fraction = Double(mask.keptShapes) / Double(mask.shapes.count)
      #expect(fraction >= configuration.minimumShapeFraction, "\(context)")
    }
    if configuration.balanced != .none {
      let counts = mask.linesPerFilter()
      #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "\(context)")
    }
  }

  /// The plain way: sort everything, take from the front while that comes closer.
  private func oracle(
    units: Int, rowLength: Int, size: Int, target: Int, fraction: Double, kept: [Bool],
    saliency: [Float], growth: [Float]
  ) -> [Bool] {
    func number(_ weights: Int) -> Int {
      let whole = weights / size
      return weights % size * 2 > size ? whole + 1 : whole
    }
    let keptUnits = kept.indices.filter { kept[$0] }
      .sorted { (-saliency[$0], $0) < (-saliency[$1], $1) }
    let most = min(target, keptUnits.count * size)
    var retained = keptUnits
    if fraction > 0 {
      // The best of each row is never exchanged.
      let first = (0..<units / rowLength).compactMap { row in
        keptUnits.first { $0 / rowLength == row }
      }
      let share = number(Int((Double(most) * (1 - fraction)).rounded()))
      let rest = keptUnits.filter { !first.contains($0) }.prefix(max(0, share - first.count))
      retained = (first + rest).sorted { (-saliency[$0], $0) < (-saliency[$1], $1) }
    }
    let isRetained = Set(retained)
    let others = (0..<units).filter { !isRetained.contains($0) }
      .sorted { (-growth[$0], $0) < (-growth[$1], $1) }
    let order = retained + others
    var chosen = [Bool](repeating: false, count: units)
    var count = 0
    for row in 0..<units / rowLength {  // the best of each row is a must
      guard let best = order.first(where: { $0 / rowLength == row }) else { continue }
      chosen[best] = true
      count += 1
    }
    for unit in order where !chosen[unit] && count < number(target) {
      chosen[unit] = true
      count += 1
    }
    return chosen
  }

  @Test(arguments: [Granularity.filter, .channel, .shape], 0..<30 as Range<UInt64>)
  func unitsThatSpanTheLayerAgreeWithSorting(granularity: Granularity, seed: UInt64) {
    var random = SeededRandom(seed: seed, stream: 4)
    let shape = FilterShape(
      filters: 2 + random.below(7), channels: 2 + random.below(7), rows: 3,
      columns: 1 + random.below(3))
    let area = shape.rows * shape.columns
    let pruner = LayerPruner(
      shape: shape, configuration: PruningConfiguration(granularity: granularity))
    let mask = pruner.initialMask(weights: random.values(shape.count), density: 0.6)
    let weights = mask.applied(to: random.values(shape.count))
    let gradient = random.values(shape.count)
    // The unit of each weight.
    let (units, unit): (Int, (Int) -> Int) =
      switch granularity {
      case .filter: (shape.filters, { $0 / shape.weightsPerFilter })
      case .channel: (shape.channels, { $0 % shape.weightsPerFilter / area })
      default: (shape.weightsPerFilter, { $0 % shape.weightsPerFilter })
      }
    let size = shape.count / units
    func means(_ values: [Float]) -> [Float] {
      var sums = [Double](repeating: 0, count: units)
      for (index, value) in values.enumerated() { sums[unit(index)] += Double(value.magnitude) }
      return sums.map { Float($0 / Double(size)) }
    }
    func kept(_ mask: LayerMask) -> [Bool] {
      var kept = [Bool](repeating: false, count: units)
      for element in mask.elementBits.setBits { kept[unit(element)] = true }
      return kept
    }
    let density = 0.3 + 0.4 * Double(random.uniform())
    let fraction = 0.5 * Double(random.uniform())
    let next = pruner.update(
      mask, weights: weights, gradient: gradient, density: density, growFraction: fraction,
      movesShapes: true)
    let expected = oracle(
      units: units, rowLength: units, size: size,
      target: Int((density * Double(shape.count)).rounded()), fraction: fraction, kept: kept(mask),
      saliency: means(weights), growth: means(gradient))
    #expect(kept(next) == expected, "\(shape) to \(density), exchanging \(fraction)")
    #expect(next.keptElements == expected.count { $0 } * size)
  }

  /// A line counts by its weights in shapes that were kept before: others are zero because pruned.
  @Test func linesAreRankedByTheirKeptShapes() {
    let shape = FilterShape(filters: 1, channels: 2, rows: 1, columns: 2)
    let pruner = LayerPruner(shape: shape, configuration: PruningConfiguration(granularity: .line))
    let before = LayerMask(
      shape: shape, lines: Bits(count: 2, repeating: true), shapes: Bits(count: 4) { $0 != 1 })
    let next = pruner.update(
      before, weights: [3, 0, 2, 2], gradient: [0, 0, 0, 0], density: 0.5, growFraction: 0,
      movesShapes: false)
    #expect(next.lines == Bits(count: 2) { $0 == 0 })
  }

  @Test func aUnitWithoutWeightsIsNeverChosen() {
    let choice = UnitChoice(
      kept: Bits(count: 4) { $0 % 2 == 0 }, saliency: [1, 0, 1, 0], growth: [0, 0, 0, 0],
      sizes: .each([0, 3, 3, 3]), rowLength: 2)
    // The first row's kept unit has no weights left: another one has to stay.
    #expect(choice.best(target: 6, exchanging: 0) == Bits(count: 4) { $0 == 1 || $0 == 2 })
  }

  @Test func halfAUnitRoundsDown() {
    let shape = FilterShape(filters: 2, channels: 2, rows: 1, columns: 3)
    let pruner = LayerPruner(shape: shape, configuration: PruningConfiguration(granularity: .shape))
    let weights = (0..<12).map { Float(1 + $0) }
    // Five of twelve weights are two and a half shapes.
    #expect(pruner.initialMask(weights: weights, density: 5.0 / 12).keptElements == 4)
    #expect(pruner.initialMask(weights: weights, density: 7.0 / 12).keptElements == 6)
  }

  @Test func floorsKeepTheLeastWeights() {
    let shape = FilterShape(filters: 6, channels: 5, rows: 2, columns: 3)
    let least: [Granularity: Int] = [
      .filter: 5 * 2 * 3, .channel: 6 * 2 * 3, .shape: 6, .unstructured: 6, .line: 6 * 3,
      .dense: 180,
    ]
    var random = SeededRandom(seed: 8)
    let weights = random.values(shape.count)
    for (granularity, count) in least {
      let pruner = LayerPruner(
        shape: shape, configuration: PruningConfiguration(granularity: granularity))
      #expect(pruner.leastWeights == count, "\(granularity)")
      let mask = pruner.initialMask(weights: weights, density: 0)
      #expect(mask.keptElements == count, "\(granularity)")
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func linesAndElementsAgreeWithSorting(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shape = FilterShape(
      filters: 1 + random.below(9), channels: 1 + random.below(7), rows: 3, columns: 3)
    for granularity in [Granularity.line, .unstructured] {
      let pruner = LayerPruner(
        shape: shape, configuration: PruningConfiguration(granularity: granularity))
      let before = pruner.initialMask(weights: random.values(shape.count), density: 0.4)
      let weights = before.applied(to: random.values(shape.count))
      let gradient = random.values(shape.count)
      let density = Double(random.uniform())
      let fraction = Double(random.below(3)) * 0.25
      let after = pruner.update(
        before, weights: weights, gradient: gradient, density: density, growFraction: fraction,
        movesShapes: false)

      let size = granularity == .line ? 3 : 1
      let units = shape.count / size
      func means(_ values: [Float]) -> [Float] {
        (0..<units).map { unit in
          (0..<size).reduce(Float(0)) { $0 + values[unit * size + $1].magnitude } / Float(size)
        }
      }
      let bits = granularity == .line ? before.lines : before.elementBits
      let expected = oracle(
        units: units, rowLength: units / shape.filters, size: size,
        target: Int((density * Double(shape.count)).rounded()), fraction: fraction,
        kept: (0..<units).map { bits[$0] }, saliency: means(weights), growth: means(gradient))
      let found = granularity == .line ? after.lines : after.elementBits
      #expect((0..<units).map { found[$0] } == expected, "seed \(seed), \(granularity)")
    }
  }

  @Test func wholeUnitsGoByMeanMagnitude() {
    let shape = FilterShape(filters: 4, channels: 4, rows: 3, columns: 3)
    let strong: Set = [1, 2]
    func mask(_ granularity: Granularity, _ weight: (Int, Int) -> Float) -> LayerMask {
      LayerPruner(shape: shape, configuration: PruningConfiguration(granularity: granularity))
        .initialMask(weights: shape.places.map { weight($0.k, $0.c) }, density: 0.5)
    }
    let filters = mask(.filter) { k, _ in strong.contains(k) ? -2 : 1 }
    let channels = mask(.channel) { _, c in strong.contains(c) ? -2 : 1 }
    for p in shape.places {
      #expect(
        filters.keeps(filter: p.k, channel: p.c, row: p.r, column: p.s) == strong.contains(p.k))
      #expect(
        channels.keeps(filter: p.k, channel: p.c, row: p.r, column: p.s) == strong.contains(p.c))
    }
  }

  @Test func singleFiltersOfPointwiseLayersCanGo() {
    let shape = FilterShape(filters: 6, channels: 5, rows: 1, columns: 1)
    let pruner = LayerPruner(
      shape: shape, configuration: PruningConfiguration(granularity: .filter))
    let weights = shape.places.map { Float($0.k % 2) + 0.5 }
    let mask = pruner.initialMask(weights: weights, density: 0.5)
    #expect(mask.linesPerFilter().map { $0 > 0 } == [false, true, false, true, false, true])
    // A mask of blocks, as one for a dense layer is, can be where an update starts.
    let updated = pruner.update(
      LayerMask(dense: shape), weights: weights, gradient: weights, density: 0.5, growFraction: 0.3,
      movesShapes: false)
    #expect(updated.density == 0.5)
  }

  @Test func whatGrowsHasTheLargestGradient() {
    let shape = FilterShape(filters: 2, channels: 4, rows: 1, columns: 3)
    let pruner = LayerPruner(shape: shape, configuration: PruningConfiguration(granularity: .line))
    let lines = Bits(count: 8) { $0 % 4 < 2 }
    let before = LayerMask(shape: shape, lines: lines, shapes: LayerMask(dense: shape).shapes)
    // Line 1 of filter 0 is the weakest; line 3 of filter 1 has the largest gradient.
    let weights = before.applied(to: shape.places.map { $0.k == 0 && $0.c == 1 ? 0.1 : 1 })
    let gradient = shape.places.map { $0.k == 1 && $0.c == 3 ? Float(-3) : 0.5 }
    let after = pruner.update(
      before, weights: weights, gradient: gradient, density: 0.5, growFraction: 0.25,
      movesShapes: false)
    #expect(Array(after.lines.setBits) == [0, 4, 5, 7])
    // The dropped line comes back when its own gradient is the largest.
    let own = shape.places.map { $0.k == 0 && $0.c == 1 ? Float(9) : 0.5 }
    let again = pruner.update(
      before, weights: weights, gradient: own, density: 0.5, growFraction: 0.25,
      movesShapes: false)
    #expect(again == before)
  }

  @Test func notANumberRanksLast() {
    let shape = FilterShape(filters: 2, channels: 2, rows: 3, columns: 3)
    var weights = [Float](repeating: 1, count: shape.count)
    for index in 0..<9 { weights[index] = .nan }
    for configuration in Self.cases {
      let mask = LayerPruner(shape: shape, configuration: configuration)
        .initialMask(weights: weights, density: 0.5)
      #expect(mask.invariantViolations() == [])
      #expect(mask.keptElements > 0)
    }
  }
}
