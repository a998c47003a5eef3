// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The movement of TensorDash (arXiv 2009.00748): 16 multipliers each take one of 8 operand pairs
/// out of a staging buffer three steps deep, so zeros are skipped within a short reach.
///
/// Lane i may take its own pair of this, the next and the next but one step, the pairs of lanes
/// i - 1, i + 1 and i - 3 of the next step, and of lanes i - 2 and i + 2 of the one after it; lanes
/// form a ring. Choices are tried in that order, each by all free lanes in parallel: no two lanes
/// can want the same pair by the same choice, so there are no conflicts. A step ends when
/// its pairs are taken, and so may the next and the one after.
enum LookaheadSchedule {
  /// Multipliers that share a staging buffer.
  static let lanes = 16
  /// Rows that share an operand's staging buffer and hence move in lock-step.
  static let rowsInStep = 4
  /// Steps in the staging buffer, and so the largest speed-up.
  static let depth = 3

  /// Steps that rows take in lock-step; `rows[r][i]` has a bit for each lane with a pair to multiply
  /// in step i. All rows have the same number of steps.
  static func steps(_ rows: [[UInt16]]) -> Int {
    let count = rows.first?.count ?? 0
    var buffers = rows.map { Buffer(fill: $0) }
    var position = 0
    var steps = 0
    while position < count {
      var freed = depth
      for row in buffers.indices { freed = min(freed, buffers[row].step()) }
      for row in buffers.indices {
        buffers[row].advance(freed, fill: rows[row], next: position + depth)
      }
      position += freed
      steps += 1
    }
    return steps
  }

  /// Entries that the rows' time is worth, when a step costs as much as its 16 lanes one after the
  /// other: never more than the stream has, since lanes that a last, short step lacks cost nothing.
  static func cost(_ rows: [[UInt16]], length: Int) -> Int {
    min(lanes * steps(rows), length)
  }

  /// The cost of a long stream with pairs at random, as a fraction.
  static func drawnCost(density: Double, random: inout SeededRandom) -> (entries: Int, of: Int) {
    let length = 2048
    var rows = [[UInt16]](
      repeating: [UInt16](repeating: 0, count: length / lanes), count: rowsInStep)
    for row in rows.indices {
      for step in rows[row].indices {
        for lane in 0..<lanes where Double(random.uniform()) < density {
          rows[row][step] |= 1 << UInt16(lane)
        }
      }
    }
    return (cost(rows, length: length), length)
  }

  /// The staging buffer of one row: pending pairs of this step and the next two.
  private struct Buffer {
    var now: UInt16
    var next: UInt16
    var last: UInt16

    init(fill: [UInt16]) {
      now = fill.isEmpty ? 0 : fill[0]
      next = fill.count > 1 ? fill[1] : 0
      last = fill.count > 2 ? fill[2] : 0
    }

    /// Takes a pair a lane, and returns how many steps from the front are then empty.
    mutating func step() -> Int {
      var free = ~now
      now = 0
      Self.take(&next, &free, from: 0)
      Self.take(&last, &free, from: 0)
      Self.take(&next, &free, from: -1)
      Self.take(&next, &free, from: 1)
      Self.take(&last, &free, from: -2)
      Self.take(&last, &free, from: 2)
      Self.take(&next, &free, from: -3)
      return next != 0 ? 1 : last != 0 ? 2 : 3
    }

    /// Every free lane i takes the pair of lane i + offset if that is pending.
    private static func take(_ pairs: inout UInt16, _ free: inout UInt16, from offset: Int) {
      let taken = free & rotated(pairs, down: offset)
      free &= ~taken
      pairs &= ~rotated(taken, down: -offset)
    }

    /// The word with bit i where bit i + offset was.
    private static func rotated(_ word: UInt16, down offset: Int) -> UInt16 {
      let places = UInt16(truncatingIfNeeded: offset & 15)
      return places == 0 ? word : word >> places | word << (16 - places)
    }

    mutating func advance(_ count: Int, fill: [UInt16], next first: Int) {
      for place in first..<first + count {
        now = next
        next = last
        last = place < fill.count ? fill[place] : 0
      }
    }
  }
}
