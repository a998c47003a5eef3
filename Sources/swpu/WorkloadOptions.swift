import ArgumentParser
import Foundation
import Processor
import Sparsity
import Tensor
import Training

/// What to simulate: a run with its masks, or a network with drawn ones.
struct WorkloadOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "Folder of a run, whose masks are taken; without it, --model with drawn masks.",
      valueName: "run"))
  var runFolder: String?

  @Option(help: "Network, when there is no run.")
  var model: ModelName = .resnet18

  @Option(help: ArgumentHelp("Side of its images.", valueName: "pixels"))
  var imageSize = 32

  @Option(help: "Images a step (default: the run's; 32).")
  var batch: Int?

  @Option(
    help: "How masks are drawn: dense, filter, channel, shape, line, sub-structured, unstructured.")
  var granularity: Granularity = .subStructured

  @Option(help: "Share of the prunable weights that drawn masks remove.")
  var sparsity = 0.9

  @Option(help: "Seeds the drawing.")
  var seed: UInt64 = 1

  @Option(help: ArgumentHelp("Masks of the run: last, or a step.", valueName: "last|step"))
  var snapshot = "last"

  func validate() throws {
    guard (1...4096).contains(batch ?? 32) else {
      throw ValidationError("--batch: \(batch ?? 0) is not allowed; 1 to 4096")
    }
    guard (8...1024).contains(imageSize) else {
      throw ValidationError("--image-size: \(imageSize) is not allowed; 8 to 1024")
    }
    guard (0..<1).contains(sparsity) else {
      throw ValidationError("--sparsity: \(sparsity) is not allowed; 0 to less than 1")
    }
  }

  /// The run's folder, when there is one.
  var run: RunFolder? { runFolder.map { RunFolder(URL(fileURLWithPath: $0)) } }

  /// The network, with masks of the run or drawn.
  func workload() throws -> Workload {
    guard let run else { return try drawn() }
    let files = run.maskFiles
    let file: URL?
    if snapshot == "last" {
      file = files.last
    } else {
      file = files.first { run.step(of: $0) == Int(snapshot) }
    }
    guard let file else {
      let steps = files.compactMap { run.step(of: $0) }.map(String.init)
      throw ValidationError(
        "--snapshot: '\(snapshot)' is none of \(run.masks.path); there is last"
          + (steps.isEmpty
            ? ", once the run has written one" : ", or \(steps.joined(separator: ", "))"))
    }
    return try sized(run.workload(file))
  }

  /// The batch that was asked for in place of the run's.
  func sized(_ workload: Workload) -> Workload {
    var workload = workload
    workload.batch = batch ?? workload.batch
    return workload
  }

  private func drawn() throws -> Workload {
    let network = try network()
    var pruning = PruningConfiguration(granularity: granularity, sparsity: sparsity)
    if sparsity == 0 { pruning.granularity = .dense }
    return Workload(network, pruning: pruning, seed: seed)
  }

  /// The network of `--model`.
  func network() throws -> NetworkDescription {
    let images = MapShape(channels: 3, height: imageSize, width: imageSize)
    return try model.network(input: images, classes: imageSize < 64 ? 10 : 1000)
      .description(batch: batch ?? 32)
  }

  /// A line that says where the masks come from.
  func origin(_ workload: Workload) -> String {
    let kept = workload.layers.reduce(0) { $0 + $1.mask.keptElements }
    let all = workload.layers.reduce(0) { $0 + $1.mask.shape.count }
    let density = String(
      format: "%.1f %% of all weights kept", 100 * Double(kept) / Double(max(1, all)))
    if let runFolder { return "Masks of \(runFolder), \(snapshot) snapshot; \(density)." }
    return
      "Masks drawn from seed \(seed) (normal weights with factors for filters and channels, then "
      + "the pruner of training); zeros assumed: half of the activations, no gradients; \(density)."
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
