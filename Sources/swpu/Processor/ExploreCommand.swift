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
    abstract: "Sweep hardware parameters; mark the Pareto set of time, energy, area.",
    discussion: """
      Simulates every combination of the given values. Writes a CSV file, a line per combination with the \
      command that repeats it, and a chart next to it. The objectives are time, energy with the DRAM \
      of memory.dram, area, and DRAM devices of 32 pins that the bandwidth takes. The same command \
      with the same output resumes an interrupted sweep. Under mpirun (swift build --traits MPI) the \
      processes share the combinations.

      Examples:
        swpu explore runs/first --sweep array.rows=8,16,32
        swpu explore --model resnet18 --sweep array.cores=4,8,16 \\
                     --sweep array.rows=32,16,8 --output sweep.csv
        mpirun -n 4 swpu explore runs/first --sweep array.rows=8,16,32,64
      """)

  @OptionGroup(title: "Workload") var options: WorkloadOptions
  @OptionGroup(title: "Processor") var machine: MachineOptions

  @Option(
    help: ArgumentHelp("A key of the processor and its values. Repeatable.", valueName: "key=a,b,…")
  )
  var sweep: [String]

  @Option(
    help: ArgumentHelp("File of the results; the chart is next to it.", valueName: "file.csv"))
  var output = "explore.csv"

  @Option(help: ArgumentHelp("Combinations simulated in parallel, 1 or more.", valueName: "n"))
  var threads = max(1, ProcessInfo.processInfo.activeProcessorCount / World.countHere)

  func validate() throws {
    if sweep.isEmpty { throw ValidationError("--sweep: at least one key=a,b,…") }
    guard (1...1024).contains(threads) else {
      throw ValidationError("--threads: \(threads) is not allowed; 1 to 1024")
    }
  }

  func run() throws {
    Interrupt.watch()
    let ranks = try World.ranks()
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
      exploration, workload, threads: threads, ranks: ranks, shouldStop: { Interrupt.isRequested },
      report: { done, total in note("\(done) of \(total) combinations") })
    if let ranks, !ranks.isFirst { return }
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
    words.append("--hardware \(shellWord(machine.hardware))")
    if let voltage = machine.voltage { words.append("--voltage \(voltage)") }
    if let table = machine.energyTable { words.append("--energy-table \(shellWord(table))") }
    words += machine.set.map { "--set \(shellWord($0))" }
    words += settings.map { "--set \(shellWord("\($0.key)=\($0.value)"))" }
    return words.joined(separator: " ")
  }
}
