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
    abstract: "Write the network of a run for other programs.",
    discussion: """
      safetensors: all weights and running statistics of the last checkpoint, zeros where pruned, in \
      the names and shapes of torchvision for the networks it has.
      onnx: the same network for inference, which ONNX Runtime computes to the same logits; with \
      --fold-batch-norm each normalisation is part of the convolution before it.
      masks: an npz file of NumPy with a mask for each layer, named as its weights are; with \
      --snapshot all a folder of them.

      Examples:
        swpu export runs/first --format safetensors
        swpu export runs/first --format safetensors --output first.safetensors
        swpu export runs/first --format onnx --fold-batch-norm
        swpu export runs/first --format masks
        swpu export runs/first --format masks --snapshot all --output masks-of-first
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

  @Argument(help: ArgumentHelp("Folder of the run.", valueName: "run"))
  var runFolder: String

  @Option(help: "\(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: Format

  @Option(
    help: ArgumentHelp(
      "Where to write (default: weights.safetensors, model.onnx or masks.npz in the run's folder).",
      valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("Masks: last, a step, or all.", valueName: "last|step|all"))
  var snapshot = SnapshotChoice.last

  @Flag(help: "ONNX: put each normalisation into the convolution before it.")
  var foldBatchNorm = false

  @OptionGroup(title: "Where to compute") var engineOptions: EngineOptions

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
    let file = output ?? folder.url.appendingPathComponent(format.fileName).relativePath
    switch format {
    case .safetensors: try writeSafetensors(folder, to: file)
    case .onnx: try writeONNX(folder, to: file)
    case .masks: try writeMasks(folder, to: file)
    }
    print(file)
  }

  private func writeSafetensors(_ folder: RunFolder, to file: String) throws {
    let (model, step) = try folder.restoredModel(engine: engineOptions.engine)
    var metadata = try metadata(of: model, step: step, folder)
    metadata["format"] = "pt"
    try write(SafetensorsFile.encoded(model.exportedArrays(), metadata: metadata), to: file)
  }

  private func writeONNX(_ folder: RunFolder, to file: String) throws {
    let (model, step) = try folder.restoredModel(engine: engineOptions.engine)
    let data = model.onnxGraph(foldingBatchNorm: foldBatchNorm).encoded(
      producer: ("swpu", swpuVersion), metadata: try metadata(of: model, step: step, folder))
    try write(data, to: file)
  }

  private func metadata(of model: Model, step: Int, _ folder: RunFolder) throws
    -> [String: String]
  {
    let input = model.network.map(model.network.input)
    return [
      "model": model.network.name, "step": "\(step)",
      "image": "\(input.channels)x\(input.height)x\(input.width)",
      "width": "\(try folder.readConfiguration().width)",
    ]
  }

  private func write(_ data: Data, to path: String) throws {
    let file = try OutputFile(path)
    try file.write(data)
    try file.close()
  }

  private func writeMasks(_ folder: RunFolder, to file: String) throws {
    let tensors = try folder.configuredNetwork().exchangeWeights
    func export(_ snapshot: URL, to file: String) throws {
      try write(folder.readSnapshot(snapshot).numPyArchive(tensors: tensors), to: file)
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
