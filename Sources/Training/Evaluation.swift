// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor

/// Evaluates the last checkpoint of a run on the test images.
///
/// - Parameter data: the data set; its images must have the size of the run's.
/// - Returns: accuracy and loss, and the configuration they belong to.
/// - Throws: `InputError`, `ConfigurationError`, `NetworkError`, `MemoryError`, `FileError`,
///   `DatasetError`.
public func evaluateRun(
  _ folder: RunFolder, configuration: TrainingConfiguration, data: Dataset, engine: Engine
) throws -> (accuracy: Double, loss: Double, step: Int, sparsity: Double, macDensity: Double) {
  let latest = try folder.latestCheckpoint()
  let trainer = try Trainer(
    configuration, data: data, engine: engine, folder: nil, checkpoint: latest)
  let result = try trainer.evaluate()
  return (
    result.accuracy, result.loss, trainer.progress.step, trainer.model.sparsity,
    trainer.model.macDensity
  )
}

extension RunFolder {
  /// The run's configuration.
  ///
  /// - Throws: `FileError`, `ConfigurationError`.
  public func readConfiguration() throws -> TrainingConfiguration {
    guard let data = FileManager.default.contents(atPath: configuration.path) else {
      throw FileError(
        configuration.path, "read", reason: "there is no such file; a run's folder has one")
    }
    return try TrainingConfiguration(
      yaml: data, file: configuration.path)
  }
}
