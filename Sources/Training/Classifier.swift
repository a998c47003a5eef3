// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Synchronization
import Tensor

/// A trained network with what it reads and says, ready to classify image files.
///
/// ```swift
/// let classifier = try Classifier(path: "runs/mine", engine: Engine())
/// try classifier.classify(["cat.jpg"]) { print($0.classes.first?.name ?? $0.problem ?? "") }
/// ```
public final class Classifier {
  /// What the network says about an image.
  public struct Prediction: Sendable, Codable {
    /// A class and its probability.
    public struct Class: Sendable, Codable {
      /// The name of the class.
      public let name: String
      /// 0 to 1; those of all classes add up to 1.
      public let probability: Double
    }

    /// The path of the image.
    public let image: String
    /// The classes, the most probable first; none where the image could not be read.
    public let classes: [Class]
    /// Why the image could not be read; nil where it was.
    public let problem: String?
  }

  /// What the network reads and says.
  public let task: ImageTask
  private let model: Model

  /// The most images of a pass.
  private static let batch = 32

  init(_ model: Model, task: ImageTask, file: String) throws(InputError) {
    let image = model.network.map(model.network.input)
    self.task = try task.checked(for: image, classes: model.classes, file: file)
    self.model = model
  }

  /// The network of a run's folder, or of a file (.safetensors, .onnx) that `swpu export` wrote.
  ///
  /// - Parameter checkpoint: which checkpoint of a run.
  /// - Throws: `FileError`, `InputError`, `ConfigurationError`, `NetworkError`, `MemoryError`.
  public convenience init(
    path: String, checkpoint: CheckpointChoice = .last, engine: Engine
  ) throws {
    if path.hasSuffix(".safetensors") {
      let file = try SafetensorsFile(path: path)
      let task = try ImageTask(metadata: file.metadata, file: path)
      let network = try WeightedNetwork(file, model: nil, imageSize: nil).network
      let model = try Model(network, engine: engine, batch: Self.batch, seed: 0)
      _ = try model.load(file)
      try self.init(model, task: task, file: path)
    } else if path.hasSuffix(".onnx") {
      let file = try ONNXModel(path: path)
      let task = try file.task()
      let network = try file.network(input: task.image, classes: task.classNames.count)
      let model = try Model(network, engine: engine, batch: Self.batch, seed: 0)
      _ = try model.load(file.weights(for: network))
      try self.init(model, task: task, file: path)
    } else {
      let folder = RunFolder(URL(fileURLWithPath: path))
      let task = try folder.readTask()
      let model = try folder.restoredModel(
        engine: engine, batch: Self.batch, checkpoint: checkpoint
      ).model
      try self.init(model, task: task, file: folder.task.path)
    }
  }

  /// Classifies images, in their order.
  ///
  /// - Parameter report: called on this thread with each prediction.
  /// - Throws: what `report` throws.
  public func classify(_ paths: [String], report: (Prediction) throws -> Void) rethrows {
    let values = task.channels * task.height * task.width
    for start in stride(from: 0, to: paths.count, by: Self.batch) {
      let part = Array(paths[start..<min(start + Self.batch, paths.count)])
      let images = Mutex([Int: Result<[Float], PictureError>]())
      DispatchQueue.concurrentPerform(iterations: part.count) { [task] index in
        let image = Self.read(part[index], for: task)
        images.withLock { $0[index] = image }
      }
      let read = images.withLock { $0 }
      var staged = [Float](repeating: 0, count: Self.batch * values)
      for (index, image) in read {
        if case .success(let image) = image {
          staged.replaceSubrange(index * values..<(index + 1) * values, with: image)
        }
      }
      model.stage(staged)
      model.forward(images: part.count, training: false)
      let logits = model.logits(images: part.count)
      for (index, path) in part.enumerated() {
        if case .failure(let error)? = read[index] {
          try report(Prediction(image: path, classes: [], problem: error.description))
          continue
        }
        let classes = softmax(logits[index * model.classes..<(index + 1) * model.classes])
        let order = classes.indices.sorted { (-classes[$0], $0) < (-classes[$1], $1) }
        try report(
          Prediction(
            image: path,
            classes: order.map {
              Prediction.Class(name: task.classNames[$0], probability: classes[$0])
            }, problem: nil))
      }
    }
  }

  /// An image as training reads it: upright, its centre square scaled, normalised.
  private static func read(_ path: String, for task: ImageTask) -> Result<[Float], PictureError> {
    guard Picture.isReadable else {
      return .failure(
        PictureError(
          description: "this program was built without image libraries; needs "
            + Picture.howToRead))
    }
    do throws(PictureError) {
      guard task.height == task.width else {
        throw PictureError(
          description: "the network reads \(task.height)x\(task.width) pixels, not a square")
      }
      let square = try Picture(path: path).square(side: task.height)
      return .success(task.normalised(task.channels == 1 ? Picture.grey(square) : square))
    } catch {
      return .failure(error)
    }
  }

  /// The PNG and JPEG files among paths and in folders and those below them, in alphabetical order.
  public static func imageFiles(_ paths: [String]) -> [String] {
    paths.flatMap { path -> [String] in
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue
      else { return [path] }
      let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
      return names.filter { name in
        PictureFolder.endings.contains((name as NSString).pathExtension.lowercased())
          && !name.split(separator: "/").contains { $0.hasPrefix(".") }
      }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { path + "/" + $0 }
    }
  }
}
