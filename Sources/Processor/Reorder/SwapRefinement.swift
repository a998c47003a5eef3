/// Exchanges of rows between groups that save cycles by an estimate: a bound of what a better order
/// would bring, too slow for a unit on the chip.
///
/// The estimate of a group is `Σ max_g popcount(word of row g)` over the 64-entry words of its masks:
/// the rows of a group may run apart over about as many entries, and wait for the slowest beyond.
struct SwapRefinement {
  private(set) var groups: [[Int]]
  private let words: Int
  /// Needed entries of each row and word.
  private let counts: [UInt8]
  /// Largest and second largest count of each group and word.
  private var most: [[UInt8]]
  private var second: [[UInt8]]

  /// Rounds over all pairs of rows at most.
  private static let rounds = 8

  /// Refines groups of rows of a part.
  init(_ part: LoweredPart, groups: [[Int]]) {
    self.groups = groups
    words = part.wordsPerRow
    counts = part.words.map { UInt8($0.nonzeroBitCount) }
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
      [UInt8](repeating: 0, count: words), [UInt8](repeating: 0, count: words)
    )
    for row in groups[group] {
      for word in 0..<words {
        let value = counts[row * words + word]
        if value > largest[word] {
          next[word] = largest[word]
          largest[word] = value
        } else {
          next[word] = max(next[word], value)
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
    let (x, y) = (groups[a][first] * words, groups[b][other] * words)
    var gain = 0
    for word in 0..<words {
      let (leaves, joins) = (counts[x + word], counts[y + word])
      if leaves == joins { continue }
      let restA = leaves == most[a][word] ? second[a][word] : most[a][word]
      let restB = joins == most[b][word] ? second[b][word] : most[b][word]
      gain += Int(most[a][word]) - Int(max(restA, joins))
      gain += Int(most[b][word]) - Int(max(restB, leaves))
    }
    return gain
  }
}
