// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor

@Suite struct LookaheadScheduleTests {
  /// Pair by pair on sets of pairs, 16 · step + lane, as the rules read.
  private func simulated(_ rows: [[UInt16]]) -> Int {
    let choices = [(0, 0), (1, 0), (2, 0), (1, -1), (1, 1), (2, -2), (2, 2), (1, -3)]
    let count = rows.first?.count ?? 0
    var waiting = rows.map { row in
      Set((0..<16 * count).filter { row[$0 / 16] >> UInt16($0 % 16) & 1 != 0 })
    }
    var position = 0
    var steps = 0
    while position < count {
      for row in rows.indices {
        var free = Set(0..<16)
        for (ahead, aside) in choices {
          for lane in 0..<16 where free.contains(lane) {
            let pair = (position + ahead) * 16 + (lane + aside + 16) % 16
            if waiting[row].remove(pair) != nil { free.remove(lane) }
          }
        }
      }
      var freed = 0
      while freed < 3 {
        let step = position + freed
        if waiting.contains(where: { pairs in pairs.contains { $0 / 16 == step } }) { break }
        freed += 1
      }
      position += freed
      steps += 1
    }
    return steps
  }

  private func stream(_ length: Int, density: Double, _ random: inout SeededRandom) -> [UInt16] {
    (0..<length).map { _ in
      (0..<16).reduce(UInt16(0)) {
        Double(random.uniform()) < density ? $0 | 1 << UInt16($1) : $0
      }
    }
  }

  @Test("schedules of words equal the rules applied pair by pair")
  func oracle() {
    for seed in 0..<120 as Range<UInt64> {
      var random = SeededRandom(seed: seed, stream: 5)
      let density = [0.02, 0.1, 0.3, 0.6, 0.9][random.below(5)]
      let length = random.below(12)
      let rows = (0..<1 + random.below(4)).map { _ in
        stream(length, density: density, &random)
      }
      let expected = simulated(rows)
      #expect(LookaheadSchedule.steps(rows) == expected, "seed \(seed)")
      #expect(expected >= (length + 2) / 3 && expected <= length, "seed \(seed)")
    }
  }

  @Test("full streams take every step, empty ones a third, and lock-step stalls")
  func limits() {
    let full = [UInt16](repeating: .max, count: 10)
    let empty = [UInt16](repeating: 0, count: 10)
    #expect(LookaheadSchedule.steps([full]) == 10)
    #expect(LookaheadSchedule.steps([empty]) == 4)
    #expect(LookaheadSchedule.steps([empty, empty, full]) == 10)
    #expect(LookaheadSchedule.steps([]) == 0)
    #expect(LookaheadSchedule.cost([full], length: 147) == 147)
  }

  @Test("each lane reaches its eight pairs and no other")
  func reach() {
    // Lane 8 is the only idle one of the first step; one pair is pending in the next two.
    let reached = [(1, 8), (2, 8), (1, 7), (1, 9), (2, 6), (2, 10), (1, 5)]
    for step in 1...2 {
      for lane in 0..<16 {
        var rows: [UInt16] = [.max & ~(1 << 8), 0, 0]
        rows[step] = 1 << UInt16(lane)
        let isReached = reached.contains { $0 == (step, lane) }
        #expect(LookaheadSchedule.steps([rows]) == (isReached ? 1 : 2), "\(step) \(lane)")
      }
    }
  }

  @Test("random streams gain with their zeros, up to three")
  func gain() {
    var costs: [Double] = []
    for density in [1.0, 0.7, 0.5, 0.3, 0.1, 0] {
      var random = SeededRandom(seed: 9)
      let cost = LookaheadSchedule.drawnCost(density: density, random: &random)
      costs.append(Double(cost.entries) / Double(cost.of))
      #expect(costs.last! >= density && costs.last! >= 1.0 / 3)
    }
    #expect(costs[0] == 1)
    #expect(zip(costs, costs.dropFirst()).allSatisfy { $0 > $1 })
  }
}
