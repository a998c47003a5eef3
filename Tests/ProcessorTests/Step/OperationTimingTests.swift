// SPDX-License-Identifier: Apache-2.0

import Tensor
import Testing

@testable import Processor

@Suite struct OperationTimingTests {
  static func random(seed: UInt64) -> (streams: OperationStreams, rate: DRAMRate) {
    var random = SeededRandom(seed: seed, stream: 3)
    func size(_ most: Int) -> Int { random.below(4) == 0 ? 0 : random.below(most) }
    let streams = OperationStreams(
      blocks: 1 + random.below(6), computeCycles: size(2000), loadBits: size(40_000),
      storeBits: size(40_000), loadWords: size(400), storeWords: size(400))
    var hardware = HardwareDescription.swpu
    hardware.memory.dramGigabytesPerSecond = [0.3, 1.6, 12.8, 25.6, 100][random.below(5)]
    return (streams, DRAMRate(hardware))
  }

  @Test("closed form and state machines give the same cycles, and the same reasons for stalls")
  func agreement() {
    for seed in 0..<600 as Range<UInt64> {
      let (streams, rate) = Self.random(seed: seed)
      #expect(streams.timing(rate) == SteppedOperation.run(streams, rate), "seed \(seed)")
    }
  }

  @Test("an operation takes at least what each of its units takes, and not more than all of them")
  func bounds() {
    for seed in 0..<200 as Range<UInt64> {
      let (streams, rate) = Self.random(seed: seed)
      let cycles = streams.timing(rate).cycles
      let dram = rate.cycles(bits: streams.loadBits + streams.storeBits)
      #expect(
        cycles
          >= max(streams.computeCycles, dram - 2, streams.loadWords, streams.storeWords), "\(seed)")
      let depths = 2 * (streams.blocks + 3) * (OperationStreams.streamDepth + 2)
      #expect(
        cycles <= streams.computeCycles + dram + streams.loadWords + streams.storeWords + depths)
      #expect(streams.timing(rate).compute == streams.computeCycles)
    }
  }

  @Test("a worked example: one block, then four")
  func example() {
    var hardware = HardwareDescription.swpu
    // 64 bits a cycle.
    hardware.memory.dramGigabytesPerSecond = 64 * hardware.supply.hertz / 8e9
    var streams = OperationStreams(
      blocks: 1, computeCycles: 100, loadBits: 640, storeBits: 320, loadWords: 20, storeWords: 4)
    // 1 + 20 + 12 in; 100; 4 + 12 out; 5 to the DRAM.
    #expect(
      streams.timing(DRAMRate(hardware))
        == OperationTiming(compute: 100, dramStall: 0, streamStall: 0, fill: 33 + 16 + 5))
    streams.blocks = 4
    streams.computeCycles = 40
    // Each block: in 1 + 5 + 12, array 10, out 1 + 12, DRAM 2.5 + 1.25. The array's four phases take
    // 18, 18, 18 and 13 cycles.
    #expect(
      streams.timing(DRAMRate(hardware))
        == OperationTiming(compute: 40, dramStall: 0, streamStall: 27, fill: 18 + 13 + 2))
  }
}
