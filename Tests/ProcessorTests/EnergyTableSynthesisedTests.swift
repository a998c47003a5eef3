// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor

@Suite struct EnergyTableSynthesisedTests {
  private struct File: Decodable {
    let kind, date, commit, command, operands: String
    let tools: [String: String]
    let libraries: [Library]
    let units: [Unit]
    let reading: Reading

    struct Library: Decodable {
      let name: String
      let volts: Double
    }

    struct Unit: Decodable {
      let unit, library: String
      let mappings: [String: Mapping]
      let energies: [String: Energies]
    }

    struct Mapping: Decodable {
      let flipFlops: Int
      let squareMicrometres, flipFlopSquareMicrometres: Double
      let criticalPathPicoseconds, maximumMegahertz: Double
      let placed: Placed?
    }

    struct Placed: Decodable {
      let squareMicrometres, criticalPathPicoseconds, wireFemtofarads: Double
      let criticalPathBeforeResizingPicoseconds: Double
    }

    /// Without wires, and with them where a unit was placed.
    struct Energies: Decodable {
      let bare: Activities
      let placed: Activities?
    }

    struct Activities: Decodable {
      let zeroDelay, gateDelay: Parts
    }

    struct Parts: Decodable {
      let gates, registers, clock, total: Double
    }

    struct Reading: Decodable {
      let volts, energyFactorFrom130, areaFactorFrom130: Double
      let constants: [String: Constant]
    }

    struct Constant: Decodable {
      let unit: String
      let value, withoutWires: Double
      let withGlitches: Double?
    }
  }

  private func file() throws -> File {
    let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("docs/results/processor/synthesis.json")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
  }

  @Test("the table holds the file's reading, constant by constant, and the published rest")
  func readings() throws {
    let reading = try file().reading
    let (table, published) = (EnergyTable.synthesised, EnergyTable.standard)
    try table.validate(file: "synthesised")
    for name in EnergyTable.Name.allCases {
      guard let constant = reading.constants[name.rawValue] else {
        #expect(table[name] == published[name], "\(name.rawValue)")
        continue
      }
      #expect(table[name].kind == .synthesised, "\(name.rawValue)")
      #expect(table[name].value == constant.value, "\(name.rawValue)")
      #expect(table[name].unit.rawValue == constant.unit, "\(name.rawValue)")
      #expect(constant.withGlitches ?? constant.value >= constant.value, "\(name.rawValue)")
      #expect(constant.withoutWires <= constant.value, "\(name.rawValue)")
      if constant.unit == "pJ" { #expect(table[name].volts == reading.volts, "\(name.rawValue)") }
    }
    #expect(reading.constants.count == 14)
    #expect(table.sram == published.sram)
  }

  @Test("areas, paths and energies of the units add up")
  func units() throws {
    let file = try file()
    #expect(file.kind == "synthesised" && !file.commit.isEmpty && !file.operands.isEmpty)
    #expect(file.tools["pyosys"] != nil)
    for unit in file.units {
      let name = "\(unit.unit) in \(unit.library)"
      #expect(file.libraries.contains { $0.name == unit.library }, "\(name)")
      for mapping in unit.mappings.values {
        #expect(mapping.squareMicrometres > mapping.flipFlopSquareMicrometres, "\(name)")
        #expect((mapping.flipFlops > 0) == (mapping.flipFlopSquareMicrometres > 0), "\(name)")
        #expect(
          abs(mapping.maximumMegahertz * mapping.criticalPathPicoseconds / 1e6 - 1) < 1e-3,
          "\(name)")
      }
      for placed in unit.mappings.values.compactMap(\.placed) {
        #expect(placed.wireFemtofarads > 0, "\(name)")
        // Where no size helps, a cell that may not drive its load still gets another.
        #expect(
          placed.criticalPathPicoseconds <= placed.criticalPathBeforeResizingPicoseconds * 1.01,
          "\(name)")
      }
      for energies in unit.energies.values {
        for activities in [energies.bare, energies.placed].compactMap({ $0 }) {
          for parts in [activities.zeroDelay, activities.gateDelay] {
            #expect(
              abs(parts.gates + parts.registers + parts.clock - parts.total) < 0.01, "\(name)")
            #expect(parts.gates > 0, "\(name)")
          }
          #expect(
            activities.gateDelay.total >= activities.zeroDelay.total * 0.999, "\(name)")
        }
        if let placed = energies.placed {
          #expect(placed.zeroDelay.total > energies.bare.zeroDelay.total, "\(name)")
        }
      }
    }
  }

  @Test("the energies of multiply and add are those of the units, carried by the file's factor")
  func arithmetic() throws {
    let file = try file()
    let foundry = try #require(file.libraries.first { $0.name.hasPrefix("sg13g2") })
    let unit = try #require(
      file.units.first { $0.unit == "mac-2" && $0.library == foundry.name })
    // Gaussian operands have no zeros, so that gating does not come in; they move more bits than
    // those of a training do.
    let operands = try #require(unit.energies["gaussian"])
    let gaussian = try #require(operands.placed).zeroDelay.gates / 1000
    let table = EnergyTable.synthesised
    let read = table[.multiplyBF16].value + table[.addFP32].value
    let ratio = read / (gaussian * file.reading.energyFactorFrom130)
    #expect((0.8...1.05).contains(ratio), "\(ratio)")
    // The fit at both ends: b2·V² + b1·V + b0.
    let from = 7.171 * 1.44 - 6.709 * 1.2 + 2.904
    let at32 = 0.8367 - 0.4341 + 0.1701
    let at20 = 0.373 - 0.1582 + 0.04104
    let factor = (at32 * 2 + at20) / 3 / from
    #expect(abs(file.reading.energyFactorFrom130 / factor - 1) < 1e-3)
  }
}
