// SPDX-License-Identifier: Apache-2.0
/// The interleaved partial sums of a row's lanes, or of its weight gradients.
///
/// An adder of A stages takes a new sum each cycle only if the sums differ, so each result is kept as
/// several partial sums that take turns. They start at +0 and are added from the first to the last
/// when the result is complete: ((p0 + p1) + p2) + …
struct PartialSums: Sendable {
  /// Partial sums of a result.
  let count: Int
  private var sums: [Float]

  /// Sums of +0 for `results` results.
  init(results: Int, count: Int) {
    self.count = count
    sums = [Float](repeating: 0, count: results * count)
  }

  /// Adds to one partial sum of a result.
  mutating func add(_ value: Float, to result: Int, partial: Int) {
    sums[result * count + partial] += value
  }

  /// The value of a result; its partial sums are +0 again.
  mutating func take(_ result: Int) -> Float {
    let first = result * count
    var sum = sums[first]
    sums[first] = 0
    for index in first + 1..<first + count {
      sum += sums[index]
      sums[index] = 0
    }
    return sum.canonical
  }
}

/// The adder tree of the weight-gradient pass: neighbours are added, then the sums of neighbours, and
/// so on. A lane without a product (padding, an output that the tile does not have, a gated
/// multiplier) is absent: a node passes on the one input that is there, and is absent without any.
func treeSum(_ lanes: [Float?]) -> Float? {
  var level = lanes
  while level.count > 1 {
    var next: [Float?] = []
    for first in stride(from: 0, to: level.count, by: 2) {
      let second = first + 1 < level.count ? level[first + 1] : nil
      switch (level[first], second) {
      case (let a?, let b?): next.append(a + b)
      case (let a, let b): next.append(a ?? b)
      }
    }
    level = next
  }
  return level.first ?? nil
}
