// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor

/// Each count alone, on the default machine at 1.0 V: its energy by unit. The
/// memories' energies are those of CACTI's table for the banks that the machine has.
@Suite("Energy of every count alone")
struct EnergyChargesTests {
  /// The default machine without a pool, whose lanes are not held.
  private static let hardware: HardwareDescription = {
    var hardware = HardwareDescription.swpu
    hardware.techniques.holdZeroLanes = false
    hardware.memory.poolKibibytes = 0
    return hardware
  }()

  private let model = EnergyModel(Self.hardware)
  private let table = EnergyTable.standard
  private static let count = 1_000_000

  /// Picojoules of an event at 1.0 V.
  private func each(_ name: EnergyTable.Name) -> Double {
    let constant = table[name]
    let ratio = 1 / (constant.volts ?? 1)
    return constant.value * ratio * ratio
  }

  /// Picojoules of a bit across a core, which is square.
  private var crossing: Double {
    each(.wireBitMillimetre) * (model.area.total / 8).squareRoot()
  }

  /// Picojoules of reading and writing a word: 8 KiB banks of 256 bits for activations, 16 KiB of 256
  /// for weights, 32 KiB of 512 for outputs, 4 KiB of 64 for masks; the table holds at 0.6 V.
  private func memory(_ picojoules: Double) -> Double {
    picojoules * table[.sramEnergyCorrection].value / (0.6 * 0.6)
  }

  private func check(
    _ found: EnergyBreakdown, _ expected: [EnergyUnit: Double], _ what: String
  ) {
    for unit in EnergyUnit.allCases {
      let value = (expected[unit] ?? 0) * Double(Self.count)
      #expect(abs(found[unit] - value) <= 1e-9 * value, "\(what): \(unit)")
    }
  }

  private func energy(_ change: (inout PassActivity) -> Void) -> EnergyBreakdown {
    var activity = PassActivity()
    change(&activity)
    return model.energy(of: activity, cycles: 0, traffic: MemoryTraffic())
  }

  @Test("Events of the array")
  func activity() {
    let wire = crossing / 2
    // 256 bits a vector; 4 stages before 8 rows; registers of 16 · 4 + (2 - 1) · 64 + 32 bits.
    let product = each(.multiplyBF16) + each(.addFP32) + 160 * each(.registerBitWrite)
    let expected: [(WritableKeyPath<PassActivity, Int>, [EnergyUnit: Double])] = [
      (\.effectualMACs, [:]),
      (\.denseMACs, [:]),
      (\.windows, [:]),
      (\.executedMACs, [.multiply: product]),
      (
        \.issuedMultiplierCycles,
        [.multiply: each(.multiplyGated), .clock: 160 * each(.registerBitClock)]
      ),
      (
        \.vectorsLoaded,
        [
          .windowBuffer: 256 * (each(.windowBitWrite) + crossing),
          .network: 256 * 8 * 4 * each(.networkIsolatedBit), .control: 8 * 5 * each(.routeBit),
        ]
      ),
      (\.vectorsTaken, [.windowBuffer: 256 * each(.windowBitRead)]),
      (\.networkMoves, [.network: 256 * each(.networkMovedBit)]),
      (\.sourceAccesses, [.activationMemory: memory(2.799) + 256 * wire]),
      (\.gradientAccesses, [.outputMemory: 256 * (memory(10.16) / 512 + wire)]),
      (
        \.weightsRead,
        [.weightMemory: 16 * (memory(5.333) / 256 + wire + each(.registerBitWrite))]
      ),
      (\.resultsWritten, [.outputMemory: 32 * (memory(34.9 + 10.16) / 512 + wire)]),
      (\.extraAdditions, [.multiply: each(.addFP32) + 32 * each(.registerBitWrite)]),
      (\.maskBits, [.control: each(.maskScanBit), .maskMemory: memory(1.003) / 64]),
      (\.linesRead, [:]),
      (\.linesSkipped, [:]),
    ]
    #expect(expected.count == PassActivity.counts.count, "a charge for every count")
    for (count, charges) in expected {
      check(energy { $0[keyPath: count] = Self.count }, charges, "\(count)")
    }
  }

  @Test("Stages that move a vector do not count as isolated")
  func moves() {
    let found = energy {
      $0.vectorsLoaded = Self.count
      $0.networkMoves = 3 * Self.count
    }
    // 8 rows of 4 stages see a loaded vector; three of them move it.
    let expected = 256 * (3 * each(.networkMovedBit) + (32 - 3) * each(.networkIsolatedBit))
    #expect(abs(found[.network] / (expected * Double(Self.count)) - 1) < 1e-9)
  }

  @Test("Products with a zero operand gate their multiplier, where the machine does")
  func zeros() {
    func energy(_ model: EnergyModel) -> EnergyBreakdown {
      var activity = PassActivity()
      activity.executedMACs = Self.count
      activity.issuedMultiplierCycles = 2 * Self.count
      activity.zeroShare = 0.25
      return model.energy(of: activity, cycles: 0, traffic: MemoryTraffic())
    }
    let product = each(.multiplyBF16) + each(.addFP32) + 160 * each(.registerBitWrite)
    let clock = 2 * 160 * each(.registerBitClock)
    check(
      energy(model),
      [.multiply: 0.75 * product + (0.25 + 1) * each(.multiplyGated), .clock: clock], "gated")
    var hardware = Self.hardware
    hardware.techniques.gateZeroOperands = false
    check(
      energy(EnergyModel(hardware)),
      [.multiply: product + each(.multiplyGated), .clock: clock], "not gated")
  }

  @Test(
    "A lane with a zero holds its vectors, its switches and its clock; a masked result is not made")
  func held() {
    var hardware = Self.hardware
    hardware.techniques.holdZeroLanes = true
    let model = EnergyModel(hardware)
    var activity = PassActivity()
    activity.executedMACs = Self.count
    activity.issuedMultiplierCycles = 2 * Self.count
    activity.zeroShare = 0.25
    activity.sourceZeroShare = 0.25
    let product = each(.multiplyBF16) + each(.addFP32) + 160 * each(.registerBitWrite)
    func energy() -> EnergyBreakdown {
      model.energy(of: activity, cycles: 0, traffic: MemoryTraffic())
    }
    check(
      energy(),
      [
        .multiply: 0.75 * product + (0.25 + 1) * each(.multiplyGated),
        .clock: 0.75 * 160 * each(.registerBitClock),
      ], "held")
    activity.maskedShare = 0.5
    check(
      energy(),
      [
        .multiply: 0.375 * product + (0.625 + 1) * each(.multiplyGated),
        .clock: 0.375 * 160 * each(.registerBitClock),
      ], "masked")
    activity = PassActivity()
    activity.vectorsTaken = Self.count
    activity.sourceZeroShare = 0.25
    // Three quarters of the values, and one valid bit for 16.
    check(energy(), [.windowBuffer: 256 * (0.75 + 1 / 16.0) * each(.windowBitRead)], "vectors")
    activity = PassActivity()
    activity.resultsWritten = Self.count
    activity.maskedShare = 0.5
    check(
      energy(),
      [.outputMemory: 0.5 * 32 * (memory(34.9 + 10.16) / 512 + crossing / 2)], "results")
  }

  @Test("A product costs what its format does")
  func formats() {
    let registers: [HardwareDescription.OperandFormat: Double] = [
      .bf16: 160, .fp16: 160, .fp8e4m3: 128, .fp8e5m2: 128,
    ]
    let names: [HardwareDescription.OperandFormat: EnergyTable.Name] = [
      .bf16: .multiplyBF16, .fp16: .multiplyFP16, .fp8e4m3: .multiplyFP8E4M3,
      .fp8e5m2: .multiplyFP8E5M2,
    ]
    for format in HardwareDescription.OperandFormat.allCases {
      var hardware = Self.hardware
      hardware.array.operands = format
      var activity = PassActivity()
      activity.executedMACs = Self.count
      let found = EnergyModel(hardware).energy(of: activity, cycles: 0, traffic: MemoryTraffic())
      let product =
        each(names[format]!) + each(.addFP32) + registers[format]! * each(.registerBitWrite)
      check(found, [.multiply: product], format.rawValue)
    }
  }

  @Test("Bits from and to the DRAM")
  func traffic() {
    let dram = each(.dramBit)
    let expected: [(WritableKeyPath<MemoryTraffic, Int>, [EnergyUnit: Double])] = [
      (\.sourceBits, [.activationMemory: memory(8.975) / 256, .dram: dram]),
      (\.gradientBits, [.outputMemory: memory(34.9) / 512, .dram: dram]),
      (\.weightBits, [.weightMemory: memory(10.18) / 256, .dram: dram]),
      (\.maskBits, [.maskMemory: memory(2.215) / 64, .dram: dram]),
      (\.resultBits, [.dram: dram]),
    ]
    for (bits, charges) in expected {
      var traffic = MemoryTraffic()
      traffic[keyPath: bits] = Self.count
      check(model.energy(of: PassActivity(), cycles: 0, traffic: traffic), charges, "\(bits)")
      #expect(traffic.total == Self.count)
    }
  }

  @Test("Work of the vector and reorder units")
  func vector() {
    let expected: [(WritableKeyPath<VectorRun, Int>, [EnergyUnit: Double])] = [
      (\.operations, [.vector: each(.vectorOperation) + 96 * each(.registerBitWrite)]),
      // One line of 32, whose needs of 8 rows take two bits each.
      (\.reorderLines, [.reorder: 32 * 8 * 2 * each(.reorderBit)]),
      (\.reorderWords, [.reorder: 64 * each(.reorderBit), .maskMemory: memory(1.003)]),
      (\.dramBits, [.outputMemory: memory(10.16 + 34.9) / 512, .dram: each(.dramBit)]),
    ]
    for (count, charges) in expected {
      var run = VectorRun()
      run[keyPath: count] = Self.count
      check(model.energy(of: run), charges, "\(count)")
    }
  }

  @Test("All cycles count for the clock and for leakage")
  func time() {
    let charges: [EnergyUnit: Double] = [
      // 160 bits of each multiplier; of each row's second bank 32 sums, the settings of 4 stages of 16
      // lanes, and a mask of 16.
      .clock: (1024 * 160 + 64 * (32 * 32 + 64 + 16)) * each(.registerBitClock)
        * table[.clockIdleShare].value,
      .leakage: model.leakageMilliwatts / 675e6 * 1e9,
    ]
    check(
      model.energy(of: PassActivity(), cycles: Self.count, traffic: MemoryTraffic()), charges,
      "pass")
    for count in [\VectorRun.computeBound, \.dramWait] {
      var run = VectorRun()
      run[keyPath: count] = Self.count
      check(model.energy(of: run), charges, "vector")
    }
  }

  @Test("Leakage is that of the logic's area and of every bank")
  func leakage() {
    // Banks: 32 of 8 KiB, 8 each of 16, 32 and 4 KiB. `P ∝ V · exp(D · V)`, from 0.6 V to 1.0 V.
    let banks = 32 * 0.06329 + 8 * (0.08526 + 0.1667 + 0.04073)
    let exponent = table[.leakageExponent].value
    func scale(_ held: Double) -> Double { leakageScale(from: held, to: 1, exponent: exponent) }
    let logic = table[.leakageLogic]
    let expected =
      banks * table[.sramLeakageCorrection].value * scale(0.6)
      + model.area.logic * logic.value * scale(logic.volts ?? 1)
    #expect(abs(model.leakageMilliwatts - expected) < 1e-9 * expected)
  }

  @Test(
    "Vectors through other networks toggle all multiplexers on their way",
    arguments: [
      (RoutingNetwork.benes, 7.0, true), (.crossbar, 15, true),
      (.multiplexer(inputs: 8), 7, true), (.none, 0, false),
    ])
  func networks(network: RoutingNetwork, toggles: Double, routes: Bool) {
    let model = EnergyModel(Self.hardware, network: network)
    var activity = PassActivity()
    activity.vectorsTaken = Self.count
    // Counted moves are the shifter's alone.
    activity.networkMoves = Self.count
    check(
      model.energy(of: activity, cycles: 0, traffic: MemoryTraffic()),
      [
        .network: 256 * toggles * each(.networkMovedBit),
        .windowBuffer: 256 * each(.windowBitRead),
      ], "\(network)")
    activity = PassActivity()
    activity.vectorsLoaded = Self.count
    let crossing = each(.wireBitMillimetre) * (model.area.total / 8).squareRoot()
    check(
      model.energy(of: activity, cycles: 0, traffic: MemoryTraffic()),
      [
        .windowBuffer: 256 * (each(.windowBitWrite) + crossing),
        .control: routes ? 8 * 5 * each(.routeBit) : 0,
      ], "\(network)")
  }
}
