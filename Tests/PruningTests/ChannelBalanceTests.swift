// SPDX-License-Identifier: Apache-2.0
import MaskSamples
import Masks
import Tensor
import Testing

@testable import Pruning

@Suite struct ChannelBalanceTests {
  private func linesPerChannel(_ mask: LayerMask) -> [Int] {
    let perChannel = mask.shape.isPointwise ? 1 : mask.shape.rows
    let layout = mask.layout
    var counts = [Int](repeating: 0, count: layout.rowLength / perChannel)
    for line in mask.lines.setBits { counts[line % layout.rowLength / perChannel] += 1 }
    return counts
  }

  /// Weights of which some channels and filters have far more than others.
  private func unequal(_ shape: FilterShape, _ random: inout SeededRandom) -> [Float] {
    let filters = (0..<shape.filters).map { _ in 0.2 + random.uniform() }
    let channels = (0..<shape.channels).map { _ in 0.1 + 2 * random.uniform() }
    return shape.places.map { filters[$0.k] * channels[$0.c] * (random.uniform() - 0.5) }
  }

  /// Lines of one size: filters and channels within one line, and as many lines as without balance.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func filtersAndChannelsAreWithinOneLine(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shape =
      seed % 4 == 0
      ? FilterShape(
        filters: 4 * (1 + random.below(6)), channels: 4 * (1 + random.below(6)), rows: 1, columns: 1
      )
      : FilterShape(
        filters: 2 + random.below(15), channels: 2 + random.below(15), rows: 3, columns: 3)
    func pruner(_ balance: PruningConfiguration.Balance) -> LayerPruner {
      LayerPruner(
        shape: shape, configuration: PruningConfiguration(granularity: .line, balanced: balance))
    }
    var density = 0.6
    var mask = pruner(.both).initialMask(weights: unequal(shape, &random), density: density)
    for _ in 0..<5 {
      let weights = mask.applied(to: unequal(shape, &random))
      let gradient = unequal(shape, &random)
      density *= 0.8
      func update(_ balance: PruningConfiguration.Balance) -> LayerMask {
        pruner(balance).update(
          mask, weights: weights, gradient: gradient, density: density, growFraction: 0.3,
          movesShapes: false)
      }
      let filters = update(.filters)
      mask = update(.both)
      #expect(mask.keptLines == filters.keptLines, "seed \(seed), \(shape)")
      for counts in [mask.linesPerFilter(), linesPerChannel(mask)] {
        #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1, "seed \(seed), \(shape)")
      }
    }
  }

  /// Shapes leave some channels fewer positions: none has more than two lines more than a channel
  /// with as many positions or more, and what is kept is within a line of the target.
  @Test(arguments: 0..<40 as Range<UInt64>)
  func channelsWithFewerShapesFallBehindOnly(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shape = FilterShape(
      filters: 2 + random.below(15), channels: 2 + random.below(15), rows: 3, columns: 3)
    let pruner = LayerPruner(
      shape: shape, configuration: PruningConfiguration(balanced: .both, shapeShare: 0.6))
    let mask = pruner.initialMask(weights: unequal(shape, &random), density: 0.35)
    #expect(abs(Double(mask.keptElements) - 0.35 * Double(shape.count)) <= 3)
    let filters = mask.linesPerFilter()
    #expect((filters.max() ?? 0) - (filters.min() ?? 0) <= 1)
    let live = mask.layout.taps(of: mask.shapes)
    let positions = (0..<shape.channels).map { channel in
      (0..<3).count { live[channel * 3 + $0] > 0 }
    }
    let counts = linesPerChannel(mask)
    for a in 0..<shape.channels {
      for b in 0..<shape.channels where positions[a] <= positions[b] {
        #expect(counts[a] <= counts[b] + 2, "seed \(seed), \(shape), channels \(a) and \(b)")
      }
    }
  }

  /// Against the best of all masks with equal filters and channels, found by trying them all.
  /// A filter's only line stays, however large the gradients of others are and however much is exchanged.
  @Test func theBestLineOfEachFilterIsNotExchanged() {
    let kept = Bits(count: 16) { $0 % 5 == 0 }
    let choice = UnitChoice(
      kept: kept, saliency: (0..<16).map { kept[$0] ? 1 : 0 },
      growth: (0..<16).map { kept[$0] ? 0 : 2 }, sizes: .uniform(3), rowLength: 4)
    let balance = ChannelBalance(choice, positionsPerChannel: 1)
    #expect(balance.units(target: 12, exchanging: 0.8) == kept)
  }

  @Test func littleIsLostAgainstTheOptimum() {
    let shares = (0..<100 as Range<UInt64>).map { share(seed: $0) }
    #expect(shares.allSatisfy { $0 <= 1.0001 && $0 >= 0.8 }, "\(shares)")
    let mean = shares.reduce(0, +) / Float(shares.count)
    #expect(mean >= 0.98, "\(mean) of the optimum")
  }

  /// What is kept of what the best such mask would keep.
  private func share(seed: UInt64) -> Float {
    var random = SeededRandom(seed: seed)
    let shape = FilterShape(filters: 4, channels: 4, rows: 1, columns: 3)
    let weights = unequal(shape, &random)
    let values = (0..<16).map { line in
      (0..<3).reduce(Float(0)) { $0 + weights[3 * line + $1].magnitude }
    }
    // Two lines in every filter and in every channel.
    let rows = (0..<16).filter { $0.nonzeroBitCount == 2 }
    var best: Float = 0
    for a in rows {
      for b in rows {
        for c in rows {
          for d in rows {
            let pairs = [a, b, c, d]
            if (0..<4).contains(where: { bit in pairs.count { $0 >> bit & 1 == 1 } != 2 }) {
              continue
            }
            var sum: Float = 0
            for (filter, pair) in pairs.enumerated() {
              for channel in 0..<4 where pair >> channel & 1 == 1 {
                sum += values[4 * filter + channel]
              }
            }
            best = max(best, sum)
          }
        }
      }
    }
    let mask = LayerPruner(
      shape: shape, configuration: PruningConfiguration(granularity: .line, balanced: .both)
    ).initialMask(weights: weights, density: 0.5)
    return mask.lines.setBits.reduce(Float(0)) { $0 + values[$1] } / best
  }
}
