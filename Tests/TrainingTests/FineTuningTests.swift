// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Oracles
import Tensor
import Testing

@testable import Training

@Suite("Fine-tuning")
struct FineTuningTests {
  private func network() throws -> Network {
    var network = Network(name: "two", input: MapShape(channels: 3, height: 8, width: 8))
    var x = try network.convolution("a.conv", network.input, filters: 8, kernel: 3, padding: 1)
    x = try network.batchNorm("a.norm", x, activation: .relu)
    let shortcut = x
    x = try network.convolution("b.conv", x, filters: 8, kernel: 3, padding: 1)
    x = try network.batchNorm("b.norm", x, adding: shortcut, activation: .relu)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 4)
    return network
  }

  private func model() throws -> (model: Model, images: [Float], labels: [Int32]) {
    let model = try Exported.model(network(), seed: 7)
    var random = SeededRandom(seed: 2)
    return (model, randomValues(3 * 3 * 64, &random), [0, 3, 1])
  }

  private func loss(_ model: Model, _ labels: [Int32]) -> Double {
    model.forward(images: 3, training: true)
    return model.evaluate(SoftmaxCrossEntropy(), labels: labels, images: 3).loss
  }

  @Test("Gradients through frozen normalisations are those of finite differences")
  func gradients() throws {
    let (model, images, labels) = try model()
    try model.freeze([], norms: true)
    model.stage(images)
    _ = loss(model, labels)
    model.backward(images: 3, denseGradients: false)
    for name in ["a.conv.weight", "b.conv.weight", "fc.weight"] {
      let parameter = try #require(model.parameters.first { $0.name == name })
      let gradient = parameter.gradient.array()
      for place in stride(from: 0, to: gradient.count, by: max(1, gradient.count / 12)) {
        let value = parameter.values[place]
        if value == 0 { continue }
        let step: Float = 1e-2
        var losses: [Double] = []
        for sign: Float in [1, -1] {
          parameter.values[place] = value + sign * step
          losses.append(loss(model, labels))
        }
        parameter.values[place] = value
        let expected = (losses[0] - losses[1]) / Double(2 * step)
        #expect(
          abs(Double(gradient[place]) - expected) < 2e-3 + 0.03 * abs(expected),
          "\(name) \(place): \(gradient[place]) \(expected)")
      }
    }
  }

  @Test("Frozen layers keep their bits, the others learn", arguments: [["a"], ["a.conv", "fc"]])
  func frozen(names: [String]) throws {
    let (model, images, labels) = try model()
    try model.freeze(names, norms: false)
    let optimizer = Optimizer.sgd(momentum: 0.9, nesterov: false, weightDecay: 0.01)
    optimizer.prepare(model.parameters)
    func values() -> [String: [Float]] {
      Dictionary(
        uniqueKeysWithValues: (model.parameters.map { ($0.name, $0.values.array()) })
          + model.statistics.map { ($0.name, $0.values.array()) })
    }
    let before = values()
    model.stage(images)
    let first = loss(model, labels)
    for step in 0..<20 {
      _ = loss(model, labels)
      model.backward(images: 3)
      optimizer.update(
        model.parameters, rate: 0.05, step: step, gradientScale: 1, engine: model.engine)
    }
    #expect(loss(model, labels) < first)
    for (name, values) in values() {
      let isFrozen = names.contains { name.hasPrefix($0 + ".") }
      #expect((before[name] == values) == isFrozen, "\(name)")
    }
  }

  @Test("A layer that is not there is named, with those that are")
  func unknown() throws {
    let (model, _, _) = try model()
    let error = #expect(throws: ConfigurationError.self) {
      try model.freeze(["a", "c"], norms: false)
    }
    #expect(error?.description.contains("'c'") == true)
    #expect(error?.description.contains("a, b, pool, fc") == true)
  }

  @Test("A replayed data set brings its images, labels and order by the seed")
  func replay() throws {
    let new = try DatasetSource.synthetic.load(seed: 1, trainCount: 20, testCount: 10)
    let old = try DatasetSource.synthetic.load(seed: 2, trainCount: 30, testCount: 10)
    let mixed = try new.replaying(old, count: 12, seed: 3)
    #expect(mixed.train.count == 32 && mixed.test.count == 10)
    #expect(try mixed.train.prefix(20).pixels == new.train.pixels)
    let size = new.train.imageSize
    let pool = try old.train.pixels
    let images = try mixed.train.pixels
    for index in 20..<32 {
      let image = images[index * size..<(index + 1) * size]
      let place = (0..<30).first { pool[$0 * size..<($0 + 1) * size].elementsEqual(image) }
      #expect(old.train.labels[try #require(place)] == mixed.train.labels[index])
    }
    #expect(try new.replaying(old, count: 12, seed: 3).train.pixels == images)
    #expect(try new.replaying(old, count: 12, seed: 4).train.pixels != images)
  }

  @Test("Resized crops are parts of the image, between its darkest and brightest value")
  func crops() throws {
    let line: [UInt8] = (0..<24).map { column in UInt8(60 + column * 4) }
    let pixels = Array([[UInt8]](repeating: line, count: 2 * 3 * 24).joined())
    let set = ImageSet(
      channels: 3, height: 24, width: 24, classNames: ["a", "b"], pixels: pixels, labels: [0, 1])
    let recipe = BatchRecipe(
      set: set, mean: [0, 0, 0], deviation: [1, 1, 1], batch: 2,
      augmentation: Augmentation(padding: 3, flips: false, resizes: true), seed: 1, shuffle: false,
      dropLast: true)
    var batch = Batch()
    var widths: Set<Int> = []
    for epoch in 0..<20 {
      try recipe.fill(&batch, epoch: epoch, index: 0, order: [0, 1])
      let row = (0..<24).map { batch.images[$0] * 255 }
      // The image is a ramp from left to right; a part of it is a flatter one.
      #expect(row == row.sorted() && row[0] >= 59.9 && row[23] <= 152.1)
      let extent = (row[23] - row[0]) / (23 * 4)
      #expect(extent > 0.45 && extent <= 1.001)
      widths.insert(Int(extent * 1000))
      for line in 1..<24 {
        for column in 0..<24 {
          #expect(abs(batch.images[line * 24 + column] * 255 - row[column]) < 1e-3)
        }
      }
    }
    #expect(widths.count > 10)
    var random = SeededRandom(seed: 5)
    for _ in 0..<200 {
      let part = try #require(recipe.augmentation.placement(&random).part)
      #expect(part.height > 0.5 && part.height <= 1 && part.width > 0.5 && part.width <= 1)
      #expect(part.top >= 0 && part.left >= 0)
      #expect(part.top + part.height <= 1.0001 && part.left + part.width <= 1.0001)
      #expect(part.height * part.width > 0.3)
    }
  }

  @Test("A file of given weights sets other defaults, which keys of their own override")
  func defaults() throws {
    let plain = TrainingConfiguration()
    let tuned = try TrainingConfiguration(yaml: "initialize-from: w.safetensors", file: "c.yaml")
    #expect(tuned.pruning.startDensity == 1 && tuned.epochs == 30 && tuned.batch == 8)
    #expect(tuned.peakLearningRate == plain.peakLearningRate / 10)
    let named = try TrainingConfiguration(
      yaml: "epochs: 3\nstart-density: 0.25\nlearning-rate: 0.5\ninitialize-from: w.safetensors",
      file: "c.yaml")
    #expect(named.epochs == 3 && named.pruning.startDensity == 0.25)
    #expect(named.peakLearningRate == 0.5)
    #expect(try TrainingConfiguration(yaml: named.yaml, file: "c.yaml") == named)
  }

  @Test("The network, its width and its image size come from the file", arguments: [true, false])
  func networkOfFile(hasMetadata: Bool) throws {
    let image = MapShape(channels: 3, height: 32, width: 32)
    let model = try Model(
      ModelName.resnet18.network(input: image, classes: 5, width: 0.125),
      engine: Engine(threads: 1),
      batch: 1, seed: 1)
    let path = NSTemporaryDirectory() + "w-\(UUID()).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let metadata = ["model": "resnet18", "width": "0.125", "image": "3x48x48"]
    try SafetensorsFile.encoded(model.exportedArrays(), metadata: hasMetadata ? metadata : [:])
      .write(to: URL(fileURLWithPath: path))
    var configuration = TrainingConfiguration()
    try configuration.takeNetwork(of: path, except: [])
    #expect(configuration.model == .resnet18)
    #expect(configuration.imageSize == (hasMetadata ? 48 : 32))
    var named = TrainingConfiguration()
    try named.takeNetwork(of: path, except: ["model", "image-size", "width"])
    #expect(named == TrainingConfiguration())
  }
}
