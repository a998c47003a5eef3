// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import Masks
import Processor
import Report
import Studies
import Training

struct SimulateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate",
    abstract: "Run a training step on the model of the processor.",
    discussion: """
      Cycle by cycle and unit by unit: cycles, utilisation, loads that were skipped, energy. The masks \
      are those of a run, the zeros of a file of weights, arrays of NumPy, or drawn from a seed. \
      What a file holds and the model has no layer for is named.

      Examples:
        swpu simulate runs/first
        swpu simulate runs/first --snapshot all         the whole training with its changing masks
        swpu simulate --model resnet18 --sparsity 0.9   no run: drawn masks
        swpu simulate --model resnet18 --image-size 224 --batch 1 --voltage 0.56
        swpu simulate runs/first --hardware dense --pass forward
        swpu simulate runs/first --level cycle          a cycle at a time: the same figures, slower
        swpu simulate runs/first --trace step.json      a timeline for ui.perfetto.dev
        swpu simulate runs/first --csv layers.csv       a table of all counts
        swpu simulate pruned.safetensors --model resnet18
        swpu simulate dense.safetensors --model resnet18 --sparsity 0.9
        swpu simulate model.onnx                        a file of torch.onnx.export
        swpu simulate --model resnet18 --masks masks.npz
        swpu simulate --model resnet18 --masks folder --snapshot all
        swpu simulate --model resnet18 --inference
        swpu simulate topology.csv --sparsity 0.8       layers as SCALE-Sim has them
      """)

  @OptionGroup(title: "What to simulate") var options: WorkloadOptions
  @OptionGroup(title: "On what") var machine: MachineOptions

  @Option(help: ArgumentHelp("Only these passes: forward, input-gradient, weight-gradient."))
  var pass: [Pass] = Pass.allCases

  @Option(help: "fast, cycle (state machines), value (drawn values, checked bit by bit).")
  var level: Level = .fast

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Also run these baselines: dense, structured, activation-only, unstructured, two-sided, "
        + "lookahead, ideal.",
      valueName: "machine"))
  var baselines: [HardwareDescription.Machine] = []

  @Option(help: ArgumentHelp("Write a timeline of the step there.", valueName: "file"))
  var trace: String?

  @Option(
    help: ArgumentHelp(
      "Write a table there, a line for each layer and pass.", valueName: "file"))
  var csv: String?

  @Flag(help: "Only a forward pass of trained weights, with everything that it needs.")
  var inference = false

  @Flag(help: "Print one JSON document on standard output.")
  var json = false

  func validate() throws {
    if baselines.contains(.swpu) {
      throw ValidationError(
        "--baselines: swpu is no baseline; allowed are "
          + HardwareDescription.Machine.baselines.map(\.rawValue).joined(separator: ", "))
    }
  }

  func run() throws {
    let hardware = try machine.description()
    if level != .fast && hardware.machine != .swpu {
      throw ValidationError(
        "--level: \(level.rawValue) is for the SWPU; '\(hardware.name)' has the level fast only")
    }
    if trace != nil && hardware.machine != .swpu {
      throw ValidationError("--trace: timelines are of the SWPU; '\(hardware.name)' has none")
    }
    if inference && (pass.count != Pass.allCases.count || options.snapshot == .all || trace != nil)
    {
      throw ValidationError("--inference: excludes --pass, --trace and --snapshot all")
    }
    let simulator = Simulator(hardware, table: try machine.table(), level: level)
    if options.snapshot == .all {
      if csv != nil || trace != nil {
        throw ValidationError("--csv, --trace: for one step, not for --snapshot all")
      }
      return try wholeTraining(simulator)
    }
    let loaded = try options.loaded()
    let workload = loaded.workload
    // Opened before anything is computed, so that a place that cannot be written is said at once.
    let traceFile = try trace.map { path throws(FileError) in try OutputFile(path) }
    let table = try csv.map { path throws(FileError) in try OutputFile(path) }
    let result =
      inference ? try simulator.inference(workload) : try simulator.step(workload, passes: pass)
    if let trace, let traceFile {
      let bytes = try StepTimeline(workload, hardware: hardware).write(to: traceFile)
      note("Timeline: \(trace), \(Amount.bytes(bytes)); open it at ui.perfetto.dev.")
    }
    if let csv, let table {
      try table.write(Data(LayerTable(result).csv.utf8))
      try table.close()
      note("Table: \(csv), \(result.layers.count) passes of layers.")
    }
    var comparison = Comparison()
    if !baselines.isEmpty {
      for machine in [hardware] + baselines.map({ .baseline($0, like: hardware) }) {
        try comparison.add(
          machine, workload, table: simulator.energy.table, isInference: inference)
      }
    }
    if json {
      return try printJSON(
        Document(
          step: result, baselines: comparison.machines.dropFirst(), unmodelled: loaded.unmodelled))
    }
    print(SimulationText(result, hardware: hardware).text)
    if !baselines.isEmpty { print("\n" + ComparisonText(comparison).table.text) }
    if level == .value {
      print("\nEvery value of every pass equals the plain reference in every bit.")
    }
  }

  /// The step, with the baselines and what is not simulated as two more keys.
  private struct Document: Encodable {
    let step: StepResult
    let baselines: ArraySlice<Comparison.Machine>
    let unmodelled: Unmodelled?

    private enum CodingKeys: CodingKey { case baselines, unmodelled }

    func encode(to encoder: any Encoder) throws {
      try step.encode(to: encoder)
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(Array(baselines), forKey: .baselines)
      try values.encodeIfPresent(unmodelled, forKey: .unmodelled)
    }
  }

  /// Every snapshot of a training, each for the steps that it was in force.
  private func wholeTraining(_ simulator: Simulator) throws {
    let training = try options.request.training()
    let steps = training.steps
    var simulation = RunSimulation()
    for index in steps.indices {
      let next = index + 1 < steps.count ? steps[index + 1] : max(training.end, steps[index])
      let workload = try training.workload(index)
      let result = try simulator.step(workload)
      simulation.add(
        result, workload, step: steps[index], steps: next - steps[index],
        hardware: simulator.hardware)
      note("snapshot \(index + 1) of \(steps.count), step \(steps[index])")
    }
    if let stepsPerEpoch = training.stepsPerEpoch { simulation.countEpoch(of: stepsPerEpoch) }
    if json { return try printJSON(simulation) }
    print(RunSimulationText(simulation).text)
  }
}
