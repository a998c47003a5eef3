// SPDX-License-Identifier: Apache-2.0
import Masks

extension UnitChoice {
  /// As `best`, but with equal numbers of units in all rows: each keeps q or q + 1 of them, at least
  /// one (constant fan-in). Every row exchanges its own units, all but the best.
  ///
  /// q is the largest number whose units weigh no more than the target; the rows that keep one more
  /// are those whose next unit ranks best.
  func balanced(target: Int, exchanging fraction: Double) -> Bits {
    let rows = kept.count / rowLength
    // Units without weights stand at the same positions in every row.
    let live = (0..<rowLength).filter { sizes.hasWeights($0) }
    if live.isEmpty { return Bits(count: kept.count) }
    let average = Double(sizes.total(Bits(count: kept.count, repeating: true))) / Double(live.count)
    let quota = min(live.count, max(1, Int((Double(target) / average).rounded())))
    let orders = (0..<rows).map { row in
      order(row: row, live: live, quota: quota, exchanging: fraction)
    }

    var chosen = Bits(count: kept.count)
    var weights = 0
    for place in live.indices {
      let next = (0..<rows).map { Self.unit(orders[$0][place]) }
      let nextSizes = next.map { Int32(sizes[$0]) }
      let added = nextSizes.reduce(0) { $0 + Int($1) }
      if place > 0, weights + added > target {
        let ranking = Ranking(
          keys: (0..<rows).map { Self.key(orders[$0][place]) }, sizes: .each(nextSizes),
          rowLength: rows)
        for row in ranking.selection(target: target - weights).setBits { chosen[next[row]] = true }
        break
      }
      for unit in next { chosen[unit] = true }
      weights += added
    }
    return chosen
  }

  /// The units of a row, best first, as packed words.
  private func order(row: Int, live: [Int], quota: Int, exchanging fraction: Double) -> [UInt64] {
    let first = row * rowLength
    var survivors: [UInt64] = []
    var others: [UInt64] = []
    others.reserveCapacity(live.count)
    for position in live {
      let unit = first + position
      if kept[unit] {
        let key = RankKey.of(saliency[unit].magnitude) | RankKey.survivor
        survivors.append(Self.packed(key, unit))
      } else {
        others.append(Self.packed(RankKey.of(growth[unit].magnitude), unit))
      }
    }
    survivors.sort()
    let share = Double(min(quota, survivors.count)) * (1 - fraction)
    let retained =
      fraction > 0 ? min(survivors.count, max(1, Int(share.rounded()))) : survivors.count
    for word in survivors[retained...] {
      let unit = Self.unit(word)
      others.append(Self.packed(RankKey.of(growth[unit].magnitude), unit))
    }
    others.sort()
    return survivors[..<retained] + others
  }

  /// One word that sorts ascending as units rank: descending by key, equal ones by index.
  private static func packed(_ key: UInt32, _ unit: Int) -> UInt64 {
    UInt64(~key) << 32 | UInt64(UInt32(unit))
  }

  private static func key(_ word: UInt64) -> UInt32 { ~UInt32(word >> 32) }
  private static func unit(_ word: UInt64) -> Int { Int(UInt32(truncatingIfNeeded: word)) }
}
