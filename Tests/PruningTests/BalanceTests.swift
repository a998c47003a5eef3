// SPDX-License-Identifier: Apache-2.0
import MaskSamples
import Masks
import Tensor
import Testing

@testable import Pruning

/// Equal numbers of units in all rows, by the definition: sorted rows, from the front.
@Suite struct BalanceTests {
  @Test(arguments: 0..<60 as Range<UInt64>)
  func agreesWithSorting(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let (rows, length, size) = (1 + random.below(8), 2 + random.below(12), 1 + random.below(4))
    let count = rows * length
    let kept = Bits(count: count) { _ in random.below(2) == 0 }
    let saliency = random.values(count).map(\.magnitude)
    let growth = random.values(count).map(\.magnitude)
    let target = rows * size + random.below(count * size - rows * size + 1)
    let fraction = random.below(3) == 0 ? 0 : 0.8 * Double(random.uniform())
    let choice = UnitChoice(
      kept: kept, saliency: saliency, growth: growth, sizes: .uniform(size), rowLength: length)

    // A unit's rank: survivors before all others, then by score, then by index.
    typealias Rank = (isOther: Bool, score: Float, unit: Int)
    func precedes(_ a: Rank, _ b: Rank) -> Bool {
      (a.isOther ? 1 : 0, -a.score, a.unit) < (b.isOther ? 1 : 0, -b.score, b.unit)
    }
    let perRow = Double(target) / Double(size * rows)
    let quota = min(length, max(1, Int(perRow.rounded())))
    let orders: [[Rank]] = (0..<rows).map { row in
      let units = row * length..<(row + 1) * length
      let survivors = units.filter { kept[$0] }
        .sorted { (-saliency[$0], $0) < (-saliency[$1], $1) }
      let retained =
        fraction > 0
        ? max(1, Int((Double(min(quota, survivors.count)) * (1 - fraction)).rounded()))
        : survivors.count
      let first = survivors.prefix(retained)
      let others = units.filter { !first.contains($0) }
      return first.map { (false, saliency[$0], $0) }
        + others.map { (true, growth[$0], $0) }.sorted(by: precedes)
    }
    var expected = Bits(count: count)
    let whole = min(length, max(1, target / (size * rows)))
    for order in orders { for rank in order.prefix(whole) { expected[rank.unit] = true } }
    if whole < length {
      let left = max(0, target - whole * size * rows)
      // Half a unit rounds down.
      let more = left / size + (left % size * 2 > size ? 1 : 0)
      let next = orders.map { $0[whole] }.enumerated()
        .sorted {
          ($0.element.isOther ? 1 : 0, -$0.element.score, $0.offset)
            < ($1.element.isOther ? 1 : 0, -$1.element.score, $1.offset)
        }
      for rank in next.prefix(more) { expected[rank.element.unit] = true }
    }
    #expect(choice.balanced(target: target, exchanging: fraction) == expected, "seed \(seed)")
  }
}
