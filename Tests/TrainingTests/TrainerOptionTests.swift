// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Masks
import Pruning
import Tensor
import Testing

@testable import Training

/// Every key of a configuration file, from the text of the file to the bits of a trained model: one that
/// is read and then forgotten changes nothing.
@Suite("Every option of a training changes its bits")
struct TrainerOptionTests {
  /// Another value for each key, and what else has to be set so that it matters.
  static let values: [String: String] = [
    "model": "model: mlp",
    "width": "width: 0.25",
    "epochs": "epochs: 3",
    "batch": "batch: 32",
    "precision": "precision: bf16",
    "stash-format": "stash-format: fp8-e4m3",
    "gradient-format": "gradient-format: fp8-e5m2",
    "optimizer": "optimizer: adamw",
    "learning-rate": "learning-rate: 0.02",
    "learning-rate-decay": "learning-rate-decay: constant",
    "warm-up-epochs": "warm-up-epochs: 0",
    "momentum": "momentum: 0.5",
    "nesterov": "nesterov: true",
    "weight-decay": "weight-decay: 0.01",
    "label-smoothing": "label-smoothing: 0.1",
    "clip": "clip: 0.05",
    "augment": "augment: false",
    "granularity": "granularity: line",
    "sparsity": "sparsity: 0.5",
    "schedule": "schedule: dynamic",
    "start-density": "start-density: 0.9",
    "budget": "budget: erk",
    "balanced": "balanced: filters",
    "shape-share": "shape-share: 0.5",
    "update-interval": "update-interval: 1",
    "grow-fraction": "grow-fraction: 0.1",
    "shape-update-fraction": "shape-update-fraction: 0.5",
    "minimum-shape-fraction": "minimum-shape-fraction: 0.95",
    "block-side": "block-side: 2",
    "seed": "seed: 2",
    "recipe": "recipe: rigl",
    "ramp-end": "ramp-end: 0.25",
    "exchange-from": "exchange-from: 0.5",
    "freeze-from": "freeze-from: 0.95",
    "growth": "growth: random",
    "rotation-limit": "rotation-limit: 0",
    "freeze": "freeze: conv1",
    "crops": "crops: resized",
  ]

  /// Keys that choose the data set, which a trainer is given: `CommandTests` reads them.
  static let ofTheData: Set = [
    "data", "data-path", "image-size", "train-images", "replay", "replay-images",
  ]

  /// Keys that need a norm or another run: `TrainerTests`, `FineTuningTests` and `DistillationTests` have
  /// them.
  static let testedElsewhere: Set = [
    "recalibration-batches", "batch-norm", "distill-from", "distill-weight", "distill-temperature",
  ]

  static let base = [
    "model": "model: lenet5", "width": "width: 0.5", "epochs": "epochs: 2", "batch": "batch: 20",
    "sparsity": "sparsity: 0.8", "shape-share": "shape-share: 0.3",
    "exchange-from": "exchange-from: 0",
  ]

  private func bits(_ lines: [String: String], threads: Int = 2) throws -> [Data] {
    let yaml = Self.base.merging(lines) { _, new in new }.values.sorted().joined(separator: "\n")
    let trainer = try Trainer(
      TrainingConfiguration(yaml: yaml, file: "options.yaml"), data: TrainerTests.data,
      engine: Engine(threads: threads), folder: nil)
    #expect(try trainer.run())
    return trainer.model.blobs().map(\.bytes)
  }

  @Test("No key is forgotten here")
  func complete() {
    let keys = Set(TrainingConfiguration.keys.map(\.name))
    #expect(
      keys.subtracting(Self.values.keys).subtracting(Self.ofTheData).subtracting(
        Self.testedElsewhere)
        == ["initialize-from"])
    #expect(Set(Self.values.keys).isSubset(of: keys))
  }

  @Test("Each of them changes weights or masks; the number of threads does not")
  func changes() throws {
    let plain = try bits([:])
    #expect(try bits([:], threads: 1) == plain)
    for (key, line) in Self.values.sorted(by: { $0.key < $1.key }) {
      #expect(try bits([key: line]) != plain, "\(line) changes nothing")
    }
  }

  @Test("So does the file that training starts from")
  func initializeFrom() throws {
    let temporary = try TemporaryFolder()
    let path = temporary.url.appendingPathComponent("weights.safetensors").path
    var configuration = TrainingConfiguration()
    configuration.model = .lenet5
    configuration.width = 0.5
    configuration.seed = 77
    let other = try Trainer(
      configuration, data: TrainerTests.data, engine: Engine(threads: 1), folder: nil)
    try SafetensorsFile.encoded(other.model.exportedArrays())
      .write(to: URL(fileURLWithPath: path))
    #expect(try bits(["initialize-from": "initialize-from: \(path)"]) != bits([:]))
  }
}
