// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor

/// What a checkpoint of a run makes of test images.
public struct RunTest: Sendable {
  /// Loss, accuracy and mistakes.
  public let classification: Classification
  /// The step of the checkpoint.
  public let step: Int
  /// Fraction of the prunable weights that is pruned.
  public let sparsity: Double
  /// Multiply-accumulates of a forward pass as a fraction of the dense network's.
  public let macDensity: Double

  /// Fraction of the images that are classified correctly.
  public var accuracy: Double { classification.accuracy }
  /// Mean loss.
  public var loss: Double { classification.loss }
}

/// Evaluates a checkpoint of a run on the test images.
///
/// - Parameters:
///   - data: the data set; its images must have the size of the run's. They are normalised as those
///     that the run was trained on.
///   - checkpoint: which checkpoint.
/// - Throws: `InputError`, `ConfigurationError`, `NetworkError`, `MemoryError`, `FileError`,
///   `DatasetError`.
public func evaluateRun(
  _ folder: RunFolder, configuration: TrainingConfiguration, data: Dataset,
  checkpoint: CheckpointChoice = .last, engine: Engine
) throws -> RunTest {
  let chosen = try folder.checkpoint(checkpoint)
  try folder.checkConfiguration(against: chosen)
  // Runs of older versions have none.
  let images = MapShape(
    channels: data.test.channels, height: data.test.height, width: data.test.width)
  let task = try folder.readTaskIfThere()
  if let task, task.image != images || task.classNames.count != data.test.classes {
    throw ConfigurationError(
      "command line", "data",
      "has images of \(images) in \(data.test.classes) classes; the run was trained on \(task.image) "
        + "in \(task.classNames.count), as \(folder.task.path) says")
  }
  let network =
    try configuration.modelFile == nil
    ? nil : folder.network(configuration, input: images, classes: data.test.classes)
  let trainer = try Trainer(
    configuration, data: data, engine: engine, folder: nil, network: network, checkpoint: chosen,
    task: task)
  return RunTest(
    classification: try trainer.evaluate(), step: trainer.progress.step,
    sparsity: trainer.model.sparsity, macDensity: trainer.model.macDensity)
}

extension RunFolder {
  /// The run's configuration.
  ///
  /// - Throws: `FileError`, `ConfigurationError`.
  public func readConfiguration() throws -> TrainingConfiguration {
    guard let data = try readFileIfThere(configuration) else {
      throw FileError(
        configuration.path, "read", reason: "there is no such file; a run's folder has one")
    }
    return try TrainingConfiguration(yaml: data, file: configuration.path)
  }
}
