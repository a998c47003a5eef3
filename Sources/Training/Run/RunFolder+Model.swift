import Tensor

extension RunFolder {
  /// The network of the run's last checkpoint with its weights, for passes of at most `batch`
  /// images. The data set is not needed.
  ///
  /// - Throws: `FileError`, `MaskError`, `ConfigurationError`, `CheckpointError`, `NetworkError`,
  ///   `MemoryError`.
  public func restoredModel(engine: Engine, batch: Int = 1) throws -> (model: Model, step: Int) {
    let configuration = try readConfiguration()
    let description = try readNetwork()
    guard let first = description.convolutions.first, let last = description.convolutions.last
    else { preconditionFailure("a validated network has layers") }
    let network = try configuration.model.network(
      input: first.geometry.input, classes: last.geometry.filters, width: configuration.width)
    let model = try Model(network, engine: engine, batch: batch, seed: 0)
    let latest = try latestCheckpoint()
    try model.restore(latest.checkpoint, file: latest.file.path)
    return (model, latest.checkpoint.progress.step)
  }
}
