// SPDX-License-Identifier: Apache-2.0
import MaskSamples
import Masks
import Pruning
import Tensor
import Testing

@Suite struct ThresholdBudgetTests {
  private typealias Layer = (pruner: LayerPruner, mask: LayerMask, weights: [Float])

  /// Layers whose weights have magnitudes of their own.
  private func draw(_ granularity: Granularity, seed: UInt64) -> [Layer] {
    var random = SeededRandom(seed: seed)
    return (0...random.below(5)).map { _ in
      let shape = random.layer()
      let pruner = LayerPruner(
        shape: shape, configuration: PruningConfiguration(granularity: granularity))
      let scale = 0.1 + random.uniform()
      let drawn = random.values(shape.count).map { $0 * scale + 0.001 }
      let mask = pruner.initialMask(
        weights: drawn, density: 0.3 + 0.7 * Double(random.uniform()))
      return (pruner, mask, mask.applied(to: drawn))
    }
  }

  /// The unit that a weight belongs to.
  private func unit(
    _ place: (k: Int, c: Int, r: Int, s: Int, index: Int), _ mask: LayerMask,
    _ granularity: Granularity
  ) -> [Int] {
    switch granularity {
    case .dense, .unstructured: [place.index]
    case .filter: [place.k]
    case .channel: [place.c]
    case .shape: [place.c, place.r, place.s]
    case .line, .subStructured:
      mask.shape.isPointwise
        ? [place.k / mask.blockSide, place.c / mask.blockSide] : [place.k, place.c, place.r]
    }
  }

  /// The plain way: group the weights that are kept by unit, sort, take from the front.
  private func oracle(_ layers: [Layer], _ granularity: Granularity, density: Double) -> [Double] {
    struct Unit {
      let layer: Int
      let score: Double
      let weights: Int
    }
    var units: [Unit] = []
    for (index, layer) in layers.enumerated() {
      var members: [[Int]: [Float]] = [:]
      for place in layer.mask.shape.places {
        if layer.mask.keeps(filter: place.k, channel: place.c, row: place.r, column: place.s) {
          members[unit(place, layer.mask, granularity), default: []]
            .append(layer.weights[place.index])
        }
      }
      for values in members.values {
        let mean = values.reduce(0.0) { $0 + Double($1.magnitude) } / Double(values.count)
        units.append(
          Unit(
            layer: index, score: mean * Double(layer.mask.shape.weightsPerFilter).squareRoot(),
            weights: values.count))
      }
    }
    units.sort { $0.score > $1.score }
    let target = density * Double(layers.reduce(0) { $0 + $1.mask.shape.count })
    var (taken, kept) = (0, layers.map { _ in 0 })
    for unit in units where Double(taken + unit.weights) <= target {
      taken += unit.weights
      kept[unit.layer] += unit.weights
    }
    return zip(kept, layers).map {
      Double(max($0, $1.pruner.leastWeights)) / Double($1.mask.shape.count)
    }
  }

  @Test(
    "Each layer keeps what a threshold over all of them leaves",
    arguments: Granularity.allCases.filter { $0 != .dense }, 0..<40 as Range<UInt64>)
  func threshold(granularity: Granularity, seed: UInt64) {
    let layers = draw(granularity, seed: seed)
    let density = 0.05 + 0.3 * Double(seed) / 40
    let densities = thresholdDensities(layers, density: density)
    let expected = oracle(layers, granularity, density: density)
    // Floors take from the others, and units are whole.
    let slack = layers.reduce(0) {
      $0 + $1.mask.largestUnit(granularity) + $1.pruner.leastWeights
    }
    for (layer, (found, right)) in zip(layers, zip(densities, expected)) {
      let count = Double(layer.mask.shape.count)
      #expect(abs(found - right) * count <= Double(slack), "\(found), not \(right)")
      #expect(found * count >= Double(layer.pruner.leastWeights))
      #expect(found * count <= Double(max(layer.mask.keptElements, layer.pruner.leastWeights)))
    }
    let kept = zip(layers, densities).reduce(0.0) { $0 + $1.1 * Double($1.0.mask.shape.count) }
    let total = Double(layers.reduce(0) { $0 + $1.mask.shape.count })
    let floors = Double(layers.reduce(0) { $0 + $1.pruner.leastWeights })
    let largest = Double(layers.map { $0.mask.largestUnit(granularity) }.max() ?? 0)
    #expect(kept >= density * total - largest && kept <= density * total + floors + largest)
  }

  @Test("Single weights follow the oracle exactly")
  func single() {
    let shapes = [
      FilterShape(filters: 16, channels: 8, rows: 3, columns: 3),
      FilterShape(filters: 32, channels: 16, rows: 3, columns: 3),
    ]
    var random = SeededRandom(seed: 4)
    let layers: [Layer] = shapes.map { shape in
      let pruner = LayerPruner(
        shape: shape, configuration: PruningConfiguration(granularity: .unstructured))
      return (pruner, LayerMask(dense: shape), (0..<shape.count).map { _ in random.normal() })
    }
    let densities = thresholdDensities(layers, density: 0.2)
    let expected = oracle(layers, .unstructured, density: 0.2)
    for (found, right) in zip(densities, expected) { #expect(abs(found - right) < 1e-3) }
    // Twice as long filters of weights that are as large count for more.
    #expect(densities[1] > densities[0] + 0.05)
  }

  @Test("Weights as a random start draws them share the density; grown ones keep more")
  func scales() {
    var random = SeededRandom(seed: 9)
    func layer(_ shape: FilterShape, times factor: Float) -> Layer {
      let pruner = LayerPruner(
        shape: shape, configuration: PruningConfiguration(granularity: .line))
      let deviation = (2 / Float(shape.weightsPerFilter)).squareRoot()
      let weights = (0..<shape.count).map { _ in random.normal() * deviation * factor }
      return (pruner, LayerMask(dense: shape), weights)
    }
    let shapes = [
      FilterShape(filters: 16, channels: 16, rows: 3, columns: 3),
      FilterShape(filters: 32, channels: 64, rows: 3, columns: 3),
    ]
    let even = thresholdDensities(shapes.map { layer($0, times: 1) }, density: 0.3)
    #expect(abs(even[0] - even[1]) < 0.04, "\(even)")
    let grown = thresholdDensities(
      [layer(shapes[0], times: 2), layer(shapes[1], times: 1)], density: 0.3)
    #expect(grown[0] > grown[1] + 0.3, "\(grown)")
  }

  @Test(
    "What the floor of a layer keeps is taken from the others",
    arguments: 1...5 as ClosedRange<UInt64>)
  func floors(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shape = FilterShape(filters: 32, channels: 8, rows: 3, columns: 3)
    let pruner = LayerPruner(
      shape: shape, configuration: PruningConfiguration(granularity: .line))
    // No line of the first layer passes a threshold of its own.
    let layers: [Layer] = [0.001, 1].map { (scale: Float) in
      (pruner, LayerMask(dense: shape), (0..<shape.count).map { _ in random.normal() * scale })
    }
    let kept = thresholdDensities(layers, density: 0.3).map { $0 * Double(shape.count) }
    #expect(kept[0] == Double(pruner.leastWeights))
    #expect(abs(kept[0] + kept[1] - 0.3 * Double(2 * shape.count)) <= 3, "\(kept)")
  }

  @Test(
    "No layer becomes denser than it is",
    arguments: Granularity.allCases.filter { $0 != .dense }, 0..<5 as Range<UInt64>)
  func noDenser(granularity: Granularity, seed: UInt64) {
    let layers = draw(granularity, seed: seed)
    for (layer, found) in zip(layers, thresholdDensities(layers, density: 1)) {
      #expect(
        found * Double(layer.mask.shape.count)
          <= Double(max(layer.mask.keptElements, layer.pruner.leastWeights)) + 1e-6)
    }
  }
}
