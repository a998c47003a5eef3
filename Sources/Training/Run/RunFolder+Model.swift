// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor

extension RunFolder {
  /// The network that the run's configuration names, for its images and classes.
  ///
  /// - Throws: `FileError`, `InputError`, `ConfigurationError`, `NetworkError`.
  public func configuredNetwork() throws -> Network {
    let configuration = try readConfiguration()
    let description = try readNetwork()
    guard let first = description.convolutions.first, let last = description.convolutions.last
    else { preconditionFailure("a validated network has layers") }
    var input = first.geometry.input
    // A linear layer is described by its flat input.
    if input.pixels == 1, FileManager.default.fileExists(atPath: task.path) {
      let image = try readTask().image
      if image.count == input.count { input = image }
    }
    return try network(configuration, input: input, classes: last.geometry.filters)
  }

  /// The file that the network of the run came from, where it is none of the engine's.
  public var networkFile: URL { url.appendingPathComponent("network.onnx") }

  /// Keeps a copy of the file that the network came from.
  ///
  /// - Throws: `FileError`.
  func copyNetwork(_ path: String) throws(FileError) {
    let content: Data
    do {
      content = try fileBytes(path)
    } catch {
      throw FileError(path, "copy", reason: error.value)
    }
    try writeAtomically(content, to: networkFile)
  }

  /// The network of a configuration; that of a file comes from the run's copy.
  func network(_ configuration: TrainingConfiguration, input: MapShape, classes: Int) throws
    -> Network
  {
    guard configuration.modelFile != nil else {
      return try configuration.model.network(
        input: input, classes: classes, width: configuration.width)
    }
    return try ONNXModel(path: networkFile.path).network(input: input, classes: classes)
  }

  /// The network of one of the run's checkpoints with its weights, for passes of at most `batch`
  /// images. The data set is not needed.
  ///
  /// - Throws: `FileError`, `InputError`, `ConfigurationError`, `NetworkError`,
  ///   `MemoryError`.
  public func restoredModel(
    engine: Engine, batch: Int = 1, checkpoint: CheckpointChoice = .last
  ) throws -> (model: Model, step: Int) {
    let chosen = try self.checkpoint(checkpoint)
    try checkConfiguration(against: chosen)
    let precision = try readConfiguration().precision.precision(on: engine.kernels)
    let model = try Model(
      configuredNetwork(), engine: engine.with(precision), batch: batch, seed: 0)
    try model.restore(chosen.checkpoint, file: chosen.file.path)
    return (model, chosen.checkpoint.progress.step)
  }
}
