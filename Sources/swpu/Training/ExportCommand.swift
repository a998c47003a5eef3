// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Exchange
import Files
import Foundation
import Masks
import Training

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Export the network or the masks of a run for other programs.",
    usage: "swpu export [<options>] <run> --format <format>",
    discussion: """
      safetensors: weights and running statistics of a checkpoint, zeros where pruned, with the names \
      and shapes of torchvision for the networks it has.
      onnx: the network for inference. It reads images of 0 to 1 and normalises them itself; labels.txt \
      next to it has the names of the classes. With --fold-batch-norm each batch normalisation is folded \
      into the convolution before it.
      masks: a NumPy npz file with a mask per layer, named after its weights; with --snapshot all a folder of \
      npz files.

      Examples:
        swpu export runs/first --format safetensors
        swpu export runs/first --format safetensors --output first.safetensors
        swpu export runs/first --format onnx --fold-batch-norm
        swpu export runs/first --format masks
        swpu export runs/first --format masks --snapshot all --output masks
      """)

  /// What can be written. A new case needs a name of the file and a line in `run`.
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case safetensors
    case onnx
    case masks

    var fileName: String {
      switch self {
      case .safetensors: "weights.safetensors"
      case .onnx: "model.onnx"
      case .masks: "masks.npz"
      }
    }
  }

  @Argument(help: ArgumentHelp("Run folder.", valueName: "run"))
  var runFolder: String

  @Option(help: "File format.")
  var format: Format

  @Option(
    help: ArgumentHelp(
      "File to write (default: weights.safetensors, model.onnx or masks.npz in the run folder).",
      valueName: "file"))
  var output: String?

  @Option(
    help: ArgumentHelp("Masks: the last ones, those of a step, or all.", valueName: "last|step|all")
  )
  var snapshot = SnapshotChoice.last

  @Flag(help: "ONNX: fold each normalisation into the convolution before it.")
  var foldBatchNorm = false

  @OptionGroup var checkpoint: CheckpointOption

  @OptionGroup(title: "Engine") var engineOptions: EngineOptions

  func validate() throws {
    if snapshot != .last && format != .masks {
      throw ValidationError(
        "--snapshot: for --format masks; weights are those of the last checkpoint")
    }
    if foldBatchNorm && format != .onnx {
      throw ValidationError("--fold-batch-norm: for --format onnx")
    }
  }

  func run() throws {
    let folder = RunFolder(URL(fileURLWithPath: runFolder))
    if format != .masks { checkpoint.noteDamage(in: folder) }
    let file = output ?? folder.url.appendingPathComponent(format.fileName).relativePath
    switch format {
    case .safetensors: try writeSafetensors(folder, to: file)
    case .onnx: try writeONNX(folder, to: file)
    case .masks: try writeMasks(folder, to: file)
    }
    print(file)
  }

  /// What the network reads and says; nil, and a note, for a run of an earlier version.
  private func task(of folder: RunFolder) throws -> ImageTask? {
    if let task = try folder.readTaskIfThere() { return task }
    note("\(folder.task.relativePath) is not there: the file has no classes and no normalisation.")
    return nil
  }

  /// The names of the classes, next to an ONNX file: `labels.txt` for `model.onnx`, else
  /// `NAME.labels.txt`.
  private func labelsFile(_ file: String) -> String {
    let url = URL(fileURLWithPath: file)
    let name = url.deletingPathExtension().lastPathComponent
    let labels = name == "model" ? "labels.txt" : name + ".labels.txt"
    let folder = file.dropLast(url.lastPathComponent.count)
    return folder + labels
  }

  private func writeSafetensors(_ folder: RunFolder, to file: String) throws {
    _ = try task(of: folder)
    try write(
      folder.exportedWeights(engine: engineOptions.engine, checkpoint: checkpoint.checkpoint),
      to: file)
  }

  private func writeONNX(_ folder: RunFolder, to file: String) throws {
    let (model, step) = try folder.restoredModel(
      engine: engineOptions.engine, checkpoint: checkpoint.checkpoint)
    let task = try task(of: folder)
    let metadata = try folder.exportMetadata(of: model, step: step)
    let data = model.onnxGraph(foldingBatchNorm: foldBatchNorm, task: task).encoded(
      producer: ("swpu", swpuVersion), metadata: metadata)
    let isStream = try write(data, to: file)
    guard let task, !isStream else { return }
    let labels = task.classNames.map { $0.replacing("\n", with: " ") + "\n" }.joined()
    try write(Data(labels.utf8), to: labelsFile(file))
    print(labelsFile(file))
  }

  /// Writes a file; true for a pipe or a device.
  @discardableResult
  private func write(_ data: Data, to path: String) throws -> Bool {
    let file = try OutputFile(path)
    try file.write(data)
    try file.close()
    return file.isStream
  }

  private func writeMasks(_ folder: RunFolder, to file: String) throws {
    let tensors = try folder.configuredNetwork().exchangeWeights
    func export(_ snapshot: URL, to file: String) throws {
      try write(MaskSnapshot(path: snapshot.path).numPyArchive(tensors: tensors), to: file)
    }
    guard snapshot == .all else { return try export(folder.maskFile(snapshot), to: file) }
    do {
      try FileManager.default.createDirectory(atPath: file, withIntermediateDirectories: true)
    } catch {
      throw FileError(file, "make the folder", error)
    }
    for snapshot in folder.maskFiles {
      let name = snapshot.deletingPathExtension().lastPathComponent + ".npz"
      try export(snapshot, to: file + "/" + name)
    }
  }
}
