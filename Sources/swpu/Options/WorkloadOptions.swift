// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Masks
import Processor
import Report
import Studies
import Training

/// What to simulate: a run with its masks, a network of another program, or one of ours with random
/// masks.
struct WorkloadOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Run folder; .safetensors or .onnx file, whose zero weights count as pruned; SCALE-Sim topology "
        + "(.csv). Without it: --model with random masks.",
      valueName: "run|file"))
  var source: String?

  @Option(help: "Network (default: resnet18, or that of the file).")
  var model: ModelName?

  @Option(
    help: ArgumentHelp(
      "Side of the images, 8 to 1024, and of open axes of an ONNX file (default: 32, or that of the "
        + "file).",
      valueName: "pixels"))
  var imageSize: Int?

  @Option(
    help: ArgumentHelp(
      "Batch size (default: that of the run or file; 1 for a topology; else 32).", valueName: "n"))
  var batch: Int?

  @Option(
    help: ArgumentHelp(
      "Masks for --model, which is ResNet-18 unless it is given, or for a file: a snapshot of a run "
        + "(.masks, .masks.gz), or NumPy arrays, one per layer: an npz file or a folder of npy files; "
        + "with --snapshot a folder of step-N.masks or step-N.npz files.",
      valueName: "path"))
  var masks: String?

  @Option(
    help: ArgumentHelp(
      "Granularity of random masks, or by which a file's weights are pruned (default: "
        + "sub-structured).", valueName: "unit"))
  var granularity: Granularity?

  @Option(help: "Sparsity of the prunable weights, 0 to less than 1 (default: 0.9).")
  var sparsity: Double?

  @Option(help: "Random seed of the masks.")
  var seed: UInt64 = 1

  @Option(
    help: ArgumentHelp(
      "Masks of the run, or of a folder that --masks names: the last ones, or those of a step.",
      valueName: "last|step"))
  var snapshot = SnapshotChoice.last

  func validate() throws { try request.validate() }

  /// What is asked for.
  var request: WorkloadRequest {
    var request = WorkloadRequest(path: source)
    request.model = model
    request.imageSize = imageSize
    request.batch = batch
    request.masks = masks
    request.granularity = granularity
    request.sparsity = sparsity
    request.seed = seed
    request.snapshot = snapshot
    return request
  }

  /// The workload; notes where its masks come from, and what is left out.
  func workload() throws -> Workload {
    let loaded = try loaded()
    if let text = loaded.unmodelled?.text { note(text) }
    return loaded.workload
  }

  /// The workload, and nodes of its source that are not simulated; notes where its masks come from.
  func loaded() throws -> WorkloadRequest.Loaded {
    let loaded = try request.loaded { note($0) }
    note(loaded.origin)
    if let assumed = loaded.assumed { note(assumed) }
    return loaded
  }

  /// The words of a command that choose the same workload, defaults included.
  var words: [String] {
    var words = source.map { [shellWord($0)] } ?? []
    func add(_ option: String, _ value: (some Any)?) {
      if let value { words.append("--\(option) \(shellWord("\(value)"))") }
    }
    let drawn = masks == nil
    switch request.source {
    case .run where drawn: add("snapshot", snapshot)
    case .run: break
    case .safetensors:
      add("model", model?.rawValue)
      add("image-size", imageSize)
      add("granularity", granularity?.rawValue)
      add("sparsity", sparsity)
    case .onnx:
      add("image-size", imageSize)
      add("granularity", granularity?.rawValue)
      add("sparsity", sparsity)
      // Layers without weights in the file get random masks.
      if drawn { add("seed", seed) }
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
      "Processor: a preset (swpu hardware lists them) or a YAML file.", valueName: "name|file"))
  var hardware = "swpu"

  @Option(
    help: ArgumentHelp(
      "Set one key of the processor, such as array.rows=32. Repeatable.", valueName: "key=value"))
  var set: [String] = []

  @Option(
    help: ArgumentHelp(
      "Supply voltage of the logic, from which the clock follows.", valueName: "volts"))
  var voltage: Double?

  @Option(
    help: ArgumentHelp(
      "Energy and area constants: published, synthesised, or a YAML file with some of them (default: "
        + "published).",
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
        yaml: data, file: hardware)
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
    return try EnergyTable(yaml: data, file: energyTable)
  }
}

extension SnapshotChoice: ExpressibleByArgument {
  /// `last`, `all` or the number of a step.
  public init?(argument: String) { self.init(argument) }
}

extension Pass: ExpressibleByArgument {}
extension Level: ExpressibleByArgument {}
extension HardwareDescription.Machine: ExpressibleByArgument {}
