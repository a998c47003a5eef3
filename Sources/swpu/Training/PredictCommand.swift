// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import Report
import Training

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Classify images with a trained network.",
    usage: "swpu predict [<options>] <run|file> <image> ...",
    discussion: """
      Reads PNG and JPEG files, and those in folders. Each is rotated upright, cropped to its centre \
      square, scaled and normalised as in training.

      Examples:
        swpu predict runs/mine cat.jpg dog.png
        swpu predict runs/mine photos --top 1
        swpu predict model.onnx photos --csv classes.csv
        swpu predict runs/mine photos --json
      """)

  @Argument(
    help: ArgumentHelp(
      "Run folder, or a .safetensors or .onnx file that swpu export wrote.", valueName: "run|file"))
  var source: String

  @Argument(help: ArgumentHelp("Image files, or folders of them.", valueName: "image"))
  var images: [String]

  @Option(help: ArgumentHelp("Number of classes to print, 1 or more.", valueName: "n"))
  var top = 3

  @OptionGroup var checkpoint: CheckpointOption

  @Option(
    help: ArgumentHelp(
      "Write a table: a line per image and class, the most probable first.", valueName: "file"))
  var csv: String?

  @Flag(help: "Print JSON on standard output.")
  var json = false

  @OptionGroup(title: "Engine") var engineOptions: EngineOptions

  func validate() throws {
    if top < 1 { throw ValidationError("--top: \(top) is not allowed; 1 or more") }
  }

  func run() throws {
    checkpoint.noteDamage(in: RunFolder(URL(fileURLWithPath: source)))
    let classifier = try Classifier(
      path: source, checkpoint: checkpoint.checkpoint, engine: engineOptions.engine)
    let files = Classifier.imageFiles(images)
    if files.isEmpty {
      throw ValidationError(
        "\(images.joined(separator: ", ")): no image; files that end in .png, .jpg or .jpeg")
    }
    let table = try csv.map { try OutputFile($0) }
    try table?.write(Data("image,rank,class,probability\n".utf8))
    var predictions: [Classifier.Prediction] = []
    var unreadable = 0
    try classifier.classify(files) { prediction in
      if let problem = prediction.problem {
        note("\(prediction.image): \(problem)")
        unreadable += 1
      }
      if json {
        predictions.append(prediction)
      } else if prediction.problem == nil {
        print(line(prediction))
      }
      try table?.write(Data(rows(prediction).utf8))
    }
    try table?.close()
    if json { try printJSON(predictions) }
    if unreadable > 0 {
      note("\(unreadable) of \(files.count) images could not be read.")
      throw ExitCode(1)
    }
  }

  /// A line of at most 80 columns, unless the name of the image alone is longer.
  private func line(_ prediction: Classifier.Prediction) -> String {
    var line = prediction.image
    for (index, found) in prediction.classes.prefix(top).enumerated() {
      let part = String(format: "  %@ %.1f%%", found.name, 100 * found.probability)
      if index > 0 && line.count + part.count > 80 { break }
      line += part
    }
    return line
  }

  private func rows(_ prediction: Classifier.Prediction) -> String {
    prediction.classes.prefix(top).enumerated().map { rank, found in
      "\(csvCell(prediction.image)),\(rank + 1),\(csvCell(found.name)),\(found.probability)\n"
    }.joined()
  }
}
