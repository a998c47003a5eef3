// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

struct RTLSynthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synth",
    abstract: "Synthesise the hardware's units and characterise them: area, delay, energy.",
    discussion: """
      Maps every unit of rtl/ to the cells of your Liberty files with Yosys and works out area, longest
      path and energy from simulated activity; for ASAP7 and SG13G2 also places it, with wires
      (docs/processor/synthesis.md). Needs Python with pyosys and coloquinte; run it at the root of the
      sources. Each --liberty is one library of one corner: its files, all of
      one folder (a cell library may come in several) or one by one. With --unit the other units in the \
      output file stay as they are; without it the file is replaced.

      Examples:
        swpu rtl synth --liberty asap7/ --liberty sg13g2_stdcell_typ_1p20V_25C.lib.gz
        swpu rtl synth --liberty mine.lib --unit mac-2 --output mine.json
      """)

  @Option(
    help: ArgumentHelp("A Liberty file, or a folder of those of one library.", valueName: "path"))
  var liberty: [String]

  @Option(
    help: ArgumentHelp("Only this unit; all without it. May be repeated.", valueName: "name"))
  var unit: [String] = []

  @Option(help: ArgumentHelp("Where the figures go.", valueName: "file"))
  var output = "synthesis.json"

  @Option(
    help: ArgumentHelp(
      "A Python 3.10 or later that has pyosys and coloquinte.", valueName: "program"))
  var python = ".build/rtl-tools/bin/python"

  func run() throws {
    let script = "rtl/syn/characterise.py"
    guard FileManager.default.fileExists(atPath: script) else {
      throw ValidationError("\(script) is not here; run this at the root of the sources")
    }
    guard FileManager.default.isExecutableFile(atPath: python),
      try status(["-c", "import pyosys, coloquinte"]) == 0
    else {
      throw ValidationError(
        """
        --python: '\(python)' cannot import pyosys and coloquinte, the synthesis and placement that this \
        needs. Install them beside the build:
          python3 -m venv .build/rtl-tools
          .build/rtl-tools/bin/pip install -r rtl/requirements.txt
        (`make synth LIBERTY=…` does that), or name another Python with --python
        """)
    }
    let units = unit.flatMap { ["--unit", $0] }
    let libraries = liberty.flatMap { ["--liberty", $0] }
    let status = try status([script, "--output", output] + libraries + units)
    if status != 0 { throw ExitCode(status) }
  }

  private func status(_ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = arguments
    process.standardOutput = FileHandle.standardError
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
