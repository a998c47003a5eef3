// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import Masks
import Processor
import Pruning
import Tensor
import Training

/// What to simulate: a run with its masks, a network of another program, or one of ours with drawn
/// masks.
struct WorkloadOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Folder of a run, whose masks are taken; weights (.safetensors) or a network (.onnx), of which "
        + "zeros are pruned; a topology of SCALE-Sim (.csv). Without it, --model with drawn masks.",
      valueName: "run|file"))
  var source: String?

  @Option(help: "Network (default: resnet18, or what the weights say).")
  var model: ModelName?

  @Option(
    help: ArgumentHelp(
      "Side of its images (default: 32, or what the weights say).", valueName: "pixels"))
  var imageSize: Int?

  @Option(
    help: "Images a step (default: the run's; what an ONNX file fixes; 1 for a topology; 32).")
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "Masks from NumPy: an npz file, or a folder of npy files, an array for each layer; or a folder "
        + "of step-N.npz files, for --snapshot.",
      valueName: "path"))
  var masks: String?

  @Option(
    help: ArgumentHelp(
      "How masks are drawn, or given weights pruned: dense, filter, channel, shape, line, "
        + "sub-structured, unstructured (default: sub-structured)."))
  var granularity: Granularity?

  @Option(help: "Share of the prunable weights that this removes (default: 0.9).")
  var sparsity: Double?

  @Option(help: "Seeds the drawing.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Masks of the run: last, or a step.", valueName: "last|step"))
  var snapshot = "last"

  func validate() throws {
    guard (1...4096).contains(batch ?? 32) else {
      throw ValidationError("--batch: \(batch ?? 0) is not allowed; 1 to 4096")
    }
    guard (8...1024).contains(imageSize ?? 32) else {
      throw ValidationError("--image-size: \(imageSize ?? 0) is not allowed; 8 to 1024")
    }
    guard (0..<1).contains(sparsity ?? 0) else {
      throw ValidationError("--sparsity: \(sparsity ?? 0) is not allowed; 0 to less than 1")
    }
    if masks != nil && prunes {
      throw ValidationError("--masks and --granularity or --sparsity exclude each other")
    }
    switch NetworkSource(source) {
    case .run:
      if model != nil || imageSize != nil || prunes {
        throw ValidationError(
          "--model, --image-size, --granularity, --sparsity: not for a run, which has its own")
      }
    case .topology, .onnx:
      if model != nil || imageSize != nil {
        throw ValidationError(
          "--model, --image-size: not for a topology or an ONNX file, which has its own")
      }
    case .safetensors, .model: break
    }
  }

  private var prunes: Bool { granularity != nil || sparsity != nil }

  /// The network, with masks of the run, of files, or drawn.
  func workload() throws -> Workload {
    if masks == nil, case .run(let run) = NetworkSource(source) {
      return try sized(run.workload(run.maskFile(snapshot)))
    }
    let network = try SourceNetwork(NetworkSource(source), options: self)
    if !network.leftOut.isEmpty {
      note("Not simulated: \(network.leftOut.joined(separator: ", ")).")
    }
    if let masks {
      let steps = try maskSteps()
      if steps.isEmpty { return try workload(network, masks: masks) }
      let found = snapshot == "last" ? steps.last : steps.first { $0.step == Int(snapshot) }
      guard let found else {
        throw ValidationError(
          "--snapshot: '\(snapshot)' is none of \(masks); there is last, or "
            + steps.map { "\($0.step)" }.joined(separator: ", "))
      }
      return try workload(network, masks: found.path, step: found.step)
    }
    if let masks = network.masks, !prunes {
      return try Workload(network.description, snapshot: masks(), file: source ?? "")
    }
    var pruning = PruningConfiguration(
      granularity: granularity ?? .subStructured, sparsity: sparsity ?? 0.9)
    if sparsity == 0 { pruning.granularity = .dense }
    guard let weights = network.weights else {
      return Workload(network.description, pruning: pruning, seed: seed)
    }
    return try Workload(network.description, pruning: pruning, weights: weights)
  }

  private func workload(_ network: SourceNetwork, masks file: String, step: Int = 0) throws
    -> Workload
  {
    let snapshot = try MaskSnapshot(
      numPy: file, network: network.description, names: network.names, step: step)
    return try Workload(network.description, snapshot: snapshot, file: file)
  }

  /// A training with its masks at some steps: the run's, or a folder of `step-N.npz` files.
  struct Training {
    var steps: [Int]
    /// Steps that it has done.
    var end: Int
    var stepsPerEpoch: Int?
    /// The network with the masks of the step of an index.
    var workload: (Int) throws -> Workload
  }

  /// The whole training.
  func training() throws -> Training {
    if masks != nil {
      let found = try maskSteps()
      guard let last = found.last else {
        throw ValidationError("--snapshot: all needs a run, or --masks with step-N.npz files")
      }
      let network = try SourceNetwork(NetworkSource(source), options: self)
      return Training(
        steps: found.map(\.step), end: last.step,
        workload: { try workload(network, masks: found[$0].path, step: found[$0].step) })
    }
    guard case .run(let run) = NetworkSource(source) else {
      throw ValidationError("--snapshot: all needs a run, or --masks with step-N.npz files")
    }
    let files = run.maskFiles
    return Training(
      steps: files.compactMap { run.step(of: $0) }, end: run.stepsDone,
      stepsPerEpoch: try run.stepsPerEpoch(),
      workload: { try sized(run.workload(files[$0])) })
  }

  /// The `step-N.npz` files of `--masks`, in order; empty for an npz file and a folder of npy files.
  private func maskSteps() throws -> [(step: Int, path: String)] {
    guard let masks, isFolder(masks) else { return [] }
    return try visibleFiles(in: masks).compactMap { file in
      guard file.hasPrefix("step-"), file.hasSuffix(".npz"),
        let step = Int(file.dropFirst(5).dropLast(4)), step >= 0
      else { return nil }
      return (step, masks + "/" + file)
    }.sorted { $0.step < $1.step }
  }

  /// The batch that was asked for in place of the run's.
  func sized(_ workload: Workload) -> Workload {
    var workload = workload
    workload.batch = batch ?? workload.batch
    return workload
  }

  /// A line that says where the masks come from.
  func origin(_ workload: Workload) -> String {
    let kept = workload.layers.reduce(0) { $0 + $1.mask.keptElements }
    let all = workload.layers.reduce(0) { $0 + $1.mask.shape.count }
    let density = String(
      format: "%.1f %% of all weights kept", 100 * Double(kept) / Double(max(1, all)))
    let zeros = "zeros assumed: half of the activations, no gradients"
    if let masks { return "Masks of \(masks); \(density)." }
    switch NetworkSource(source) {
    case .run: return "Masks of \(source ?? ""), \(snapshot) snapshot; \(density)."
    case .safetensors where !prunes, .onnx where !prunes:
      return "Masks: the zeros of \(source ?? ""); \(zeros); \(density)."
    case .safetensors, .onnx:
      return
        "Masks: the weights of \(source ?? "") pruned by magnitude, without training; \(zeros); "
        + "\(density)."
    case .topology, .model:
      return
        "Masks drawn from seed \(seed) (normal weights with factors for filters and channels, then "
        + "the pruner of training); \(zeros); \(density)."
    }
  }

  /// The words of a command that choose the same workload, defaults included.
  var words: [String] {
    var words = source.map { [$0] } ?? []
    func add(_ option: String, _ value: (some Any)?) {
      if let value { words.append("--\(option) \(value)") }
    }
    let drawn = masks == nil
    switch NetworkSource(source) {
    case .run where drawn: add("snapshot", snapshot)
    case .run: break
    case .safetensors:
      add("model", model?.rawValue)
      add("image-size", imageSize)
      add("granularity", granularity?.rawValue)
      add("sparsity", sparsity)
    case .onnx:
      add("granularity", granularity?.rawValue)
      add("sparsity", sparsity)
    case .topology, .model:
      if source == nil {
        add("model", (model ?? .resnet18).rawValue)
        add("image-size", imageSize ?? 32)
      }
      if drawn {
        add("granularity", (granularity ?? .subStructured).rawValue)
        add("sparsity", sparsity ?? 0.9)
        add("seed", seed)
      }
    }
    if let masks {
      add("masks", masks)
      add("snapshot", snapshot)
    }
    add("batch", batch)
    return words
  }
}

/// The machine to simulate on.
struct MachineOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A preset (see swpu hardware) or a YAML file.", valueName: "name|file"))
  var hardware = "swpu"

  @Option(
    help: ArgumentHelp(
      "Change one key, as in --set array.rows=32. May be repeated.", valueName: "key=value"))
  var set: [String] = []

  @Option(help: ArgumentHelp("Supply of the logic, which sets the clock too.", valueName: "volts"))
  var voltage: Double?

  @Option(
    help: ArgumentHelp(
      "Constants of energy and area: published (default), synthesised, or a file with some of them.",
      valueName: "table"))
  var energyTable: String?

  /// The description with all changes.
  func description() throws -> HardwareDescription {
    var description: HardwareDescription
    if let preset = HardwareDescription.presets.first(where: { $0.name == hardware }) {
      description = preset
    } else {
      guard let data = FileManager.default.contents(atPath: hardware) else {
        let names = HardwareDescription.presets.map(\.name).joined(separator: ", ")
        throw ValidationError(
          "--hardware: '\(hardware)' is no file and none of the presets \(names)")
      }
      description = try HardwareDescription(
        yaml: String(decoding: data, as: UTF8.self), file: hardware)
    }
    for setting in set {
      guard let equals = setting.firstIndex(of: "=") else {
        throw ValidationError("--set: '\(setting)' is not of the form key=value")
      }
      description = try description.setting(
        String(setting[..<equals]), to: String(setting[setting.index(after: equals)...]),
        file: "--set")
    }
    if let voltage {
      description.supply.volts = voltage
      try description.validate(file: "--voltage")
    }
    return description
  }

  /// The constants.
  func table() throws -> EnergyTable {
    guard let energyTable else { return .standard }
    if let choice = EnergyTable.Choice(rawValue: energyTable) { return choice.table }
    guard let data = FileManager.default.contents(atPath: energyTable) else {
      let names = EnergyTable.Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError(
        "--energy-table: '\(energyTable)' is no file that can be read and none of \(names)")
    }
    return try EnergyTable(yaml: String(decoding: data, as: UTF8.self), file: energyTable)
  }
}

extension Pass: ExpressibleByArgument {}
extension Level: ExpressibleByArgument {}
extension HardwareDescription.Machine: ExpressibleByArgument {}
