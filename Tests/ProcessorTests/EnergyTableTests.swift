// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Processor

@Suite struct EnergyTableTests {
  private func failure(_ yaml: String) -> String {
    do {
      _ = try EnergyTable(yaml: yaml, file: "my.yaml")
      return "accepted"
    } catch {
      return "\(error)"
    }
  }

  private func entry(
    value: String = "9", unit: String = "pJ", kind: String = "assumed", source: String = "me",
    rest: String = ""
  ) -> String {
    "constants:\n  dram-bit: {value: \(value), unit: \(unit), kind: \(kind), "
      + "source: \"\(source)\"\(rest)}\n"
  }

  @Test("every constant has a unit, a kind and a source, and energies have a voltage")
  func standard() throws {
    try EnergyTable.standard.validate(file: "standard")
    for name in EnergyTable.Name.allCases {
      let constant = EnergyTable.standard[name]
      #expect(constant.source.count >= 10, "\(name.rawValue)")
      let isDynamic = constant.unit == .picojoules || constant.unit == .picojoulesPerMillimetre
      if isDynamic && !name.rawValue.hasPrefix("dram-bit") {
        #expect(constant.volts != nil, "\(name.rawValue)")
      }
    }
    #expect(EnergyTable.standard.sram.kind == .cacti)
  }

  @Test("a file replaces single entries and leaves the others")
  func single() throws {
    let table = try EnergyTable(yaml: entry(), file: "my.yaml")
    #expect(table[.dramBit].value == 9)
    #expect(table[.dramBit].kind == .assumed)
    var standard = EnergyTable.standard
    standard[.dramBit] = table[.dramBit]
    #expect(table == standard)
    #expect(try EnergyTable(yaml: "constants: {}\n", file: "my.yaml") == .standard)
  }

  @Test("the whole table survives its own YAML")
  func roundTrip() throws {
    var table = EnergyTable.standard
    table[.addFP32].value = 0.123
    table.sram.points[3].readPicojoules = 7.5
    #expect(try EnergyTable(yaml: table.yaml, file: "my.yaml") == table)
  }

  @Test("mistakes are named by file, key, value and what is allowed")
  func mistakes() {
    #expect(failure(entry(unit: "mW/mm2")).hasPrefix("my.yaml: constants.dram-bit.unit: mW/mm2"))
    let unit = failure(entry(unit: "furlong"))
    #expect(unit.hasPrefix("my.yaml: constants.dram-bit.unit") && unit.contains("pJ/mm"), "\(unit)")
    let kind = failure(entry(kind: "guessed"))
    #expect(kind.contains("constants.dram-bit.kind") && kind.contains("synthesised"), "\(kind)")
    #expect(failure(entry(value: "-1")).contains("constants.dram-bit.value: -1"))
    #expect(failure(entry(value: ".nan")).contains("constants.dram-bit.value: nan"))
    #expect(failure(entry(source: "")).contains("constants.dram-bit.source: is empty"))
    #expect(failure(entry(rest: ", volts: 1")).contains("constants.dram-bit.volts: must not"))
    #expect(failure(entry(rest: ", year: 1")).contains("constants.dram-bit.year: is not a key"))
    #expect(failure("constants:\n  dram-bit: {value: 1}\n").contains("dram-bit.unit: is missing"))
    #expect(failure("constants:\n  drum-bit: {value: 1}\n").contains("drum-bit: is not a key"))
    #expect(failure("constant: {}\n").contains("constant: is not a key"))
    #expect(failure("constants: 3\n").contains("constants: must hold"))
    let noVolts = "constants:\n  add-fp32: {value: 1, unit: pJ, kind: assumed, source: me}\n"
    #expect(failure(noVolts).contains("constants.add-fp32.volts: is missing"))
    #expect(failure(": :\n -").hasPrefix("my.yaml: document"))
  }

  @Test("a grid of memories with a hole is refused")
  func hole() {
    var table = EnergyTable.standard
    table.sram.points.removeLast()
    #expect(failure(table.yaml).contains("sram.points: not a grid"))
    table.sram.points = []
    #expect(failure(table.yaml).contains("sram.points: no points"))
  }
}
