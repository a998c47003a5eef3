// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Processor
import RTL
import Training

struct RTLCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rtl",
    abstract: "Generate, verify and synthesise the processor's SystemVerilog.",
    discussion: """
      Examples:
        swpu rtl generate > swpu_pkg.sv    sizes of the preset
        swpu rtl verify --passes 300       random passes, every bit and cycle
        swpu rtl verify --unit top         the whole machine, memories included
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
    abstract: "Print the package swpu_pkg with the sizes of a processor.",
    usage: "swpu rtl generate [<options>]")

  @OptionGroup var machine: MachineOptions

  func run() throws { print(try machine.description().rtlPackage(), terminator: "") }
}

extension RTLVerification.Unit: ExpressibleByArgument {}

struct RTLVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Compare RTL and model on random passes; needs Verilator.",
    usage: "swpu rtl verify [<options>]",
    discussion: """
      Compares every result bit by bit and the cycles of every item; of a core the runs read from memory, of \
      the top the scheduling of items on cores. Building a bench takes minutes, and hours for a top of many \
      large cores: --set array.cores=2 simulates fewer. Built benches are kept in the folder rtl of the cache \
      (XDG_CACHE_HOME/swpu, else ~/.cache/swpu).
      """)

  @OptionGroup var machine: MachineOptions

  @Option(help: "Design under test: a core, or the top with all cores and memories.")
  var unit = RTLVerification.Unit.core

  @Option(help: ArgumentHelp("Passes to run, 1 or more.", valueName: "n"))
  var passes = 90

  @Option(help: "Random seed of the first pass.")
  var seed: UInt64 = 0

  @Option(help: ArgumentHelp("Folder of the RTL.", valueName: "dir"))
  var rtl = "rtl"

  @Flag(help: "Print JSON on standard output.")
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
