// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// What a unit cannot be is refused as it is elaborated, and not found out by wrong results.
@Suite(.needsVerilator) struct ElaborationRTLTests {
  @Test(
    "sizes that a unit cannot have are refused with a message",
    arguments: [
      ("swpu_compress_network", "Lanes=6", "Lanes is 6; powers of two from 2 on are allowed"),
      ("swpu_compress_stages", "Width=0", "Width is 0; 1 or more are allowed"),
      ("swpu_fp32_add", "AdderStages=4", "AdderStages is 4; 1 to 3 are allowed"),
      ("swpu_bf16_mac", "AdderStages=0", "AdderStages is 0; 1 to 3 are allowed"),
      ("swpu_hamming_unit", "Rows=1024", "Rows is 1024; 1 to LayerRows are allowed"),
      ("swpu_row_sequencer", "Row=8", "Row is 8; the core has fewer rows"),
      ("swpu_scheduler", "Cores=65", "Cores is 65; 1 to MostCores are allowed"),
      ("swpu_memory", "Words=1", "Words is 1; 2 or more are allowed"),
      ("swpu_word_reader", "Lanes=6", "Lanes is 6; powers of two from 2 on are allowed"),
      ("swpu_output_memory", "Words=2000000", "Words is 2000000; 2 to half"),
    ])
  func refused(module: String, parameter: String, message: String) throws {
    let lint = Process()
    lint.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    lint.arguments = [
      "verilator", "--lint-only", "--timing", "-G\(parameter)", "--top-module", module,
      "-F", Bench.hardware.appendingPathComponent("swpu.f").path,
    ]
    let pipe = Pipe()
    lint.standardError = pipe
    lint.standardOutput = FileHandle.nullDevice
    try lint.run()
    let printed = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    lint.waitUntilExit()
    #expect(lint.terminationStatus != 0)
    #expect(printed.contains(message), "\(printed)")
  }
}
