// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Masks
import Processor
import Report
import Studies

struct ExploreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explore",
    abstract: "Sweep hardware parameters; keep the Pareto set of time, energy and area.",
    discussion: """
      Every combination of the values given is simulated; the results are a CSV file, one line a \
      combination, and a chart beside it. Energy includes the DRAM, of the kind of \
      memory.dram. Each line ends with the command that makes it again. Called \
      again with the same output, the sweep goes on where it stopped.

      Examples:
        swpu explore runs/first --sweep array.rows=8,16,32 --sweep array.window=16,32,64
        swpu explore --model resnet18 --sweep array.cores=4,8,16 --sweep array.rows=32,16,8 \\
                     --output sweep.csv
      """)

  @OptionGroup(title: "What to simulate") var options: WorkloadOptions
  @OptionGroup(title: "On what") var machine: MachineOptions

  @Option(help: ArgumentHelp("A key and its values. May be repeated.", valueName: "key=a,b,…"))
  var sweep: [String]

  @Option(help: ArgumentHelp("Results; the chart stands beside them.", valueName: "file.csv"))
  var output = "explore.csv"

  @Option(help: "Combinations simulated at a time.")
  var threads = ProcessInfo.processInfo.activeProcessorCount

  func validate() throws {
    if sweep.isEmpty { throw ValidationError("--sweep: at least one key=a,b,…") }
    guard (1...1024).contains(threads) else {
      throw ValidationError("--threads: \(threads) is not allowed; 1 to 1024")
    }
  }

  func run() throws {
    Interrupt.watch()
    let axes = try sweep.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { throw ValidationError("--sweep: '\(text)' is not key=a,b,…") }
      return Exploration.Axis(
        key: parts[0], values: parts[1].split(separator: ",").map(String.init))
    }
    let workload = try options.workload()
    let exploration = Exploration(
      base: try machine.description(), axes: axes, table: try machine.table())
    let file = ExplorationFile(path: output, axes: axes, command: rerun)
    let points = try file.run(
      exploration, workload, threads: threads, shouldStop: { Interrupt.isRequested },
      report: { done, total in note("\(done) of \(total) combinations") })
    guard let points else {
      note("Stopped; call it again with --output \(output) to go on.")
      throw ExitCode(130)
    }
    // Where the table itself goes to standard output, nothing else does.
    if output == "/dev/stdout" { note(file.summary(points)) } else { print(file.summary(points)) }
  }

  /// The command that simulates one combination again.
  private func rerun(_ settings: [(key: String, value: String)]) -> String {
    var words = ["swpu simulate"] + options.words
    words.append("--hardware \(machine.hardware)")
    if let voltage = machine.voltage { words.append("--voltage \(voltage)") }
    if let table = machine.energyTable { words.append("--energy-table \(table)") }
    words += machine.set.map { "--set \($0)" }
    words += settings.map { "--set \($0.key)=\($0.value)" }
    return words.joined(separator: " ")
  }
}
