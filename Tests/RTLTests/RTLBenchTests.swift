// SPDX-License-Identifier: Apache-2.0
import Foundation
import RTL
import Testing

@Suite(.needsVerilator) struct RTLBenchTests {
  @Test("a bench is built once for its content, and again when a source or the package changes")
  func kept() throws {
    let files = FileManager.default
    let folder = files.temporaryDirectory.appendingPathComponent(
      "swpu-benches-\(UUID().uuidString)")
    defer { try? files.removeItem(at: folder) }
    for part in ["src", "test", "lint"] {
      try files.createDirectory(
        at: folder.appendingPathComponent(part), withIntermediateDirectories: true)
    }
    func write(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
    func package(_ number: Int) -> String {
      "package swpu_pkg; parameter int Number = \(number); endpackage\n"
    }
    func unit(_ number: Int) -> String {
      "module swpu_unit (output int value_o); assign value_o = \(number) + swpu_pkg::Number; "
        + "endmodule\n"
    }
    try write("src/swpu_pkg.sv\nsrc/swpu_unit.sv\n", "swpu.f")
    try write("`verilator_config\n", "lint/verilator.vlt")
    try write(package(1), "src/swpu_pkg.sv")
    try write(unit(10), "src/swpu_unit.sv")
    try write(
      """
      module tb_swpu_unit; int value; swpu_unit i_unit (.value_o(value));
      `include "offset.svh"
      initial begin #1 $display("checked %0d differing 0", value + Offset); $finish; end endmodule

      """, "test/tb_swpu_unit.sv")
    try write("localparam int Offset = 0;\n", "test/offset.svh")

    var built = 0
    func value(package: String? = nil) throws -> Int {
      let bench = try RTLBench(
        "tb_swpu_unit", hardware: folder, package: package,
        kept: folder.appendingPathComponent("kept"), willBuild: { built += 1 })
      defer { bench.remove() }
      return try bench.run(vectors: [:]).checked
    }
    #expect(try value() == 11)
    #expect(try value() == 11)
    #expect(built == 1)
    #expect(try value(package: package(2)) == 12)
    try write(unit(20), "src/swpu_unit.sv")
    #expect(try value() == 21)
    #expect(built == 3)
    try write(unit(10), "src/swpu_unit.sv")
    #expect(try value() == 11)
    #expect(built == 3)
    try write("localparam int Offset = 5;\n", "test/offset.svh")
    #expect(try value() == 16)
    #expect(built == 4)
    let kept = try files.contentsOfDirectory(atPath: folder.appendingPathComponent("kept").path)
    #expect(kept.count == 4 && kept.allSatisfy { $0.hasPrefix("tb_swpu_unit-") })
  }
}
