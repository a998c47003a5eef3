// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Report
import Training

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Test a run: accuracy by class, confusion matrix.",
    usage: "swpu evaluate [<options>] <run>",
    discussion: """
      Examples:
        swpu evaluate runs/first
        swpu evaluate runs/first --data-path /elsewhere/cifar --json
        swpu evaluate runs/first --data folder --data-path pictures
      """)

  @Argument(help: ArgumentHelp("Run folder.", valueName: "run"))
  var runFolder: String

  @Option(help: "Another data set of as many classes, normalised like that of the run.")
  var data: DatasetSource?

  @Option(
    help: ArgumentHelp("Folder of the data set's files, where it has moved.", valueName: "dir"))
  var dataPath: String?

  @OptionGroup var checkpoint: CheckpointOption

  @OptionGroup(title: "Engine") var engineOptions: EngineOptions

  @Flag(help: "Print JSON on standard output.")
  var json = false

  private struct Result: Encodable {
    struct Class: Encodable {
      let name: String
      let images: Int
      let accuracy: Double?
    }

    let run: String
    let step: Int
    let testAccuracy, testLoss, sparsity, macDensity: Double
    let classes: [Class]
    /// Images by class and by what the network said.
    let confusion: [[Int]]
  }

  func run() throws {
    let folder = RunFolder(URL(fileURLWithPath: runFolder))
    checkpoint.noteDamage(in: folder)
    var configuration = try folder.readConfiguration()
    if let data { (configuration.data, configuration.dataPath) = (data, nil) }
    if let dataPath { configuration.dataPath = dataPath }
    let data = try loadData(configuration)
    let test = try evaluateRun(
      folder, configuration: configuration, data: data, checkpoint: checkpoint.checkpoint,
      engine: engineOptions.engine)
    let found = test.classification
    if json {
      return try printJSON(
        Result(
          run: runFolder, step: test.step, testAccuracy: test.accuracy, testLoss: test.loss,
          sparsity: test.sparsity, macDensity: test.macDensity,
          classes: found.classNames.enumerated().map { label, name in
            Result.Class(
              name: name, images: found.images(of: label), accuracy: found.accuracy(of: label))
          }, confusion: found.confusion))
    }
    print(
      String(
        format: "test accuracy %.2f%%  loss %.4f  sparsity %.1f%%  MACs %.1f%%  (step %d)",
        100 * test.accuracy, test.loss, 100 * test.sparsity, 100 * test.macDensity, test.step))
    print("\n" + ClassText.accuracies(found).text)
    if let matrix = ClassText.confusion(found, columns: 80) {
      print("\nConfusion: rows are classes, columns what the network said.\n\n" + matrix.text)
    }
  }
}
