import ArgumentParser
import Formats
import Foundation
import Sparsity
import Training

struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write the network of a run for other programs.",
    discussion: """
      safetensors: all weights and running statistics of the last checkpoint, zeros where pruned, in \
      the names and shapes of torchvision for the networks it has.

      Examples:
        swpu export runs/first --format safetensors
        swpu export runs/first --format safetensors --output first.safetensors
      """)

  /// What can be written. A new case needs a line in `write`.
  enum Format: String, CaseIterable, ExpressibleByArgument {
    case safetensors
  }

  @Argument(help: ArgumentHelp("Folder of the run.", valueName: "run"))
  var runFolder: String

  @Option(help: "\(Format.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: Format

  @Option(
    help: ArgumentHelp("Where to write (default: RUN/weights.FORMAT).", valueName: "file"))
  var output: String?

  @OptionGroup(title: "Where to compute") var engineOptions: EngineOptions

  func run() throws {
    let folder = RunFolder(URL(fileURLWithPath: runFolder))
    let file = URL(
      fileURLWithPath: output ?? folder.url.appendingPathComponent("weights.\(format)").path)
    switch format {
    case .safetensors: try writeSafetensors(folder, to: file)
    }
    print(file.relativePath)
  }

  private func writeSafetensors(_ folder: RunFolder, to file: URL) throws {
    let (model, step) = try folder.restoredModel(engine: engineOptions.engine)
    let input = model.network.map(model.network.input)
    let metadata = [
      "format": "pt", "model": model.network.name, "step": "\(step)",
      "image": "\(input.channels)x\(input.height)x\(input.width)",
    ]
    try writeAtomically(
      SafetensorsFile.encoded(model.exportedArrays(), metadata: metadata), to: file)
  }
}
