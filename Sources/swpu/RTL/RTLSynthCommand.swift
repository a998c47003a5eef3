// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation

struct RTLSynthCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synth",
    abstract: "Characterise the synthesised units: area, delay, energy.",
    usage: "swpu rtl synth [<options>] --liberty <path> ...",
    discussion: """
      Maps every unit of rtl/ to the cells of your Liberty files with Yosys; computes area, longest path, and \
      energy from simulated activity; for ASAP7 and SG13G2 also places it, with wires \
      (docs/processor/synthesis.md). Needs Python with pyosys and coloquinte; run it at the root of the \
      sources. Each --liberty is one library at one corner: a folder of its files, or one file. With --unit \
      the other units in the output file are kept; without it the file is replaced.

      Examples:
        swpu rtl synth --liberty asap7/ --liberty sg13g2_typ_1p20V_25C.lib.gz
        swpu rtl synth --liberty mine.lib --unit mac-2 --output mine.json
      """)

  @Option(
    help: ArgumentHelp(
      "Liberty file, or a folder of those of one library. Repeatable.", valueName: "path"))
  var liberty: [String]

  @Option(
    help: ArgumentHelp("Only this unit (default: all). Repeatable.", valueName: "name"))
  var unit: [String] = []

  @Option(help: ArgumentHelp("File of the results.", valueName: "file"))
  var output = "synthesis.json"

  @Option(
    help: ArgumentHelp(
      "Python 3.10 or later with pyosys and coloquinte.", valueName: "program"))
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
