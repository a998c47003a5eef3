// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Training

struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Test the last checkpoint of a run.",
    usage: "swpu evaluate [<options>] <run>",
    discussion: """
      Examples:
        swpu evaluate runs/first
        swpu evaluate runs/first --data-path /elsewhere/cifar --json
        swpu evaluate runs/first --data folder --data-path pictures
      """)

  @Argument(help: ArgumentHelp("Run folder.", valueName: "run"))
  var runFolder: String

  @Option(help: "Another data set of as many classes, normalised by its own training images.")
  var data: DatasetSource?

  @Option(
    help: ArgumentHelp("Folder of the data set's files, where it has moved.", valueName: "dir"))
  var dataPath: String?

  @OptionGroup(title: "Engine") var engineOptions: EngineOptions

  @Flag(help: "Print JSON on standard output.")
  var json = false

  private struct Result: Encodable {
    let run: String
    let step: Int
    let testAccuracy, testLoss, sparsity, macDensity: Double
  }

  func run() throws {
    let folder = RunFolder(URL(fileURLWithPath: runFolder))
    var configuration = try folder.readConfiguration()
    if let data { (configuration.data, configuration.dataPath) = (data, nil) }
    if let dataPath { configuration.dataPath = dataPath }
    let data = try loadData(configuration)
    let found = try evaluateRun(
      folder, configuration: configuration, data: data, engine: engineOptions.engine)
    let result = Result(
      run: runFolder, step: found.step, testAccuracy: found.accuracy, testLoss: found.loss,
      sparsity: found.sparsity, macDensity: found.macDensity)
    if json {
      try printJSON(result)
    } else {
      print(
        String(
          format: "test accuracy %.2f%%  test loss %.4f  sparsity %.1f%%  MACs %.1f%%  (step %d)",
          100 * found.accuracy, found.loss, 100 * found.sparsity, 100 * found.macDensity,
          found.step))
    }
  }
}
