// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor
@testable import RTL

/// Whole passes of layers through the RTL of the whole machine, from loaded memories.
@Suite(.needsVerilator) struct TopRTLTests {
  /// The machines of the core's tests, with some cores and memories for the largest random pass.
  static let machines: [HardwareDescription] = zip(CoreRTLTests.machines, [3, 3, 2, 5, 2]).map {
    var machine = $0
    machine.array.cores = $1
    machine.memory.weightKibibytes = 16
    machine.memory.outputKibibytes = 64
    // Runs so short that lines continue from one port to the next and from cycle to cycle.
    if machine.memory.portElements == 8 {
      machine.array.lanes = 8
      machine.memory.portElements = 2
    }
    return machine
  }

  /// What differs throws.
  @Test("24 passes on three cores: every word of the output memory, which core, how long")
  func passes() throws {
    let verified = try RTLVerification(
      Self.machines[1], rtl: Bench.hardware, unit: .top, seeds: 0..<24, kept: Bench.kept)
    #expect(verified.passes == 24)
    #expect(verified.results > 2000 && verified.cycles > 5000)
  }

  @Test("a pass that the machine cannot hold, or an order that it does not make, is refused")
  func refused() {
    var machine = HardwareDescription.small
    machine.memory.activationKibibytes = 1
    let pass = RandomPass(seed: 3, pass: .forward)
    let bytes = 2 * pass.images * pass.geometry.input.count
    #expect(bytes > 1024)
    #expect(
      throws: RTLError("activation-kibibytes is 1; the pass takes \(bytes) bytes")
    ) { try TopVectors(pass, hardware: machine) }
    machine = .small
    machine.techniques.reorder = .natural
    #expect(throws: RTLError("reorder is natural; the RTL takes hamming")) {
      try TopVectors(pass, hardware: machine)
    }
  }
}

/// Many more, on machines of other sizes too: `SWPU_SLOW_TESTS=1` runs them.
@Suite(.needsVerilator, .enabled(if: Bench.isSlow)) struct TopRTLSlowTests {
  @Test("750 passes on five machines and 24 on the default's array with two cores")
  func passes() throws {
    for machine in TopRTLTests.machines {
      let verified = try RTLVerification(
        machine, rtl: Bench.hardware, unit: .top, seeds: 1000..<1150, kept: Bench.kept)
      #expect(verified.passes == 150)
    }
    var machine = HardwareDescription.swpu
    machine.array.cores = 2
    let verified = try RTLVerification(
      machine, rtl: Bench.hardware, unit: .top, seeds: 2000..<2024, kept: Bench.kept)
    #expect(verified.passes == 24)
  }

  /// Masks of several words, more tiles than lanes, windows enough for slices.
  @Test("three passes of layers of 24 and 32 planes, strides 1 and 2")
  func layers() throws {
    var machine = TopRTLTests.machines[0]
    machine.memory.maskKibibytes = 8
    machine.memory.activationKibibytes = 64
    let bench = try RTLBench(
      "tb_swpu_top", hardware: Bench.hardware, package: machine.rtlPackage(), kept: Bench.kept)
    defer { bench.remove() }
    var random = SeededRandom(seed: 1, stream: 311)
    for stride in 1...2 {
      let geometry = try #require(
        ConvolutionGeometry(
          input: MapShape(channels: 24, height: 16, width: 16), filters: 32, rows: 3, columns: 3,
          stride: stride, paddingRows: 1, paddingColumns: 1))
      let shape = FilterShape(filters: 32, channels: 24, rows: 3, columns: 3)
      let mask = LayerMask(
        shape: shape,
        elements: Bits(count: shape.count) { _ in Double(random.uniform()) < 0.1 })
      for pass in Pass.allCases {
        let vectors = try TopVectors(
          RandomPass(geometry, mask: mask, images: 1, pass: pass, &random), hardware: machine)
        let outcome = try bench.run(vectors: ["pass.txt": vectors.text], argument: "pass.txt")
        let expected = Bench.Outcome(checked: vectors.results + vectors.items, differing: 0)
        #expect(outcome == expected, "\(pass.rawValue), stride \(stride)")
        // Loads are hidden behind work, but for the first of each core.
        var cycles = RTLVerification.TopCycles()
        try cycles.add(outcome.output)
        #expect(cycles.work == vectors.longest && cycles.run < cycles.work * 11 / 10)
      }
    }
  }
}
