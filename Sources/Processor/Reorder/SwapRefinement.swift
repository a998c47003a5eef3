// SPDX-License-Identifier: Apache-2.0
extension LoweredPart {
  /// The rows of groups (of which the last may be smaller), exchanged until no exchange saves anything
  /// by the estimate of `SwapRefinement`; or those that this makes of the order by popcount, if they
  /// are better.
  func swapRefined(from groups: [[Int]]) -> [[Int]] {
    let refined = SwapRefinement(self, groups: groups)
    let size = groups.first?.count ?? 1
    let other = SwapRefinement(self, groups: self.groups(of: size, order: .popcount))
    return other.estimate < refined.estimate ? other.groups : refined.groups
  }
}

/// Exchanges of rows between groups that save cycles by an estimate: a local optimum for comparison,
/// too slow for a unit on the chip. The estimate is not the timing, so an order may take more cycles
/// than another that it rates worse.
///
/// The estimate of a group is its longest row, `max_g p`, what it takes with windows enough in flight,
/// and as much again for its windows: `Σ max_g p` over stretches of 256 entries, within which rows may
/// run apart.
struct SwapRefinement {
  private(set) var groups: [[Int]]
  /// Stretches of a row, and one column more for the whole row.
  private let columns: Int
  /// Needed entries of each row and column.
  private let counts: [Int32]
  /// Largest and second largest count of each group and column.
  private var most: [[Int32]]
  private var second: [[Int32]]

  /// Rounds over all pairs of rows at most.
  private static let rounds = 8
  /// 64-bit words of a stretch.
  static let wordsPerStretch = 4

  /// Refines groups of rows of a part.
  init(_ part: LoweredPart, groups: [[Int]]) {
    self.groups = groups
    columns = ceilingDivision(part.wordsPerRow, Self.wordsPerStretch) + 1
    var counts: [Int32] = []
    for row in 0..<part.rows {
      let mask = Array(part.mask(row))
      for start in stride(from: 0, to: mask.count, by: Self.wordsPerStretch) {
        let stretch = mask[start..<min(mask.count, start + Self.wordsPerStretch)]
        counts.append(Int32(stretch.reduce(0) { $0 + $1.nonzeroBitCount }))
      }
      counts.append(Int32(part.needed(row: row)))
    }
    self.counts = counts
    most = []
    second = []
    for index in groups.indices {
      most.append([])
      second.append([])
      count(index)
    }
    for _ in 0..<Self.rounds where !round() { break }
  }

  /// The estimate of all groups.
  var estimate: Int { most.reduce(0) { $0 + $1.reduce(0) { $0 + Int($1) } } }

  private mutating func count(_ group: Int) {
    var (largest, next) = (
      [Int32](repeating: 0, count: columns), [Int32](repeating: 0, count: columns)
    )
    for row in groups[group] {
      for column in 0..<columns {
        let value = counts[row * columns + column]
        if value > largest[column] {
          next[column] = largest[column]
          largest[column] = value
        } else {
          next[column] = max(next[column], value)
        }
      }
    }
    most[group] = largest
    second[group] = next
  }

  /// One round over all pairs of rows in different groups; whether it exchanged any.
  private mutating func round() -> Bool {
    var changed = false
    for a in groups.indices {
      for b in groups.indices where b > a {
        for first in groups[a].indices {
          for other in groups[b].indices where gain(a, first, b, other) > 0 {
            let row = groups[a][first]
            groups[a][first] = groups[b][other]
            groups[b][other] = row
            count(a)
            count(b)
            changed = true
          }
        }
      }
    }
    return changed
  }

  /// By how much the estimate falls when two rows change places.
  private func gain(_ a: Int, _ first: Int, _ b: Int, _ other: Int) -> Int {
    let (x, y) = (groups[a][first] * columns, groups[b][other] * columns)
    var gain = 0
    for column in 0..<columns {
      let (leaves, joins) = (counts[x + column], counts[y + column])
      if leaves == joins { continue }
      let restA = leaves == most[a][column] ? second[a][column] : most[a][column]
      let restB = joins == most[b][column] ? second[b][column] : most[b][column]
      gain += Int(most[a][column]) - Int(max(restA, joins))
      gain += Int(most[b][column]) - Int(max(restB, leaves))
    }
    return gain
  }
}
