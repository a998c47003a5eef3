// SPDX-License-Identifier: Apache-2.0
import Files
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
    return try configuration.model.network(
      input: first.geometry.input, classes: last.geometry.filters, width: configuration.width)
  }

  /// The network of the run's last checkpoint with its weights, for passes of at most `batch`
  /// images. The data set is not needed.
  ///
  /// - Throws: `FileError`, `InputError`, `ConfigurationError`, `NetworkError`,
  ///   `MemoryError`.
  public func restoredModel(engine: Engine, batch: Int = 1) throws -> (model: Model, step: Int) {
    let precision = try readConfiguration().precision.precision(on: engine.kernels, batch: batch)
    let model = try Model(
      configuredNetwork(), engine: engine.with(precision), batch: batch, seed: 0)
    let latest = try latestCheckpoint()
    try model.restore(latest.checkpoint, file: latest.file.path)
    return (model, latest.checkpoint.progress.step)
  }
}
