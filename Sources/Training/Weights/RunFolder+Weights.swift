// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Tensor

extension RunFolder {
  /// The weights of one of the run's checkpoints as a safetensors file, in the names and shapes of
  /// `Model.exportedArrays`, with what is needed to use them in its metadata.
  ///
  /// - Throws: `FileError`, `InputError`, `ConfigurationError`, `NetworkError`, `MemoryError`.
  public func exportedWeights(engine: Engine, checkpoint: CheckpointChoice = .last) throws -> Data {
    let (model, step) = try restoredModel(engine: engine, checkpoint: checkpoint)
    var metadata = try exportMetadata(of: model, step: step)
    metadata["format"] = "pt"
    return SafetensorsFile.encoded(model.exportedArrays(), metadata: metadata)
  }

  /// What a file of the run's network says about it: its name, width, step, images and classes.
  ///
  /// - Throws: `FileError`, `InputError`, `ConfigurationError`.
  public func exportMetadata(of model: Model, step: Int) throws -> [String: String] {
    let metadata = [
      "model": model.network.name, "step": "\(step)", "width": "\(try readConfiguration().width)",
    ]
    let input = model.network.map(model.network.input)
    let image = ["image": "\(input.channels)x\(input.height)x\(input.width)"]
    let task = try readTaskIfThere()?.checked(for: input, classes: model.classes, file: task.path)
    return metadata.merging(task?.metadata ?? image) { $1 }
  }
}

extension SafetensorsFile {
  /// The weights of a safetensors file, or those of the last checkpoint of a run's folder.
  ///
  /// - Throws: as `init(path:)` and `RunFolder.exportedWeights`.
  init(weightsOf path: String, engine: Engine) throws {
    guard isFolder(path) else {
      self = try SafetensorsFile(path: path)
      return
    }
    let run = RunFolder(URL(fileURLWithPath: path))
    self = try SafetensorsFile(run.exportedWeights(engine: engine), file: path)
  }
}
