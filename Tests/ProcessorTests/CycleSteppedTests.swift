// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct CycleSteppedTests {
  @Test("both levels give the same cycles, uses and counts for random cases")
  func agreement() {
    for seed in 0..<150 as Range<UInt64> {
      #expect(Self.agrees(RandomCase(seed: seed)), "seed \(seed)")
    }
  }

  @Test("both levels agree on larger maps, where the fast level jumps")
  func agreementAfterJumps() {
    for seed in 1000..<1040 as Range<UInt64> {
      var random = RandomCase(seed: seed, largestMap: 20, largestPlanes: 6)
      random.images *= 3
      #expect(Self.agrees(random), "seed \(seed)")
    }
  }

  @Test("both levels agree where rows, lines and windows do not divide each other")
  func agreementOnExtremes() {
    for seed in 2000..<2040 as Range<UInt64> {
      var random = RandomCase(seed: seed)
      // Windows narrower than a line, loads that outlast every row, or hardly any load.
      random.hardware.array.window = 2
      random.hardware.memory.portsPerCore = seed % 2 == 0 ? 1 : 32
      random.hardware.memory.portElements = seed % 4 < 2 ? 1 : 64
      random.hardware.array.windowsInFlight = seed % 3 == 0 ? 1 : 8
      #expect(Self.agrees(random), "seed \(seed)")
    }
  }

  /// Whether the levels agree on the three passes of a case.
  static func agrees(_ random: RandomCase) -> Bool {
    Pass.allCases.allSatisfy { pass in
      let schedule = PassSchedule(
        random.geometry, mask: random.mask, pass: pass, images: random.images,
        hardware: random.hardware)
      var counts = schedule.activity(random.hardware, inputSparsity: 0, gradientSparsity: 0)
      // Not an event that a core sees; `denseProducts` checks it.
      counts.denseMACs = 0
      let stepped = schedule.cycleStepped(random.hardware)
      return stepped.timing == schedule.fastTiming(random.hardware)
        && stepped.activity == counts
    }
  }

  @Test("a layer without pruning has as many products as a dense mask needs")
  func denseProducts() {
    for seed in 0..<60 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let dense = LayerMask(dense: random.mask.shape)
      for pass in Pass.allCases {
        let counts = [random.mask, dense].map {
          PassSchedule(
            random.geometry, mask: $0, pass: pass, images: random.images,
            hardware: random.hardware
          ).activity(random.hardware, inputSparsity: 0, gradientSparsity: 0)
        }
        #expect(counts[0].denseMACs == counts[1].effectualMACs, "\(pass) of seed \(seed)")
      }
    }
  }

  @Test("the sparsity of operands is that of the operands that are not weights")
  func zeroShare() {
    let random = RandomCase(seed: 3)
    let shares = Pass.allCases.map {
      PassSchedule(
        random.geometry, mask: random.mask, pass: $0, images: 1, hardware: random.hardware
      ).activity(random.hardware, inputSparsity: 0.5, gradientSparsity: 0.75).zeroShare
    }
    #expect(shares == [0.5, 0.75, 0.875])
  }

  @Test("a load takes its cycles, and a window held for its slot is marked")
  func loadPort() {
    var port = LoadPort()
    port.accept(SteppedWindow(loadCycles: 2, issues: []))
    #expect(!port.isReady)
    port.step()
    #expect(!port.isReady)
    port.step()
    #expect(port.isReady && !port.isHeld)
    port.step()
    #expect(port.isHeld)
    _ = port.handOver()
    #expect(port.isEmpty)
  }

  @Test("a row goes on in its other bank, and waits only where that is not through")
  func banks() {
    func run(_ issues: [Int], drain: Int, writes: Bool) -> (cycles: Int, use: RowUse) {
      var array = HardwareDescription.small.array
      array.sumBanks = 2
      var rows = SteppedRows(
        count: 1, banks: SteppedRows.Banks(array, writes ? .weightGradient : .forward))
      var buffer = WindowBuffer(slots: issues.count)
      for issue in issues {
        buffer.publish(SteppedWindow(loadCycles: 0, issues: [issue], drains: [drain]))
      }
      var cycles = 0
      rows.take(&buffer)
      while !rows.isDone(buffer) {
        rows.step(&buffer)
        rows.take(&buffer)
        cycles += 1
      }
      rows.chargeLastWaits()
      return (cycles, rows.use)
    }
    // Two tiles of 7 cycles and a drain of 5 behind the last.
    #expect(run([7, 7], drain: 5, writes: false) == (7 + 7 + 5, RowUse(issue: 14, drain: 5)))
    // A tile of 2: the bank of the first is free after 5 cycles, so the third begins at 7 + 5.
    let three = run([7, 2, 4], drain: 5, writes: false)
    #expect(three == (7 + 5 + 5 + 5, RowUse(issue: 13, drain: 9)))
    // Weight gradients: the first window's sums are written in a cycle at the end of the second.
    #expect(run([7, 7], drain: 5, writes: true) == (7 + 7 + 1 + 5, RowUse(issue: 14, drain: 6)))
    // Or, where they are not yet through, in the last cycle of their drain.
    #expect(run([7, 2], drain: 5, writes: true) == (7 + 5 + 5, RowUse(issue: 9, drain: 8)))
  }

  @Test("a second bank of sums never costs more than its writes, and saves on small layers")
  func secondBank() {
    var saved = 0
    for seed in 0..<100 as Range<UInt64> {
      var random = RandomCase(seed: seed)
      for pass in Pass.allCases {
        let cycles = [1, 2].map { banks in
          random.hardware.array.sumBanks = banks
          return PassSchedule(
            random.geometry, mask: random.mask, pass: pass, images: random.images,
            hardware: random.hardware
          ).fastTiming(random.hardware).cycles
        }
        saved += cycles[0] - cycles[1]
        #expect(cycles[1] <= cycles[0], "seed \(seed) \(pass)")
      }
    }
    #expect(saved > 0)
  }

  @Test("a slot is free a turnaround after the slowest row is done with its window")
  func slots() {
    var buffer = WindowBuffer(slots: 1)
    var rows = SteppedRows(count: 2)
    buffer.publish(SteppedWindow(loadCycles: 0, issues: [1, 3], drains: [2, 2]))
    rows.take(&buffer)
    for clock in 1...3 {
      #expect(!buffer.hasFreeSlot, "before clock \(clock)")
      rows.step(&buffer)
    }
    #expect(!buffer.hasFreeSlot && !rows.isDone(buffer))
    for _ in 0..<CorePipeline.loadToRow { buffer.step() }
    #expect(buffer.hasFreeSlot)
    for _ in 0..<2 { rows.step(&buffer) }
    #expect(rows.isDone(buffer))
    #expect(rows.use == RowUse(issue: 4, drain: 4))
    rows.chargeWaits(isHeld: false)
    #expect(rows.use.loading == 2)
  }
}
