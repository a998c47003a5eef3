// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Testing

@testable import Processor

@Suite struct HardwareDescriptionTests {
  @Test("presets are valid and survive YAML")
  func roundTrip() throws {
    for preset in HardwareDescription.presets {
      try preset.validate(file: preset.name)
      #expect(try HardwareDescription(yaml: preset.yaml, file: "preset") == preset)
    }
    let names = HardwareDescription.presets.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test("errors name the key, the value and what is allowed")
  func errors() {
    let text = HardwareDescription.swpu.yaml
    func error(_ yaml: String) -> ConfigurationError? {
      do {
        _ = try HardwareDescription(yaml: yaml, file: "mine.yaml")
        return nil
      } catch {
        return error
      }
    }
    func changed(_ old: String, _ new: String) -> String {
      text.replacingOccurrences(of: old, with: new)
    }
    #expect(error(changed("rows: 8", "rows: 0"))?.key == "array.rows")
    #expect(error(changed("rows: 8", "rows: 0"))?.problem.contains("1 to 256") == true)
    #expect(error(changed("window: 16", "window: 24"))?.key == "array.window")
    #expect(error(changed("rows: 8", "rows: many"))?.key == "array.rows")
    #expect(error(changed("rows: 8", "lines: 8"))?.key == "array.lines")
    #expect(
      error(changed("operands: bf16", "operands: fp64"))?.problem.contains("fp8-e4m3") == true)
    var low = HardwareDescription.swpu
    low.supply.volts = 0.3
    #expect(error(low.yaml)?.key == "supply.volts")
    #expect(error("- 1\n- 2")?.key == "document")
    #expect(error("a: [")?.key == "document")
    #expect(error("")?.key == "document")
    #expect(error(changed("name: swpu\n", ""))?.key == "name")
  }

  @Test("one key can be set, and only to what is allowed")
  func setting() throws {
    let changed = try HardwareDescription.swpu.setting("array.rows", to: "32")
    #expect(changed.array.rows == 32)
    var expected = HardwareDescription.swpu
    expected.array.rows = 32
    #expect(changed == expected)
    #expect(try HardwareDescription.swpu.setting("name", to: "x").name == "x")
    for (key, value) in [
      ("array.rows", "-1"), ("array.rose", "1"), ("array", "1"), ("", "1"), ("a.b.c", "1"),
    ] {
      #expect(throws: ConfigurationError.self) {
        try HardwareDescription.swpu.setting(key, to: value)
      }
    }
  }

  @Test("a kind of DRAM brings its bandwidth, and another can be set after it")
  func dram() throws {
    let swpu = HardwareDescription.swpu
    for (kind, bandwidth) in [("lpddr4", 12.8), ("lpddr4x", 17), ("lpddr5", 25.6)] {
      let changed = try swpu.setting("memory.dram", to: kind)
      #expect(changed.memory.dramGigabytesPerSecond == bandwidth)
      #expect(changed.memory.dram.rawValue == kind)
    }
    let slower = try swpu.setting("memory.dram", to: "lpddr5")
      .setting("memory.dram-gigabytes-per-second", to: "20")
    #expect(slower.memory.dramGigabytesPerSecond == 20)
  }

  @Test("the clock is the nominal one at the nominal voltage, and falls with it")
  func clock() {
    var supply = HardwareDescription.swpu.supply
    #expect(abs(supply.hertz - 675e6) < 1)
    var last = supply.hertz
    while supply.volts > 0.5 {
      supply.volts -= 0.05
      #expect(supply.hertz < last)
      last = supply.hertz
    }
    supply.volts = 0.56
    #expect((100e6...220e6).contains(supply.hertz))
  }
}
