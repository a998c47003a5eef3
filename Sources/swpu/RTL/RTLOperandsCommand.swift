// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import RTL
import Training

struct RTLOperandsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "operands",
    abstract: "Write operands of a run as stimuli for `swpu rtl synth`.",
    discussion: """
      Takes one step of the run's last checkpoint and prints, as text: products of the three passes as
      a multiplier sees them one after the other, windows as a network sees them, and masks. All in
      BF16, from the layers that are pruned; which filters and pixels is drawn from --seed.

      Example:
        swpu rtl operands runs/resnet18 > rtl/syn/operands.txt
      """)

  @Argument(help: ArgumentHelp("Folder of the run.", valueName: "run"))
  var runFolder: String

  @Option(help: ArgumentHelp("Folder of the data set's files, if it has moved.", valueName: "dir"))
  var dataPath: String?

  @Option(help: "Seeds the choice of filters and pixels.")
  var seed: UInt64 = 1

  @OptionGroup(title: "Where to compute") var engineOptions: EngineOptions

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
    print("# \(configuration.model.rawValue) on \(configuration.data.rawValue), ", terminator: "")
    print("\(configuration.pruning.granularity.rawValue) ", terminator: "")
    print("\(configuration.pruning.sparsity), step \(trainer.progress.step), seed \(seed)")
    var sample = OperandSample(layers, seed: seed)
    for line in sample.lines() { print(line) }
  }
}
