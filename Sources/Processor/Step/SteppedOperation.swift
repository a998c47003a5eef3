// SPDX-License-Identifier: Apache-2.0

/// An operation's streams a cycle at a time: the DRAM interface, the two stream units and the array as
/// state machines that meet at the end of each phase.
struct SteppedOperation {
  /// The DRAM: what is read, then what is written, as many bits a cycle as the interface moves.
  private struct Channel {
    let rate: Int
    var load, store: Int
    var isDone: Bool { load == 0 && store == 0 }

    init(_ rate: DRAMRate, load: Int, store: Int) {
      self.rate = rate.bitsPerCycle
      self.load = load << DRAMRate.unit
      self.store = store << DRAMRate.unit
    }

    /// A clock; the bits read in it, times 2^16.
    mutating func step() -> Int {
      let loaded = min(load, rate)
      load -= loaded
      store -= min(store, rate - loaded)
      return loaded
    }
  }

  /// A stream unit: takes a word a cycle if it has arrived, then empties its pipeline.
  private struct Unit {
    let words: Int
    /// Bits of all words, times 2^16; 0 if words need not arrive.
    let bits: Int
    var taken = 0
    var arrived = 0
    var draining: Int
    var isDone: Bool { words == 0 || (taken == words && draining == 0) }

    init(words: Int, bits: Int) {
      self.words = words
      self.bits = bits << DRAMRate.unit
      draining = OperationStreams.streamDepth
    }

    /// A clock; `now` arrives in it and can be taken in the next.
    mutating func step(arriving now: Int) {
      if taken < words {
        // The next word is there when its part of all bits is.
        let (need, have) = (
          bits.multipliedFullWidth(by: taken + 1), arrived.multipliedFullWidth(by: words)
        )
        if (have.high, have.low) >= (need.high, need.low) { taken += 1 }
      } else if draining > 0 {
        draining -= 1
      }
      arrived += now
    }
  }

  /// Where the cycles went.
  static func run(_ streams: OperationStreams, _ rate: DRAMRate) -> OperationTiming {
    var timing = OperationTiming()
    for phase in 0..<streams.blocks + 3 {
      func share(_ whole: Int, _ block: Int) -> Int {
        OperationStreams.share(whole, block: block, of: streams.blocks)
      }
      let load = share(streams.loadBits, phase)
      var channel = Channel(rate, load: load, store: share(streams.storeBits, phase - 3))
      var input = Unit(words: share(streams.loadWords, phase), bits: load)
      var output = Unit(words: share(streams.storeWords, phase - 2), bits: 0)
      let compute = share(streams.computeCycles, phase - 1)
      var left = compute
      // Cycles in which the array is done, and whether the DRAM was the last one at work.
      var stalled = 0
      var isDRAMLast = true
      while left > 0 || !channel.isDone || !input.isDone || !output.isDone {
        isDRAMLast = !channel.isDone
        if left > 0 {
          left -= 1
          timing.compute += 1
        } else {
          stalled += 1
        }
        let loaded = channel.step()
        input.step(arriving: loaded)
        output.step(arriving: 0)
      }
      if compute == 0 {
        timing.fill += stalled
      } else if isDRAMLast {
        timing.dramStall += stalled
      } else {
        timing.streamStall += stalled
      }
    }
    return timing
  }
}
