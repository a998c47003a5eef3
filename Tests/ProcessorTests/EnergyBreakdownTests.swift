// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@testable import Processor

@Suite struct EnergyBreakdownTests {
  /// The counts of a dense BF16 forward pass that keeps every multiplier of the default machine busy.
  private func busy(cycles: Int = 100_000) -> PassActivity {
    let array = HardwareDescription.swpu.array
    var activity = PassActivity()
    activity.executedMACs = cycles * array.multipliers
    activity.issuedMultiplierCycles = activity.executedMACs
    activity.effectualMACs = activity.executedMACs
    // Every row takes an entry a cycle, which all rows of a core share.
    activity.vectorsTaken = cycles * array.cores * array.rows
    activity.vectorsLoaded = cycles * array.cores
    // A line of 16 elements serves the three taps of a kernel row.
    activity.sourceAccesses = activity.vectorsLoaded / 3
    activity.weightsRead = activity.vectorsTaken
    // A tile of 64 channels and 9 taps.
    activity.resultsWritten = activity.executedMACs / 576
    activity.maskBits = activity.vectorsTaken
    return activity
  }

  private func swpu(volts: Double) -> HardwareDescription {
    var hardware = HardwareDescription.swpu
    hardware.supply.volts = volts
    return hardware
  }

  private func teraflopsPerWatt(volts: Double) -> Double {
    let activity = busy()
    let energy = EnergyModel(swpu(volts: volts)).energy(
      of: activity, cycles: 100_000, traffic: MemoryTraffic())
    return 2 * Double(activity.executedMACs) / energy.core
  }

  @Test("a dense pass is as efficient as 28 nm designs are, more so at low voltage")
  func dense() {
    let (low, high) = (teraflopsPerWatt(volts: 0.56), teraflopsPerWatt(volts: 1.0))
    #expect(low > high)
    // Published 28 nm designs of FP16 class are at 1.3 to 2.5 at their lowest voltage.
    #expect((1.3...2.5).contains(low), "\(low)")
  }

  private func random(_ seed: UInt64) -> (PassActivity, Int, MemoryTraffic) {
    var random = SeededRandom(seed: seed, stream: 5)
    var activity = PassActivity()
    for count in PassActivity.counts { activity[keyPath: count] = random.below(1_000_000) }
    activity.zeroShare = Double(random.uniform())
    var traffic = MemoryTraffic()
    traffic.sourceBits = random.below(1 << 20)
    traffic.weightBits = random.below(1 << 20)
    traffic.resultBits = random.below(1 << 20)
    return (activity, 1 + random.below(100_000), traffic)
  }

  @Test("parts sum to the total exactly; core and DRAM too; JSON is an object of them")
  func sums() throws {
    for seed in 0..<50 as Range<UInt64> {
      let (activity, cycles, traffic) = random(seed)
      let energy = EnergyModel(.swpu).energy(of: activity, cycles: cycles, traffic: traffic)
      #expect(EnergyUnit.allCases.reduce(0) { $0 + energy[$1] } == energy.total, "\(seed)")
      #expect(energy.core + energy[.dram] == energy.total, "\(seed)")
      #expect(EnergyUnit.allCases.allSatisfy { energy[$0] >= 0 }, "\(seed)")
      let data = try JSONEncoder().encode(energy)
      let object = try JSONDecoder().decode([String: Double].self, from: data)
      #expect(object["total"] == energy.total, "\(seed)")
      #expect(object["window-buffer"] == energy[.windowBuffer], "\(seed)")
      #expect(try JSONDecoder().decode(EnergyBreakdown.self, from: data) == energy, "\(seed)")
    }
  }

  @Test("breakdowns are added unit by unit")
  func addition() {
    var (a, b) = (EnergyBreakdown(), EnergyBreakdown())
    for (index, unit) in EnergyUnit.allCases.enumerated() {
      a[unit] = Double(1 << index)
      b[unit] = Double(3 * index)
    }
    let sum = a + b
    for (index, unit) in EnergyUnit.allCases.enumerated() {
      #expect(sum[unit] == Double(1 << index) + Double(3 * index), "\(unit)")
    }
  }

  @Test("energy falls with voltage, in every unit but the DRAM and leakage, which takes longer")
  func voltage() {
    for seed in 0..<20 as Range<UInt64> {
      let (activity, cycles, traffic) = random(seed)
      let energies = [1.0, 0.9, 0.75, 0.56].map {
        EnergyModel(swpu(volts: $0)).energy(of: activity, cycles: cycles, traffic: traffic)
      }
      for (high, low) in zip(energies, energies.dropFirst()) {
        for unit in EnergyUnit.allCases where unit != .leakage && high[unit] > 0 {
          if unit == .dram {
            #expect(high[unit] == low[unit], "\(seed)")
          } else {
            #expect(high[unit] > low[unit], "\(unit) \(seed)")
          }
        }
      }
    }
  }

  @Test("the memories do not follow the logic below their minimum")
  func memoryRail() {
    let (activity, cycles, traffic) = random(3)
    var low = swpu(volts: 0.56)
    low.supply.memoryMinimumVolts = 0.56
    let free = EnergyModel(low).energy(of: activity, cycles: cycles, traffic: traffic)
    let held = EnergyModel(swpu(volts: 0.56)).energy(
      of: activity, cycles: cycles, traffic: traffic)
    #expect(free[.maskMemory] < held[.maskMemory])
    #expect(free[.multiply] == held[.multiply])
    let ratio = held[.maskMemory] / free[.maskMemory]
    #expect(abs(ratio - dynamicScale(from: 0.56, to: 0.7)) < 1e-12)
  }

  @Test("the energy of counts depends on their constants alone")
  func accounts() {
    let table = EnergyTable.standard
    let array = HardwareDescription.swpu.array
    let model = EnergyModel(.swpu)
    func energy(_ change: (inout PassActivity) -> Void) -> EnergyBreakdown {
      var activity = PassActivity()
      change(&activity)
      return model.energy(of: activity, cycles: 0, traffic: MemoryTraffic())
    }
    // At 1.0 V the products are as in the table.
    let products = energy {
      $0.executedMACs = 10; $0.issuedMultiplierCycles = 10
    }
    let writes = table.picojoules(.registerBitWrite, volts: 1)
    let product =
      table[.multiplyBF16].value + table[.addFP32].value
      + Double(array.clockedBitsPerMultiplier) * writes
    #expect(abs(products[.multiply] - 10 * product) < 1e-9)
    let zeros = energy {
      $0.executedMACs = 10
      $0.issuedMultiplierCycles = 10
      $0.zeroShare = 1
    }
    #expect(abs(zeros[.multiply] - 10 * table[.multiplyGated].value) < 1e-9)
    let vectorBits = Double(array.lanes * array.operands.bits)
    let moves = energy { $0.networkMoves = 7 }
    #expect(
      abs(moves[.network] - 7 * vectorBits * table.picojoules(.networkMovedBit, volts: 1)) < 1e-9)
    // A vector in the buffer is at the input of every stage of every row.
    let still = energy { $0.vectorsLoaded = 1 }
    let isolated =
      vectorBits * Double(array.rows * array.window.trailingZeroBitCount)
      * table.picojoules(.networkIsolatedBit, volts: 1)
    #expect(abs(still[.network] - isolated) < 1e-9)
    var traffic = MemoryTraffic()
    traffic.sourceBits = 100
    let moved = model.energy(of: PassActivity(), cycles: 0, traffic: traffic)
    #expect(moved[.dram] == 1400)
    #expect(moved[.activationMemory] > 0)
    let nothing = energy { _ in }
    #expect(nothing.total == 0)
    let idle = model.energy(of: PassActivity(), cycles: 1000, traffic: MemoryTraffic())
    #expect(idle[.clock] > 0 && idle[.leakage] > 0)
    #expect(abs(idle[.leakage] - model.leakageMilliwatts * 1000 / 675e6 * 1e9) < 1e-6)
    #expect(idle.total == idle[.clock] + idle[.leakage])
  }

  @Test("a Benes network and a crossbar consume more than the shifter for the same vectors")
  func networks() {
    var activity = busy(cycles: 1000)
    // A vector crosses half of the stages' switches on the average.
    activity.networkMoves = activity.vectorsTaken * 5 / 2
    func network(_ network: RoutingNetwork) -> Double {
      EnergyModel(.swpu, network: network).energy(
        of: activity, cycles: 1000, traffic: MemoryTraffic())[.network]
    }
    #expect(network(.none) == 0)
    #expect(network(.logShifter) < network(.benes))
    #expect(network(.benes) < network(.crossbar))
  }

  @Test("leakage is a credible fraction of a busy machine's power")
  func leakage() {
    for (volts, range) in [(1.0, 0.02...0.15), (0.56, 0.04...0.4)] {
      let energy = EnergyModel(swpu(volts: volts)).energy(
        of: busy(), cycles: 100_000, traffic: MemoryTraffic())
      let share = energy[.leakage] / energy.core
      #expect(range.contains(share), "\(share) at \(volts) V")
    }
  }
}
