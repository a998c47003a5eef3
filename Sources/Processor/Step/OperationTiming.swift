// SPDX-License-Identifier: Apache-2.0

/// The work of an operation whose operands stream in and whose results stream out, block by block.
///
/// Four stages work on four blocks at a time: the stream-in unit takes block p from the DRAM, the array
/// works on block p-1, the stream-out unit on block p-2, and the DRAM writes block p-3. A phase ends
/// when all four are done. The DRAM serves what is read first. A stream unit takes a word of
/// `elements-per-cycle` values a cycle, in the cycle after the word's last bit arrived, and is through
/// `streamDepth` cycles after its last word.
struct OperationStreams: Equatable {
  /// Blocks of the activation side, or of weights.
  var blocks = 1
  /// Cycles of the array for all blocks.
  var computeCycles = 0
  /// Bits that are read and written, for all blocks.
  var loadBits = 0
  var storeBits = 0
  /// Words that the stream units take, for all blocks.
  var loadWords = 0
  var storeWords = 0

  /// The part of a block: parts differ by at most one and add up to the whole.
  static func share(_ whole: Int, block: Int, of blocks: Int) -> Int {
    (0..<blocks).contains(block) ? whole * (block + 1) / blocks - whole * block / blocks : 0
  }
}

/// Where the cycles of an operation went; they add up to all of its cycles.
struct OperationTiming: Equatable {
  /// The array works.
  var compute = 0
  /// The array is done with its block and the DRAM is not.
  var dramStall = 0
  /// The array is done with its block and a stream unit is not.
  var streamStall = 0
  /// Phases in which the array has no block.
  var fill = 0

  var cycles: Int { compute + dramStall + streamStall + fill }

  /// Adds a phase of so many cycles.
  mutating func add(phase: Int, compute: Int, dram: Int, isDRAMLast: Bool) {
    if compute == 0 {
      fill += phase
    } else {
      self.compute += compute
      if isDRAMLast { dramStall += phase - compute } else { streamStall += phase - compute }
    }
  }
}

/// The DRAM interface in units of 2^-16 bits, so that both levels count the same cycles.
struct DRAMRate: Equatable {
  static let unit = 16
  /// Bits a cycle, times 2^16.
  let bitsPerCycle: Int

  init(_ hardware: HardwareDescription) {
    let rate = hardware.memory.dramGigabytesPerSecond * 8e9 / hardware.supply.hertz
    bitsPerCycle = max(1, Int((rate * Double(1 << Self.unit)).rounded()))
  }

  func cycles(bits: Int) -> Int { ceilingDivision(bits << Self.unit, bitsPerCycle) }
}

extension OperationStreams {
  /// Cycles from the last word of a stream to its result in the memory: unpacking, two multiply-adds
  /// of three stages, comparison, rounding, and a register on each side.
  static let streamDepth = 12

  /// Where the cycles go, phase by phase in closed form.
  func timing(_ rate: DRAMRate) -> OperationTiming {
    var timing = OperationTiming()
    func share(_ whole: Int, _ block: Int) -> Int { Self.share(whole, block: block, of: blocks) }
    // Inner phases are alike up to one unit of each share; equal ones are computed once.
    var known: [[Int]: (dram: Int, streams: Int)] = [:]
    for phase in 0..<blocks + 3 {
      let key = [
        share(loadBits, phase), share(storeBits, phase - 3), share(loadWords, phase),
        share(storeWords, phase - 2),
      ]
      let (dram, streams) = known[key, default: units(rate, key)]
      known[key] = (dram, streams)
      let compute = share(computeCycles, phase - 1)
      timing.add(
        phase: max(compute, dram, streams), compute: compute, dram: dram,
        isDRAMLast: dram >= streams)
    }
    return timing
  }

  private func units(_ rate: DRAMRate, _ key: [Int]) -> (dram: Int, streams: Int) {
    let (load, store, loadWords, storeWords) = (key[0], key[1], key[2], key[3])
    var streams = storeWords == 0 ? 0 : storeWords + Self.streamDepth
    if loadWords > 0 {
      // Word j has arrived at ⌈(j + 1) · load / words⌉; the unit waits for the first or the last.
      let first = ceilingDivision(load << DRAMRate.unit, loadWords * rate.bitsPerCycle)
      let last = rate.cycles(bits: load)
      streams = max(streams, max(first + loadWords, last + 1) + Self.streamDepth)
    }
    return (rate.cycles(bits: load + store), streams)
  }
}
