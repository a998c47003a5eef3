// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct LookaheadMachineTests {
  @Test("rows take at most a third less than dense ones")
  func speedUp() {
    for seed in 0..<25 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let layer = random.layer(inputSparsity: 0.95, gradientSparsity: 0.9)
      for pass in Pass.allCases {
        let dense = random.run(.dense, layer, pass).timing
        let lookahead = random.run(.lookahead, layer, pass).timing
        #expect(lookahead.cycles * 3 >= dense.cycles - dense.fill, "\(pass) seed \(seed)")
        #expect(lookahead.cycles <= dense.cycles, "\(pass) seed \(seed)")
      }
    }
  }

  @Test("a row's time is that of its own stream of kept weights")
  func stream() throws {
    var random = RandomCase(seed: 1)
    random.hardware = .small
    random.hardware.memory.portsPerCore = 64
    random.images = 1
    random.geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 96, height: 1, width: 4), filters: 4, rows: 1, columns: 1))
    let shape = FilterShape(filters: 4, channels: 96, rows: 1, columns: 1)
    var bits = SeededRandom(seed: 4)
    random.mask = LayerMask(
      shape: shape, elements: Bits(count: shape.count) { _ in bits.below(5) == 0 })
    let rows = (0..<4).map { filter in
      (0..<6).map { step in
        (0..<16).reduce(UInt16(0)) {
          random.mask.keeps(filter: filter, channel: step * 16 + $1, row: 0, column: 0)
            ? $0 | 1 << UInt16($1) : $0
        }
      }
    }
    let run = random.run(.lookahead, random.layer(), .forward)
    #expect(run.timing.issue == 4 * 16 * LookaheadSchedule.steps(rows))
    #expect(run.activity.executedMACs == random.mask.keptElements * 4)
    #expect(run.activity.vectorsTaken == random.mask.keptElements)
  }

  @Test("the same layer gives the same run, and the sparser operand is skipped")
  func draws() {
    var random = RandomCase(seed: 12)
    random.mask = LayerMask(dense: random.mask.shape)
    let layer = random.layer(inputSparsity: 0.8, gradientSparsity: 0.2)
    for pass in Pass.allCases {
      let run = random.run(.lookahead, layer, pass)
      #expect(run == random.run(.lookahead, layer, pass), "\(pass)")
      let share = pass == .inputGradient ? 0.8 : 0.2
      let expected = Int((Double(run.activity.denseMACs) * share).rounded(.up))
      #expect(abs(run.activity.executedMACs - expected) <= 1, "\(pass)")
    }
  }
}
