// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Tensor

extension TrainingConfiguration {
  /// Takes the defaults of fine-tuning: many short epochs on few images, from dense weights down. The
  /// learning rate follows by itself.
  ///
  /// - Parameter named: keys that somebody has set, which stay as they are.
  package mutating func takeFineTuningDefaults(except named: Set<String> = []) {
    if !named.contains("epochs") { epochs = 30 }
    if !named.contains("batch") { batch = 8 }
    if !named.contains("start-density") { pruning.startDensity = 1 }
    if !named.contains("rotation-limit") { rotationLimit = 0 }
  }

  /// Takes the network, its width and the size of its images from a run's folder or from a file of
  /// weights: from what `swpu export` has written, else from names and shapes.
  ///
  /// - Parameter named: keys that somebody has set, which stay as they are.
  /// - Throws: `InputError` where the file cannot be read, or is of no network that there is.
  package mutating func takeNetwork(of path: String, except named: Set<String>) throws {
    if isFolder(path) {
      return try takeNetwork(of: RunFolder(URL(fileURLWithPath: path)), except: named)
    }
    let file = try SafetensorsFile(path: path)
    if !named.contains("model") {
      if let name = file.metadata["model"].flatMap(ModelName.init) {
        model = name
      } else if file.metadata["model"] == nil, let found = Self.network(of: file) {
        model = found.model
        if !named.contains("image-size") { imageSize = found.side }
      } else {
        throw InputError(
          file: path, field: "model",
          value: file.metadata["model"] ?? "tensors of no network that is known",
          allowed: "weights of " + ModelName.allCases.map(\.rawValue).joined(separator: ", ")
            + ", or --model")
      }
    }
    if !named.contains("width"), let text = file.metadata["width"], let value = Double(text) {
      width = value
    }
    let sizes = (file.metadata["image"] ?? "").split(separator: "x").compactMap { Int($0) }
    if !named.contains("image-size"), sizes.count == 3 { imageSize = sizes[1] }
  }

  private mutating func takeNetwork(of run: RunFolder, except named: Set<String>) throws {
    let other = try run.readConfiguration()
    if !named.contains("model") {
      guard other.modelFile == nil else {
        throw InputError(
          file: run.url.path, field: "model", value: "the network of a file",
          allowed: "a network of the engine's, or --model \(run.networkFile.path)")
      }
      model = other.model
    }
    if !named.contains("width") { width = other.width }
    if !named.contains("image-size") {
      imageSize = try run.readTaskIfThere()?.image.height ?? other.imageSize
    }
  }

  /// The network whose tensors a file has.
  private static func network(of file: SafetensorsFile) -> (model: ModelName, side: Int)? {
    for model in ModelName.allCases {
      for side in [224, 32] {
        let found = try? WeightedNetwork(file, model: model, imageSize: side)
        // One that has room for all of it, and not the beginning of a larger one.
        if let found, found.leftOut.isEmpty { return (model, side) }
      }
    }
    return nil
  }

  /// The names of `freeze`.
  var frozenNames: [String] {
    (freeze ?? "").split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
  }
}

extension ImageTask {
  /// The same images and classes with the normalisation that a file of weights was trained with; nil where
  /// the file has none, or has other channels.
  func normalised(as file: SafetensorsFile) -> ImageTask? {
    guard let other = try? ImageTask(metadata: file.metadata, file: file.file),
      other.channels == channels
    else { return nil }
    return ImageTask(
      classNames: classNames, image: image, mean: other.mean,
      standardDeviation: other.standardDeviation)
  }
}
