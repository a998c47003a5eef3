// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Processor
@testable import RTL

/// Whole passes of layers through the RTL of a core.
@Suite(.needsVerilator) struct CoreRTLTests {
  /// Machines that differ from each other in every size.
  static let machines: [HardwareDescription] = {
    func machine(
      rows: Int, lanes: Int, slots: Int, window: Int, inFlight: Int, stages: Int, ports: Int,
      elements: Int, banks: Int = 2, lists: Bool = true, rounds: Bool = true, gates: Bool = true
    ) -> HardwareDescription {
      var machine = HardwareDescription.small
      machine.array.cores = 2
      machine.array.rows = rows
      machine.array.lanes = lanes
      machine.array.slots = slots
      machine.array.window = window
      machine.array.windowsInFlight = inFlight
      machine.array.adderStages = stages
      machine.memory.portsPerCore = ports
      machine.memory.portElements = elements
      machine.array.sumBanks = banks
      machine.array.results = rounds ? .bf16 : .fp32
      machine.techniques.reorderLines = lists ? .balanced : .none
      machine.techniques.gateZeroOperands = gates
      machine.techniques.holdZeroLanes = gates && rounds
      return machine
    }
    return [
      .small,
      machine(
        rows: 4, lanes: 4, slots: 1, window: 8, inFlight: 2, stages: 2, ports: 2, elements: 8),
      machine(
        rows: 3, lanes: 8, slots: 2, window: 4, inFlight: 3, stages: 3, ports: 1, elements: 16,
        gates: false),
      machine(
        rows: 5, lanes: 1, slots: 3, window: 4, inFlight: 1, stages: 1, ports: 3, elements: 1),
      machine(
        rows: 1, lanes: 2, slots: 1, window: 32, inFlight: 5, stages: 3, ports: 2, elements: 4),
    ]
  }()

  /// What differs throws.
  @Test("72 passes on three machines: every bit, the cycles of every item, and what is read")
  func passes() throws {
    for machine in Self.machines.prefix(3) {
      let verified = try RTLVerification(
        machine, rtl: Bench.hardware, seeds: 0..<24, kept: Bench.kept)
      #expect(verified.passes == 24)
      #expect(verified.results > 2000 && verified.cycles > 5000)
    }
  }
}

/// Many more, on machines of other sizes too: `SWPU_SLOW_TESTS=1` runs them.
@Suite(.needsVerilator, .enabled(if: Bench.isSlow)) struct CoreRTLSlowTests {
  @Test("1,500 passes on five machines and 60 on the default")
  func passes() throws {
    for machine in CoreRTLTests.machines {
      let verified = try RTLVerification(
        machine, rtl: Bench.hardware, seeds: 1000..<1300, kept: Bench.kept)
      #expect(verified.passes == 300)
    }
    let verified = try RTLVerification(
      .swpu, rtl: Bench.hardware, seeds: 2000..<2060, kept: Bench.kept)
    #expect(verified.passes == 60)
  }
}
