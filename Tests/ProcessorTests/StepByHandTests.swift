// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

/// A training step of one linear layer on a machine of one multiplier, every figure computed manually
/// from docs/processor/model.md. The constants are chosen so that each of them shows in the sums.
///
/// The layer has 3 inputs and 1 output, weight 1 of 0...2 pruned, one image, half of the activations and
/// half of the gradients zero. It is the first layer, so no input gradient is needed.
@Suite("A manually computed training step")
struct StepByHandTests {
  /// One core, row, lane and slot, windows of two entries, one in flight, an adder of one stage; 8.008
  /// bits a cycle to and from the DRAM.
  static let hardware: HardwareDescription = {
    var hardware = HardwareDescription.swpu
    hardware.name = "by hand"
    hardware.array = HardwareDescription.Array(
      cores: 1, rows: 1, lanes: 1, slots: 1, window: 2, windowsInFlight: 1, adderStages: 1,
      sumBanks: 1, operands: .bf16, results: .fp32)
    hardware.memory = HardwareDescription.Memory(
      activationKibibytes: 1, weightKibibytes: 1, outputKibibytes: 1, maskKibibytes: 1,
      portsPerCore: 1, portElements: 1, dramGigabytesPerSecond: 0.1001, dram: .lpddr4,
      stashFormat: .bf16, gradientFormat: .bf16, compressZeros: false, poolKibibytes: 0)
    // Layer by layer through the DRAM; nothing is held or ordered.
    hardware.schedule = HardwareDescription.Schedule(
      fuseNormalisation: false, fuseBackward: false, fuseUpdate: false)
    hardware.techniques.reorderLines = .none
    hardware.techniques.holdZeroLanes = false
    hardware.techniques.maskOutputs = false
    hardware.vectorUnit.lanes = 2
    hardware.supply.nominalMegahertz = 100
    return hardware
  }()

  /// Constants that do not depend on the supply; one square millimetre in all, so that a core is a
  /// millimetre wide.
  static let table: EnergyTable = {
    var table = EnergyTable.standard
    let values: [EnergyTable.Name: Double] = [
      .multiplyBF16: 3, .addFP32: 2, .registerBitWrite: 0.5, .registerBitClock: 0.25,
      .clockIdleShare: 0.5, .multiplyGated: 1, .windowBitWrite: 0.125, .windowBitRead: 0.25,
      .networkMovedBit: 0.5, .networkIsolatedBit: 0.25, .routeBit: 1, .maskScanBit: 2,
      .reorderBit: 1, .vectorOperation: 4, .wireBitMillimetre: 0.5, .dramBit: 10,
      .sramEnergyCorrection: 1, .leakageLogic: 8, .areaController: 1e6, .areaUtilisation: 1,
    ]
    for name in EnergyTable.Name.allCases {
      table[name].value = values[name] ?? 0
      table[name].volts = nil
    }
    func memory(_ width: Int, _ read: Double, _ write: Double) -> SRAMTable.Point {
      SRAMTable.Point(
        bytes: 1024, widthBits: width, readPicojoules: read, writePicojoules: write,
        leakageMilliwatts: 1, squareMillimetres: 1)
    }
    table.sram.volts = 1
    // Words of an operand, of a sum, and of masks.
    table.sram.points = [memory(16, 4, 8), memory(32, 2, 6), memory(64, 16, 32)]
    return table
  }()

  private func step() throws -> StepResult {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 3, height: 1, width: 1), filters: 1, rows: 1, columns: 1))
    let convolution = NetworkDescription.Convolution(
      name: "layer", geometry: geometry, needsInputGradient: false, prunable: true)
    let workload = Workload(
      name: "one", batch: 1,
      layers: [
        Workload.Layer(
          convolution: convolution,
          mask: LayerMask(shape: convolution.filterShape, elements: Bits(count: 3) { $0 != 1 }),
          granularity: .unstructured, inputSparsity: 0.5, gradientSparsity: 0.5)
      ], vectorLayers: [])
    return try Simulator(Self.hardware, table: Self.table, maskUpdateInterval: 1).step(workload)
  }

  private func check(_ found: EnergyBreakdown, _ expected: [EnergyUnit: Double], _ what: String) {
    for unit in EnergyUnit.allCases {
      #expect(abs(found[unit] - (expected[unit] ?? 0)) < 1e-9, "\(what), \(unit)")
    }
  }

  @Test("Forward pass")
  func forward() throws {
    let pass = try #require(try step().layers.first)
    #expect(pass.pass == .forward)
    // Start 1, scan 1 word, load 2 lines, 2 entries, drain 1·1·1 + 1, to the rows 1, to the adder 5.
    #expect(pass.arrayCycles == 1 + 1 + 2 + 2 + 2 + 1 + 5)
    #expect(pass.timing.issue == 2 && pass.timing.drain == 2 && pass.timing.fill == 7)
    // In: 3 activations, 2 weights, a mask of 3 bits; out: 1 activation. 83 and 16 bits.
    #expect(pass.traffic.sourceBits == 48 && pass.traffic.weightBits == 32)
    #expect(pass.traffic.maskBits == 3 && pass.traffic.resultBits == 16)
    #expect(pass.dramFillCycles == 11 + 2 && pass.dramWaitCycles == 0)
    #expect(pass.cycles == 27)
    #expect(pass.effectualMACs == 2 && pass.denseMACs == 3)
    #expect(pass.activity.linesRead == 2 && pass.activity.linesSkipped == 1)
    #expect(pass.utilization == 2.0 / 27)
    check(
      pass.energyPicojoules,
      [
        // Half of the products have a zero: 3 + 2 and 96 register bits at 0.5, or 1.
        .multiply: 53 + 1,
        // 32 bits written (0.125, and 0.5 across the core) and read (0.25).
        .windowBuffer: 32 * 0.625 + 32 * 0.25,
        // Two vectors of 16 bits are isolated at one stage.
        .network: 2 * 16 * 0.25,
        // 3 mask bits at 2, 2 vectors of a count and a switch.
        .control: 3 * 2 + 2 * 2 * 1,
        // Two runs (4, and 16 bits over half a core); three words filled.
        .activationMemory: 2 * (4 + 16 * 0.25) + 3 * 8,
        // 32 bits (4 pJ for 16, the way, the register); two words filled.
        .weightMemory: 32 * (0.25 + 0.25 + 0.5) + 2 * 8,
        // One sum written and read out.
        .outputMemory: 32 * ((6 + 2) / 32.0 + 0.25),
        .maskMemory: 3 * 16 / 64.0 + 3 * 32 / 64.0,
        // 2 cycles busy, 25 at half.
        .clock: 96 * 0.25 * (2 + 0.5 * 25),
        // 8 mW for 270 ns.
        .leakage: 8 * 270,
        .dram: 99 * 10,
      ], "forward")
  }

  @Test("Weight gradient, whose blocks are single planes")
  func weightGradient() throws {
    let layers = try step().layers
    #expect(layers.map(\.pass) == [.forward, .weightGradient])
    let pass = layers[1]
    // Start 1, scans 1 + 1, load 2, entries 2, to the adder 5, sum 1, write 1, to the rows 1.
    #expect(pass.arrayCycles == 1 + 2 + 2 + 2 + 7 + 1)
    #expect(pass.traffic.sourceBits == 48 && pass.traffic.gradientBits == 16)
    #expect(pass.traffic.weightBits == 0)
    #expect(pass.traffic.maskBits == 3 && pass.traffic.resultBits == 64)
    // Before the first plane 16 + 16 + 1 bits, behind the last one a gradient of 32.
    #expect(pass.dramFillCycles == 5 + 4 && pass.dramWaitCycles == 0)
    #expect(pass.cycles == 24)
    #expect(pass.effectualMACs == 2 && pass.denseMACs == 3)
    check(
      pass.energyPicojoules,
      [
        // Three products in four have a zero.
        .multiply: 0.5 * 53 + 1.5,
        .windowBuffer: 32 * 0.625 + 32 * 0.25,
        .network: 2 * 16 * 0.25,
        .control: 3 * 2 + 2 * 2 * 1,
        .activationMemory: 2 * (4 + 16 * 0.25) + 3 * 8,
        // One output gradient read and filled, two gradients of 32 bits written and read out.
        .outputMemory: 16 * (2 / 32.0 + 0.25) + 16 * 6 / 32.0 + 64 * ((6 + 2) / 32.0 + 0.25),
        .maskMemory: 3 * 16 / 64.0 + 3 * 32 / 64.0,
        .clock: 96 * 0.25 * (2 + 0.5 * 22),
        .leakage: 8 * 240,
        .dram: 131 * 10,
      ], "weight gradient")
  }

  @Test("Work of the vector and reorder units")
  func vector() throws {
    let vector = try step().vector
    #expect(
      vector.map(\.name) == ["vector forward", "vector backward", "loss", "optimiser", "reorder"])
    // Loss: 10 operations of 2 lanes, 32 bits. Optimiser: 352 bits. Reorder: a word, and 19 bits, beside
    // all else.
    #expect(vector.map(\.cycles) == [0, 0, 5, 44, 0])
    #expect(vector.map(\.dramBytes) == [0, 0, 4, 44, 2])
    check(
      vector[2].energyPicojoules,
      [
        .vector: 10 * (4 + 96 * 0.5), .outputMemory: 32 / 32.0 * (2 + 6), .dram: 320,
        .clock: 96 * 0.25 * 0.5 * 5, .leakage: 8 * 50,
      ], "loss")
    check(
      vector[3].energyPicojoules,
      [
        .vector: 12 * (4 + 96 * 0.5), .outputMemory: 352 / 32.0 * (2 + 6), .dram: 3520,
        .clock: 96 * 0.25 * 0.5 * 44, .leakage: 8 * 440,
      ], "optimiser")
    check(
      vector[4].energyPicojoules,
      [
        .reorder: 64, .maskMemory: 16, .outputMemory: 19 / 32.0 * (2 + 6), .dram: 190,
      ], "reorder")
  }

  @Test("Totals and TFLOPS/W")
  func totals() throws {
    let step = try step()
    let totals = step.totals
    #expect(totals.cycles == 27 + 24 + 5 + 44)
    #expect(abs(totals.seconds - 1e-6) < 1e-15)
    #expect(totals.effectualMACs == 4 && totals.denseMACs == 6)
    #expect(totals.utilization == 4.0 / 100)
    #expect(totals.linesRead == 4 && totals.linesSkipped == 2)
    #expect(totals.dramBytes == 12 + 16 + 4 + 44 + 2)
    let core = 2714.25 + 2388.25 + 988 + 4760 + 84.75
    let dram = 990.0 + 1310 + 320 + 3520 + 190
    #expect(abs(totals.energyPicojoules.core - core) < 1e-8)
    #expect(abs(totals.energyPicojoules[.dram] - dram) < 1e-8)
    // Two operations a product; operations a picojoule are TFLOPS a watt.
    let efficiency = totals.teraflopsPerWatt
    #expect(abs(efficiency.effectualCore - 8 / core) < 1e-12)
    #expect(abs(efficiency.effectualWithDRAM - 8 / (core + dram)) < 1e-12)
    #expect(abs(efficiency.denseEquivalentCore - 12 / core) < 1e-12)
    #expect(abs(efficiency.denseEquivalentWithDRAM - 12 / (core + dram)) < 1e-12)
    #expect(step.passes["forward"]?.cycles == 27)
    #expect(step.passes["weight-gradient"]?.cycles == 24)
    let forward = try #require(step.passes["forward"])
    #expect(abs(forward.teraflopsPerWatt.effectualCore - 4 / 2714.25) < 1e-12)
  }
}
