// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor

@Suite struct AreaTests {
  @Test("parts sum to the total exactly, also through JSON")
  func sums() throws {
    for hardware in HardwareDescription.presets {
      let area = AreaBreakdown(hardware)
      #expect(AreaUnit.allCases.reduce(0) { $0 + area[$1] } == area.total)
      #expect(AreaUnit.allCases.allSatisfy { area[$0] >= 0 })
      let data = try JSONEncoder().encode(area)
      #expect(try JSONDecoder().decode(AreaBreakdown.self, from: data) == area)
      let object = try JSONDecoder().decode([String: Double].self, from: data)
      #expect(object.count == AreaUnit.allCases.count + 1)
      #expect(object["total"] == area.total)
    }
  }

  @Test("area follows the sizes that make it")
  func sizes() {
    let area = AreaBreakdown(.swpu)
    var larger = HardwareDescription.swpu
    larger.array.cores *= 2
    #expect(AreaBreakdown(larger)[.multiply] == 2 * area[.multiply])
    #expect(AreaBreakdown(larger)[.windowBuffer] == 2 * area[.windowBuffer])
    larger = .swpu
    larger.memory.activationKibibytes *= 2
    #expect(AreaBreakdown(larger)[.activationMemory] > area[.activationMemory])
    #expect(AreaBreakdown(larger)[.weightMemory] == area[.weightMemory])
    // A second bank: an adder for each slot of the 64 rows, and 32 sums, settings and a mask.
    larger = .swpu
    larger.array.sumBanks = 1
    let table = EnergyTable.standard
    let bank =
      64 * (table.value(.areaAddFP32) + (1024 + 64 + 16) * table.value(.areaRegisterBit)) * 1e-6
      / table.value(.areaUtilisation)
    #expect(abs(area[.multiply] - AreaBreakdown(larger)[.multiply] - bank) < 1e-9)
    let benes = AreaBreakdown(.swpu, network: .benes)
    #expect(abs(benes[.network] / area[.network] - 112.0 / 49) < 1e-12)
    #expect(AreaBreakdown(.swpu, network: RoutingNetwork.none)[.network] == 0)
  }

  @Test("every unit of a machine, computed manually")
  func manually() {
    var hardware = HardwareDescription.swpu
    hardware.array.cores = 3
    hardware.array.rows = 5
    hardware.array.lanes = 4
    hardware.array.slots = 2
    hardware.array.window = 8
    hardware.array.windowsInFlight = 3
    hardware.array.adderStages = 2
    hardware.array.sumBanks = 1
    hardware.memory.portElements = 16
    hardware.memory.portsPerCore = 2
    hardware.memory.activationKibibytes = 3 * 2 * 8
    hardware.memory.weightKibibytes = 3 * 16
    hardware.memory.outputKibibytes = 3 * 32
    hardware.memory.maskKibibytes = 3 * 4
    hardware.memory.poolKibibytes = 3 * 64
    hardware.vectorUnit.lanes = 7
    hardware.stream.elementsPerCycle = 6
    let table = EnergyTable.standard
    // Square millimetres of placed cells, of which so many square micrometres are covered.
    func placed(_ squareMicrometres: Double) -> Double {
      squareMicrometres / table[.areaUtilisation].value / 1e6
    }
    func each(_ name: EnergyTable.Name) -> Double { table[name].value }
    // A bank of the table.
    func bank(_ kibibytes: Int, _ widthBits: Int) -> Double {
      table.sram.points.first { $0.bytes == kibibytes * 1024 && $0.widthBits == widthBits }!
        .squareMillimetres * each(.sramAreaCorrection)
    }
    // Registers: 64 + 64 bits of each of 120 multipliers; of 15 rows 2 · 8 sums of 32 bits and two
    // windows of 8 weights of 16 bits. A log shifter of 8 lanes has 7 + 6 + 4 multiplexers.
    let registers = Double(120 * 128 + 15 * (2 * 8 * 32 + 2 * 8 * 16))
    let expected: [AreaUnit: Double] = [
      .multiply: placed(
        120 * (each(.areaMultiplyBF16) + each(.areaAddFP32)) + registers * each(.areaRegisterBit)),
      .network: placed(15 * 64 * 17 * each(.areaMultiplexer)),
      .windowBuffer: placed(3 * 3 * 8 * 64 * each(.areaWindowBit)),
      .control: placed(3 * each(.areaController)), .reorder: placed(each(.areaReorder)),
      .vector: placed(7 * each(.areaVectorLane)), .stream: placed(24 * each(.areaVectorLane)),
      .activationMemory: 6 * bank(8, 256), .weightMemory: 3 * bank(16, 256),
      .outputMemory: 3 * bank(32, 128), .maskMemory: 3 * bank(4, 64), .pool: 3 * bank(64, 256),
    ]
    let area = AreaBreakdown(hardware)
    for unit in AreaUnit.allCases {
      let value = expected[unit] ?? 0
      #expect(value > 0 && abs(area[unit] / value - 1) < 1e-12, "\(unit): \(area[unit]), \(value)")
    }
    hardware.techniques.reorder = .natural
    #expect(AreaBreakdown(hardware)[.reorder] == 0)
  }

  @Test("a thousand multipliers at 28 nm take a few square millimetres")
  func plausible() {
    #expect((2...15).contains(AreaBreakdown(.swpu).total))
  }
}
