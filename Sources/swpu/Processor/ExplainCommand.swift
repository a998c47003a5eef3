// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Masks
import Processor
import Report

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Break down the cycles and the energy of a step or a layer.",
    discussion: """
      The parts add up to the total exactly.

      Examples:
        swpu explain runs/first                      the whole step
        swpu explain runs/first --layer layer2.0.conv1
        swpu explain --model resnet18 --layer layer4.1.conv2 --pass forward
      """)

  @OptionGroup(title: "Workload") var options: WorkloadOptions
  @OptionGroup(title: "Processor") var machine: MachineOptions

  @Option(help: "Only this layer, pass by pass (default: the whole step).")
  var layer: String?

  @Option(help: "Only this pass. Repeatable.")
  var pass: [Pass] = Pass.allCases

  @Flag(help: "Print JSON on standard output.")
  var json = false

  func run() throws {
    let hardware = try machine.description()
    let simulator = Simulator(hardware, table: try machine.table())
    let loaded = try options.loaded()
    let workload = loaded.workload
    guard let layer else {
      if pass.count != Pass.allCases.count {
        throw ValidationError(
          "--pass: needs --layer; without it all passes of a step are explained")
      }
      let step = try simulator.step(workload)
      if json {
        return try printJSON(
          WorkloadDocument(StepExplanation(step, hardware: hardware), loaded))
      }
      print(StepExplanationText(step, hardware: hardware).text)
      if let text = loaded.unmodelled?.text { print("\n" + text) }
      return
    }
    guard let found = workload.layers.first(where: { $0.name == layer }) else {
      throw ValidationError(
        "--layer: '\(layer)' is none of \(workload.layers.map(\.name).joined(separator: ", "))")
    }
    let results = try pass.filter {
      $0 != .inputGradient || found.convolution.needsInputGradient
    }.map { try simulator.pass($0, of: found, images: workload.batch) }
    if json { return try printJSON(results.map { Explanation($0, hardware: hardware) }) }
    print(
      results.map { ExplanationText($0, hardware: hardware).text }.joined(separator: "\n\n\n"))
  }

  private struct StepExplanation: Encodable {
    let multiplierCycles: [String: Int]
    let totals: Totals
    let operations: [OperationResult]

    init(_ step: StepResult, hardware: HardwareDescription) {
      multiplierCycles = Dictionary(
        StepParts(step, hardware: hardware).amounts.map { ($0.reason, $0.multiplierCycles) },
        uniquingKeysWith: +)
      totals = step.totals
      operations = step.operations
    }
  }

  private struct Explanation: Encodable {
    let result: PassResult
    let multiplierCycles: [String: Int]

    init(_ result: PassResult, hardware: HardwareDescription) {
      self.result = result
      multiplierCycles = Dictionary(
        uniqueKeysWithValues: CycleParts(result, hardware: hardware).amounts.map {
          ($0.reason, $0.multiplierCycles)
        })
    }
  }
}
