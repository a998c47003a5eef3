// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Masks
import Processor
import Report
import Studies
import Training

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Compare SWPU, its ablations and the baselines.",
    discussion: """
      All machines have the same multipliers, memories, supply and energy table. The ablations switch off, \
      one at a time, T1 (row reordering), T2 (detect before load) and T3 (the compress network). \
      docs/processor/baselines.md describes the baselines.

      Examples:
        swpu compare runs/first
        swpu compare runs/sub --own structured=runs/channel
        swpu compare --model resnet18 --image-size 224 --batch 1
      """)

  @OptionGroup(title: "Workload") var options: WorkloadOptions
  @OptionGroup(title: "Processor") var machine: MachineOptions

  @Option(
    help: ArgumentHelp(
      "Also run a machine on the masks of a run pruned for it. Repeatable.",
      valueName: "machine=run"))
  var own: [String] = []

  @Flag(help: "Print JSON on standard output.")
  var json = false

  func run() throws {
    let hardware = try machine.description()
    let table = try machine.table()
    let loaded = try options.loaded()
    let workload = loaded.workload
    let machines = Comparison.machines(hardware)
    var ownWorkloads: [(machine: HardwareDescription, workload: Workload, run: String)] = []
    for pair in own {
      let parts = pair.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let candidate = machines.first(where: { $0.name == parts[0] }) else {
        throw ValidationError(
          "--own: '\(pair)' is not machine=run; the machines are "
            + machines.map(\.name).joined(separator: ", "))
      }
      let folder = RunFolder(URL(fileURLWithPath: parts[1]))
      guard let file = folder.maskFiles.last else {
        throw ValidationError("--own: \(parts[1]) is no folder of a run with masks")
      }
      let ownWorkload = try options.request.sized(folder.workload(file))
      guard ownWorkload.layers.map(\.convolution) == workload.layers.map(\.convolution) else {
        throw ValidationError(
          "--own: \(parts[1]) is a run of another network than \(workload.name), or with images of "
            + "another size")
      }
      ownWorkloads.append((candidate, ownWorkload, parts[1]))
    }
    var comparison = Comparison()
    for candidate in machines {
      try comparison.add(candidate, workload, table: table)
    }
    try comparison.addUnpruned(like: hardware, workload, table: table)
    for (candidate, workload, run) in ownWorkloads {
      try comparison.add(candidate, workload, masks: run, table: table)
    }
    if json { return try printJSON(WorkloadDocument(comparison, loaded)) }
    let part = loaded.unmodelled?.title.map { ": \($0)" } ?? ""
    print("\(workload.name), batch size \(workload.batch)\(part)\n")
    print(ComparisonText(comparison).table.text)
    print(
      "\nA training step, vector unit and DRAM included. 'slower' and 'more' are against "
        + "\(hardware.name). All figures are modelled.")
    if let text = loaded.unmodelled?.text { print("\n" + text) }
  }
}
