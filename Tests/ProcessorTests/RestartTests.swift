// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct RestartTests {
  /// Items of one core, of windows of so many cycles of work and drain.
  private func restart(_ banks: Int, _ items: [[(Int, Int)]], fill: Int = 3) -> Restart {
    Restart(
      fill: fill, banks: banks,
      cores: [items.map { $0.map { Restart.Window(work: $0.0, drain: $0.1) } }])
  }

  @Test("one bank drains every window in every block")
  func oneBank() {
    let restart = restart(1, [[(40, 9), (40, 7)], [(20, 5)]])
    #expect(restart.cycles(blocks: 1) == 0)
    // Twice more: two fills, three windows that come back, and their drains.
    #expect(restart.cycles(blocks: 3) == 2 * (2 * 3 + 3 + 9 + 7 + 5))
  }

  @Test("a second bank leaves the last drain of an item, writes, and what outlasts a window")
  func twoBanks() {
    // Whole: 40, 40 + 1 write, drain 7. In four blocks windows of 10: drain 9 is hidden again.
    let hidden = restart(2, [[(40, 9), (40, 7)]])
    #expect(hidden.cycles(blocks: 4) == 3 * (3 + 2) + 4 * (1 + 7) - (1 + 7))
    // In ten blocks windows of 4: the second ends at 8, the first's sums are written at 4 + 9.
    #expect(hidden.cycles(blocks: 10) == 9 * (3 + 2) + 10 * (13 + 7 - 8) - (1 + 7))
  }

  @Test("more blocks never cost less, and the longest core counts")
  func order() {
    for seed in 0..<40 as Range<UInt64> {
      var random = RandomCase(seed: seed)
      random.images *= 4
      for pass in Pass.allCases {
        let schedule = PassSchedule(
          random.geometry, mask: random.mask, pass: pass, images: random.images,
          hardware: random.hardware)
        let restart = schedule.restart(random.hardware)
        let costs = (1...6).map { restart.cycles(blocks: $0) }
        #expect(costs[0] == 0 && costs == costs.sorted(), "seed \(seed) \(pass)")
        let single = restart.cores.map { core -> Int in
          var one = restart
          one.cores = [core]
          return one.cycles(blocks: 3)
        }
        #expect(single.max() ?? 0 == restart.cycles(blocks: 3))
      }
    }
  }
}
