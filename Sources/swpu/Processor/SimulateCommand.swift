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
    abstract: "Simulate a training step on the processor model.",
    discussion: """
      Reports cycles, utilisation, skipped loads and energy of every layer and pass. The masks come from a \
      run, from one of its snapshots, from the zero weights of a file, from NumPy arrays or from a random \
      seed. Nodes of a file that the model has no layer for are listed.

      Examples:
        swpu simulate runs/first
        swpu simulate runs/first --snapshot all       the whole training run
        swpu simulate --model resnet18                random masks
        swpu simulate --model resnet18 --image-size 224 --batch 1 --voltage 0.56
        swpu simulate runs/first --hardware dense --pass forward
        swpu simulate runs/first --level cycle        slower, the same figures
        swpu simulate runs/first --trace step.json    timeline: ui.perfetto.dev
        swpu simulate runs/first --csv layers.csv     table of all counts
        swpu simulate pruned.safetensors --model resnet18
        swpu simulate dense.safetensors --model resnet18 --sparsity 0.9
        swpu simulate model.onnx                      from torch.onnx.export
        swpu simulate --model resnet18 --masks masks.npz
        swpu simulate --masks docs/results/masks/resnet18.masks.gz
        swpu simulate --model resnet18 --masks folder --snapshot all
        swpu simulate --model resnet18 --inference
        swpu simulate topology.csv --sparsity 0.8     a SCALE-Sim topology
      """)

  @OptionGroup(title: "Workload") var options: WorkloadOptions
  @OptionGroup(title: "Processor") var machine: MachineOptions

  @Option(help: "Only this pass. Repeatable.")
  var pass: [Pass] = Pass.allCases

  @Option(
    help: ArgumentHelp(
      "Level of the model: fast is analytical, cycle is cycle-accurate, value is bit-accurate on "
        + "random values and far slower, for small networks."))
  var level: Level = .fast

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Also simulate these machines.", valueName: "machine"))
  var baselines: [HardwareDescription.Machine] = []

  @Option(help: ArgumentHelp("Write a timeline of the step (Perfetto).", valueName: "file"))
  var trace: String?

  @Option(
    help: ArgumentHelp(
      "Write a table, a line per layer and pass.", valueName: "file"))
  var csv: String?

  @Flag(help: "Simulate inference: a forward pass with fixed weights.")
  var inference = false

  @Flag(help: "Print JSON on standard output.")
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
        WorkloadDocument(
          Document(step: result, baselines: comparison.machines.dropFirst()), loaded))
    }
    print(SimulationText(result, hardware: hardware, unmodelled: loaded.unmodelled).text)
    if !baselines.isEmpty { print("\n" + ComparisonText(comparison).table.text) }
    if level == .value {
      print("\nEvery value of every pass equals the plain reference in every bit.")
    }
  }

  /// The step, with the baselines as one more key.
  private struct Document: Encodable {
    let step: StepResult
    let baselines: ArraySlice<Comparison.Machine>

    private enum CodingKeys: CodingKey { case baselines }

    func encode(to encoder: any Encoder) throws {
      try step.encode(to: encoder)
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(Array(baselines), forKey: .baselines)
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
