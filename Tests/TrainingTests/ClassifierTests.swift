// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Oracles
import Tensor
import Testing

@testable import Training

/// A trained network is used on image files: from its run, from its weights, and in another program.
@Suite("Classifiers", .enabled(if: Picture.isTested))
struct ClassifierTests {
  /// Noisy images in two colours that a network can learn, as PNG files.
  private static func png(_ label: Int, _ random: inout SeededRandom, side: Int = 16) -> Data {
    let pixels = (0..<side * side).flatMap { _ -> [UInt8] in
      let (strong, weak) = (UInt8(120 + random.below(120)), UInt8(random.below(110)))
      return label == 0 ? [strong, weak, 60] : [60, weak, strong]
    }
    return pngFile(width: side, height: side, channels: 3, pixels: pixels)
  }

  /// A run on such images, and images of both classes that it has not seen.
  private struct Trained {
    let data: DataFolder
    let run: RunFolder
    let images: [String]

    init(_ model: ModelName = .resnet20) throws {
      data = try DataFolder()
      var random = SeededRandom(seed: 3)
      for split in ["train", "val"] {
        for index in 0..<(split == "train" ? 24 : 4) {
          for (label, name) in ["red, \"warm\"", "blau"].enumerated() {
            try data.write(
              Array(ClassifierTests.png(label, &random)), "\(split)/\(name)/\(index).png")
          }
        }
      }
      var images: [String] = []
      for (index, side) in [16, 16, 16, 16, 33, 50].enumerated() {
        try data.write(
          Array(ClassifierTests.png(index % 2, &random, side: side)), "new/\(index).png")
        images.append(data.path + "/new/\(index).png")
      }
      for file in try PictureFile.all().prefix(6) {
        let name = file.name + (file.name.hasPrefix("png") ? ".png" : ".JPG")
        try data.write(file.bytes, "new/\(name)")
        images.append(data.path + "/new/\(name)")
      }
      self.images = images
      var configuration = TrainingConfiguration()
      configuration.model = model
      configuration.width = 0.25
      configuration.data = .folder
      configuration.batch = 8
      configuration.epochs = 3
      // A few steps have to do.
      configuration.rotationLimit = 0
      configuration.warmUpEpochs = 0
      configuration.pruning.sparsity = 0.5
      let set = try DatasetSource.folder.load(path: data.path, imageSize: 16)
      run = RunFolder(URL(fileURLWithPath: data.path + "/run"))
      let trainer = try Trainer(configuration, data: set, engine: Engine(threads: 2), folder: run)
      #expect(try trainer.run())
    }

    func classify(_ path: String, checkpoint: CheckpointChoice = .last) throws
      -> [Classifier.Prediction]
    {
      var found: [Classifier.Prediction] = []
      let classifier = try Classifier(
        path: path, checkpoint: checkpoint, engine: Engine(threads: 1))
      classifier.classify(images) { found.append($0) }
      return found
    }
  }

  private func isSame(
    _ first: Classifier.Prediction, _ second: [(name: String, probability: Double)],
    within allowed: Double
  ) -> Bool {
    first.classes.count == second.count
      && zip(first.classes, second).allSatisfy {
        $0.name == $1.name && abs($0.probability - $1.probability) <= allowed
      }
  }

  /// The second is described by a flat input, and reads images all the same.
  @Test(
    "A run and its weights say the same of new images, and are right",
    arguments: [ModelName.resnet20, .mlp])
  func runAndWeights(name: ModelName) throws {
    let trained = try Trained(name)
    let found = try trained.classify(trained.run.url.path)
    #expect(found.map(\.image) == trained.images && found.allSatisfy { $0.problem == nil })
    for (index, prediction) in found.prefix(6).enumerated() {
      #expect(prediction.classes.first?.name == ["red, \"warm\"", "blau"].sorted()[1 - index % 2])
      #expect(abs(prediction.classes.reduce(0) { $0 + $1.probability } - 1) < 1e-12)
    }
    let task = try trained.run.readTask()
    #expect(task.classNames == ["blau", "red, \"warm\""])
    let (model, _) = try trained.run.restoredModel(engine: Engine(threads: 1))
    let file = trained.data.path + "/w.safetensors"
    let metadata = ["model": name.rawValue, "width": "0.25"].merging(task.metadata) { $1 }
    try SafetensorsFile.encoded(model.exportedArrays(), metadata: metadata)
      .write(to: URL(fileURLWithPath: file))
    for (one, other) in zip(found, try trained.classify(file)) {
      #expect(isSame(one, other.classes.map { ($0.name, $0.probability) }, within: 1e-5))
    }
  }

  @Test("A file that is no image is reported, and the others are classified")
  func problems() throws {
    let trained = try Trained()
    let classifier = try Classifier(path: trained.run.url.path, engine: Engine(threads: 2))
    var found: [Classifier.Prediction] = []
    classifier.classify(["/nowhere.png", trained.images[1], trained.run.task.path]) {
      found.append($0)
    }
    #expect(found.map { $0.problem == nil } == [false, true, false])
    #expect(found[0].problem == "no such file" && found[1].classes.first?.name == "blau")
    let folder = Classifier.imageFiles([trained.data.path + "/new", "x.gif"])
    #expect(Set(folder) == Set(trained.images + ["x.gif"]))
  }

  @Test("The best checkpoint is that of the epoch with the best accuracy at the last sparsity")
  func best() throws {
    let trained = try Trained()
    let epochs = try trained.run.readMetrics().epochs.map(\.report)
    let last = try #require(epochs.last)
    let sparse = epochs.filter { abs($0.sparsity - last.sparsity) < 0.005 }
    let best = try #require(sparse.map(\.testAccuracy).max())
    let (_, checkpoint) = try trained.run.checkpoint(.best)
    #expect(checkpoint.progress.best?.testAccuracy == best)
    #expect(checkpoint.progress.testAccuracy == best)
    #expect(try trained.classify(trained.run.url.path, checkpoint: .best).count == 12)
    let results: [(accuracy: Double, sparsity: Double)] = [
      (0.9, 0.5), (0.4, 0.9), (0.5, 0.9), (0.5, 0.9), (0.45, 0.9),
    ]
    var order: [BestEpoch] = []
    for (index, result) in results.enumerated() {
      let epoch = BestEpoch(
        epoch: index + 1, testAccuracy: result.accuracy, sparsity: result.sparsity)
      if epoch.isBetter(than: order.last) { order.append(epoch) }
    }
    #expect(order.map(\.epoch) == [1, 2, 3])
  }

  @Test("Normalisation in the graph is that of the images")
  func graph() throws {
    let model = try Exported.model(.resnet20)
    let task = ImageTask(
      classNames: (0..<7).map(String.init), image: Exported.map, mean: [0.1, 0.4, 0.5],
      standardDeviation: [0.2, 0.25, 0.3])
    let plain = model.onnxGraph(foldingBatchNorm: true)
    let graph = model.onnxGraph(foldingBatchNorm: true, task: task)
    #expect(graph.nodes.prefix(2).map(\.operation) == ["Sub", "Div"])
    #expect(graph.nodes.count == plain.nodes.count + 2)
    let networks = try [plain, graph].map { try ONNXNetwork($0, file: "m.onnx").network }
    #expect(networks[0].convolutions == networks[1].convolutions)
    #expect(networks[0].vectorLayers == networks[1].vectorLayers)
  }

  @Test(
    "ONNX Runtime says the same of image files from the exported file alone",
    .needsPython("onnxruntime"))
  func runtime() throws {
    let trained = try Trained()
    let found = try trained.classify(trained.run.url.path)
    let (model, _) = try trained.run.restoredModel(engine: Engine(threads: 1))
    let task = try trained.run.readTask()
    for folding in [false, true] {
      let file = trained.data.path + "/m.onnx"
      try model.onnxGraph(foldingBatchNorm: folding, task: task)
        .encoded(producer: ("test", "1"), metadata: task.metadata)
        .write(to: URL(fileURLWithPath: file))
      let said = try Python.run(script: "classify_onnx.py", [file] + trained.images)
      struct Pair: Decodable {
        let name: String
        let probability: Double
        init(from decoder: any Decoder) throws {
          var values = try decoder.unkeyedContainer()
          name = try values.decode(String.self)
          probability = try values.decode(Double.self)
        }
      }
      let theirs = try JSONDecoder().decode([[Pair]].self, from: said)
      #expect(theirs.count == found.count)
      for (index, (ours, theirs)) in zip(found, theirs).enumerated() {
        // Images of the network's size need no scaling, in which Pillow rounds once more: half a level of
        // a pixel, which a network after a dozen steps turns into three hundredths.
        let isExact = index < 4
        #expect(
          isSame(ours, theirs.map { ($0.name, $0.probability) }, within: isExact ? 1e-4 : 0.05),
          "\(ours) \(theirs.map { ($0.name, $0.probability) })")
      }
    }
  }
}
