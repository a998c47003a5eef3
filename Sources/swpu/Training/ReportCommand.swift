// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import Masks
import Processor
import Report
import Studies
import Training

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write an HTML page about one run, or several side by side.",
    usage: "swpu report [<options>] <run> ...",
    discussion: """
      One HTML file without scripts or links to the network: summary, loss and accuracy, sparsity and masks \
      by layer, step time, the step on the processor, and the commands that repeat the run. A run that has \
      not ended is marked as unfinished.

      Examples:
        swpu report runs/first
        swpu report runs/first runs/first-dense --output both.html --open
      """)

  @Argument(help: ArgumentHelp("Run folders.", valueName: "run"))
  var runs: [String]

  @Option(
    help: ArgumentHelp(
      "File to write (default: report.html in the run folder; for several runs in the current folder).",
      valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Accuracies of trainings at several sparsities, for the claim of the pruning ratio: a file of "
        + "Benchmarks/study/collect (default: none).",
      valueName: "file"))
  var study: String?

  @Flag(help: "Open the page in the browser.")
  var open = false

  @OptionGroup(title: "Processor") var machine: MachineOptions

  func run() throws {
    let path = output ?? (runs.count == 1 ? runs[0] + "/report.html" : "report.html")
    let hardware = try machine.description()
    let table = try machine.table()
    let study = try study.map { try RatioStudy(path: $0) }
    let records = try zip(names, runs).map { name, run in
      try RunRecord(RunFolder(URL(fileURLWithPath: run)), name: name, path: run)
    }
    for problem in records.flatMap(\.problems) { note(problem + ".") }
    let output = try OutputFile(path)
    var surfaces: [NetworkDescription: EfficiencySurface] = [:]
    var entries: [RunReport.Entry] = []
    for (name, record) in zip(names, records) {
      var processor: ProcessorRecord?
      if let workload = record.workload {
        note("\(name): simulating a step")
        let surface =
          try surfaces[workload.network]
          ?? ProcessorRecord.surface(workload.network, hardware: hardware, table: table)
        surfaces[workload.network] = surface
        processor = try ProcessorRecord(
          workload, hardware: hardware, table: table, surface: surface, study: study)
      }
      entries.append(RunReport.Entry(run: record, processor: processor))
    }
    let report = RunReport(
      entries, hardware: hardware,
      command: (["swpu"] + CommandLine.arguments.dropFirst()).map(shellWord)
        .joined(separator: " "))
    try output.write(Data(report.html.utf8))
    try output.close()
    let said = "\(path) (\(Amount.bytes(output.byteCount)))"
    // Where the page itself goes to standard output, nothing else does.
    if output.isStream { note(said) } else { print(said) }
    if open { try show(URL(fileURLWithPath: path)) }
  }

  /// The runs' own names; with the folder above, or a number, where two are the same.
  private var names: [String] {
    func last(_ count: Int) -> [String] {
      runs.map {
        URL(fileURLWithPath: $0).standardizedFileURL.pathComponents.suffix(count)
          .joined(separator: "/")
      }
    }
    let short = last(1)
    let names = Set(short).count == runs.count ? short : last(2)
    return names.enumerated().map { index, name in
      let before = names[..<index].filter { $0 == name }.count
      return before == 0 ? name : "\(name) (\(before + 1))"
    }
  }

  private func show(_ file: URL) throws {
    #if os(macOS)
      let opener = "open"
    #else
      let opener = "xdg-open"
    #endif
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [opener, file.path]
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw ValidationError("--open: '\(opener)' could not show \(file.path); open it by hand")
    }
  }
}
