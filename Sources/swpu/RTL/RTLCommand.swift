// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Processor
import RTL
import Training

struct RTLCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rtl",
    abstract: "Write and verify the processor's hardware in SystemVerilog.",
    discussion: """
      Examples:
        swpu rtl generate > swpu_pkg.sv        sizes of the preset, as rtl/src has them
        swpu rtl verify --passes 300           random passes: every bit and every cycle
        swpu rtl verify --unit top             the whole machine, from loaded memories
        swpu rtl verify --hardware mine.yaml
      """,
    subcommands: [
      RTLGenerateCommand.self, RTLVerifyCommand.self, RTLSynthCommand.self,
      RTLOperandsCommand.self,
    ])
}

struct RTLGenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Print the package swpu_pkg, the sizes of a processor, as in rtl/src/hardware.")

  @OptionGroup var machine: MachineOptions

  func run() throws { print(try machine.description().rtlPackage(), terminator: "") }
}

extension RTLVerification.Unit: ExpressibleByArgument {}

struct RTLVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Run random layer passes through the RTL and the model; needs Verilator.",
    discussion: """
      Compares every result bit by bit and the cycles of every item; of a core the runs read from
      memory, of the top which core takes which item. Building a bench takes minutes, of a top of many
      large cores very long: --set array.cores=2 simulates fewer. Built benches are kept for the next
      call in the folder rtl of the cache (XDG_CACHE_HOME/swpu, else ~/.cache/swpu).
      """)

  @OptionGroup var machine: MachineOptions

  @Option(help: "What is simulated: a core, or the top with all cores and memories.")
  var unit = RTLVerification.Unit.core

  @Option(help: ArgumentHelp("Passes to run.", valueName: "count"))
  var passes = 90

  @Option(help: "Seed of the first pass.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Folder of the RTL.", valueName: "folder"))
  var rtl = "rtl"

  @Flag(help: "Print one JSON document on standard output.")
  var json = false

  func validate() throws {
    if passes < 1 { throw ValidationError("--passes is \(passes); 1 or more are allowed") }
  }

  func run() throws {
    if !RTLBench.isAvailable { throw ValidationError("verilator is not on the PATH") }
    let verified = try RTLVerification(
      machine.description(), rtl: URL(fileURLWithPath: rtl), unit: unit,
      seeds: seed..<seed + UInt64(passes),
      kept: URL(fileURLWithPath: DatasetSource.cacheFolder).appendingPathComponent("rtl"),
      willBuild: { bench in
        FileHandle.standardError.write(
          Data("Compiling \(bench) with Verilator, once for this machine and RTL…\n".utf8))
      })
    if json { return try printJSON(verified) }
    print(
      "\(verified.passes) passes, \(verified.items) items: \(verified.results) results equal in "
        + "every bit, \(verified.cycles) cycles equal")
    guard let top = verified.top else { return }
    print(
      "\(top.work) cycles of the longest cores equal; \(top.run - top.work) more while they wait, "
        + "\(top.plan) of the planner, \(top.reorder) of the reorder unit")
  }
}
