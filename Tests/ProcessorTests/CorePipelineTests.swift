// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Processor

/// Cycles besides the recurrence, by the formulas of docs/processor/model.md.
@Suite struct CorePipelineTests {
  private static let arrays: [HardwareDescription.Array] = [1, 2, 3].flatMap { stages in
    [(1, 1), (1, 2), (2, 5), (3, 8), (2, 16), (1, 33)].map { slots, lanes in
      var array = HardwareDescription.swpu.array
      (array.adderStages, array.slots, array.lanes) = (stages, slots, lanes)
      return array
    }
  }

  /// ⌈log2 n⌉.
  private func levels(_ n: Int) -> Int { (0...).first { 1 << $0 >= n }! }

  @Test("a drain of outputs adds L·A sums, one after the other, and writes")
  func outputs() {
    for array in Self.arrays {
      let (a, l) = (array.adderStages, array.slots)
      #expect(array.outputDrainCycles == l * a * a + 1, "\(array)")
    }
  }

  @Test(
    "a drain of weight gradients is the last product's way, rounds of additions, and the writes")
  func gradients() {
    for array in Self.arrays {
      let (a, l) = (array.adderStages, array.slots)
      for entries in [0, 1, 2, 3, 7, 16] {
        let turns = (entries + l - 1) / l
        let expected =
          5 + a * levels(array.lanes) + a + (a - 1) * max(turns, a) + max(1, a - 1)
        #expect(array.gradientDrainCycles(entries: entries) == expected, "\(array) \(entries)")
      }
    }
  }

  @Test("a pipeline is filled in 7 cycles, in the weight-gradient pass in 2; a word has 64 places")
  func fill() {
    for array in Self.arrays {
      #expect(array.fillCycles(.forward) == 7 && array.fillCycles(.inputGradient) == 7)
      #expect(array.fillCycles(.weightGradient) == 2)
    }
    #expect(CorePipeline.maskWord == 64)
  }
}
