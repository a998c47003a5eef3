// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Processor
import Pruning
import Tensor
import Testing
import Training

/// Two convolutions with a shortcut around the second.
func smallNetwork() throws -> Network {
  var network = Network(name: "small", input: MapShape(channels: 3, height: 32, width: 32))
  var x = try network.convolution("conv1", network.input, filters: 8, kernel: 3, padding: 1)
  x = try network.batchNorm("bn1", x, activation: .relu)
  let shortcut = x
  x = try network.convolution("conv2", x, filters: 8, kernel: 3, padding: 1)
  x = try network.batchNorm("bn2", x, adding: shortcut, activation: .relu)
  x = try network.globalAveragePool("pool", x)
  try network.linear("fc", x, outputs: 10, prunable: false)
  return network
}

/// The Swift of documents: each block of it is here, word for word.
@Suite struct SnippetTests {
  @Test func readme() throws {
    var network = Network(name: "mine", input: MapShape(channels: 3, height: 32, width: 32))
    var x = try network.convolution("conv1", network.input, filters: 32, kernel: 3, padding: 1)
    x = try network.batchNorm("bn1", x, activation: .relu)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 10)
    #expect(network.map(network.output).count == 10)
  }

  @Test func training() throws {
    var configuration = TrainingConfiguration()
    configuration.epochs = 2
    let data = try configuration.data.load(trainCount: 320, testCount: 80)
    configuration.width = 0.25
    let trainer = try Trainer(configuration, data: data, engine: Engine(threads: 2), folder: nil)
    _ = try trainer.run()
    print(trainer.progress.testAccuracy, trainer.model.sparsity)
    #expect(trainer.progress.testAccuracy > 0)
  }

  @Test func processor() throws {
    let network = try ModelName.resnet20.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
    let workload = Workload(
      network.description(batch: 4), pruning: PruningConfiguration(sparsity: 0.9), seed: 1)
    let step = try Simulator(.swpu).step(workload)
    print(step.totals.cycles, step.totals.teraflopsPerWatt.effectualCore)
    #expect(step.totals.teraflopsPerWatt.effectualCore > 0)
  }

  @Test func simulateYourNetwork() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("swpu-own-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    let run = RunFolder(folder)
    var configuration = TrainingConfiguration()
    configuration.epochs = 2
    configuration.pruning.sparsity = 0.8
    let data = try configuration.data.load(trainCount: 320, testCount: 80)
    let trainer = try Trainer(
      configuration, data: data, engine: Engine(threads: 2), folder: run, network: smallNetwork())
    _ = try trainer.run()

    let workload = try run.workload(try #require(run.maskFiles.last))
    let sparse = try Simulator(.swpu).step(workload).totals
    let dense = try Simulator(.baseline(.dense, like: .swpu)).step(workload).totals
    print("cycles \(sparse.cycles), dense \(dense.cycles)")
    print("picojoules \(sparse.energyPicojoules.total), dense \(dense.energyPicojoules.total)")
    #expect(sparse.cycles < dense.cycles)
    #expect(workload.layers.map(\.name) == ["conv1", "conv2", "fc"])
  }
}
