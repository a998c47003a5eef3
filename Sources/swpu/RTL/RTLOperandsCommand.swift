// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import RTL
import Training

struct RTLOperandsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operands",
    abstract: "Write operands of a run as stimuli for `swpu rtl synth`.",
    usage: "swpu rtl operands [<options>] <run>",
    discussion: """
      Takes one step of the run's last checkpoint and prints, as text in BF16 and from the pruned layers: the \
      multiplications of the three passes in a multiplier's order, windows in the network's order, and masks. \
      --seed selects filters and pixels.

      Example:
        swpu rtl operands runs/resnet18 > rtl/syn/operands.txt
      """)

  @Argument(help: ArgumentHelp("Run folder.", valueName: "run"))
  var runFolder: String

  @Option(
    help: ArgumentHelp("Folder of the data set's files, where it has moved.", valueName: "dir"))
  var dataPath: String?

  @Option(help: "Random seed of the selection of filters and pixels.")
  var seed: UInt64 = 1

  @OptionGroup(title: "Engine") var engineOptions: EngineOptions

  func run() throws {
    let folder = RunFolder(URL(fileURLWithPath: runFolder))
    var configuration = try folder.readConfiguration()
    if let dataPath { configuration.dataPath = dataPath }
    let trainer = try Trainer(
      configuration, data: try loadData(configuration), engine: engineOptions.engine, folder: nil,
      checkpoint: try folder.latestCheckpoint())
    let layers = try trainer.operands().filter { $0.mask != nil && $0.geometry.columns > 1 }
    if layers.isEmpty {
      throw ValidationError("\(runFolder): no layer with lines was pruned; nothing to sample")
    }
    print("# \(configuration.modelName) on \(configuration.data.rawValue), ", terminator: "")
    print("\(configuration.pruning.granularity.rawValue) ", terminator: "")
    print("\(configuration.pruning.sparsity), step \(trainer.progress.step), seed \(seed)")
    var sample = OperandSample(layers, seed: seed)
    for line in sample.lines() { print(line) }
  }
}
