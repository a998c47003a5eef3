// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Tensor
import Testing

@testable import Training

@Suite("Weights in and out")
struct WeightExchangeTests {
  private let map = MapShape(channels: 3, height: 32, width: 32)

  private func model(_ name: ModelName, classes: Int = 7, seed: UInt64) throws -> Model {
    let model = try Model(
      name.network(input: map, classes: classes, width: 0.125), engine: Engine(threads: 2),
      batch: 3, seed: seed)
    // Scales, shifts and statistics that differ from where they start.
    var random = SeededRandom(seed: seed, stream: 9)
    for case let norm as BatchNormLayer in model.layers {
      for channel in 0..<norm.runningMean.count {
        norm.gamma.values[channel] = 1 + 0.2 * random.normal()
        norm.beta.values[channel] = 0.2 * random.normal()
        norm.runningMean[channel] = 0.2 * random.normal()
        norm.runningVariance[channel] = 1 + random.uniform()
      }
    }
    return model
  }

  private func logits(_ model: Model) -> [Float] {
    var random = SeededRandom(seed: 4)
    model.stage(randomValues(3 * map.count, &random))
    model.forward(images: 3, training: false)
    return model.logits(images: 3)
  }

  private func file(_ arrays: [NamedArray]) throws -> SafetensorsFile {
    try SafetensorsFile(SafetensorsFile.encoded(arrays), file: "w.safetensors")
  }

  @Test("A model that takes what another wrote gives its logits", arguments: ModelName.allCases)
  func roundTrip(name: ModelName) throws {
    let (source, target) = (try model(name, seed: 1), try model(name, seed: 2))
    #expect(logits(source) != logits(target))
    let arrays = source.exportedArrays()
    let taken = try target.load(file(arrays))
    #expect(taken == WeightImport(tensors: arrays.count))
    #expect(logits(source) == logits(target))
    #expect(target.exportedArrays() == arrays)
  }

  @Test("A bias before a norm moves into the norm's mean")
  func bias() throws {
    let source = try model(.vgg16, seed: 1)
    let expected = logits(source)
    var arrays = source.exportedArrays()
    var random = SeededRandom(seed: 3)
    for index in arrays.indices where arrays[index].name.hasPrefix("features") {
      // The norm after `features.N` is `features.N+1`.
      guard arrays[index].name.hasSuffix(".bias"),
        let position = Int(arrays[index].name.split(separator: ".")[1]),
        let mean = arrays.firstIndex(where: {
          $0.name == "features.\(position + 1).running_mean"
        })
      else { continue }
      for channel in arrays[index].values.indices {
        let bias = random.normal()
        arrays[index].values[channel] = bias
        arrays[mean].values[channel] += bias
      }
    }
    #expect(arrays != source.exportedArrays())
    let target = try model(.vgg16, seed: 2)
    _ = try target.load(file(arrays))
    for (a, b) in zip(logits(target), expected) { #expect(abs(a - b) < 1e-4 * max(1, abs(b))) }
  }

  @Test("A classifier of another size keeps its random weights; counters of batches are ignored")
  func classifier() throws {
    let source = try model(.resnet18, classes: 5, seed: 1)
    let target = try model(.resnet18, seed: 2)
    let drawn = try #require(target.convolutions.last).denseWeights
    let counter = NamedArray(name: "bn1.num_batches_tracked", shape: [], values: [8])
    let taken = try target.load(file(source.exportedArrays() + [counter]))
    #expect(taken.replaced == [.init(layer: "fc", fileShape: [5, 64], shape: [7, 64])])
    #expect(target.convolutions.last?.denseWeights == drawn)
    #expect(target.convolutions[3].denseWeights == source.convolutions[3].denseWeights)
  }

  @Test(
    "Networks for large images fit those for small ones but for the first kernel and classifier")
  func largeImages() throws {
    for (name, layers) in [
      (ModelName.resnet18, ["conv1", "fc"]), (.vgg16, ["fc"]), (.mobilenetv2, ["fc"]),
    ] {
      let large = try name.network(
        input: MapShape(channels: 3, height: 64, width: 64), classes: 9, width: 0.125)
      let arrays = large.exchangeShapes.map {
        NamedArray(
          name: $0.name, shape: $0.shape,
          values: [Float](repeating: 0.5, count: $0.shape.reduce(1, *)))
      }
      let target = try model(name, seed: 2)
      let drawn = target.convolutions.map(\.denseWeights)
      let taken = try target.load(file(arrays))
      #expect(taken.replaced.map(\.layer) == layers, "\(name)")
      for (layer, before) in zip(target.convolutions, drawn) {
        #expect(
          layers.contains(layer.name)
            ? layer.denseWeights == before : layer.denseWeights.allSatisfy { $0 == 0.5 },
          "\(name) \(layer.name)")
      }
    }
  }

  @Test("A file that does not fit is refused, names what is wrong, and leaves the model as it was")
  func mistakes() throws {
    let target = try model(.resnet20, seed: 2)
    let before = target.exportedArrays()
    func change(_ name: String, _ body: (inout NamedArray) -> Void) -> [NamedArray] {
      before.map { array in
        var array = array
        if array.name == name { body(&array) }
        return array
      }
    }
    let cases: [(arrays: [NamedArray], word: String)] = [
      (before.filter { $0.name != "layer2.0.bn1.running_var" }, "layer2.0.bn1.running_var"),
      (change("conv1.weight") { $0.shape = [$0.values.count] }, "conv1.weight"),
      (change("fc.weight") { $0.shape.swapAt(0, 1) }, "fc.weight"),
      (change("fc.bias") { $0.values[0] = .nan }, "fc.bias"),
      (change("bn1.running_var") { $0.values[1] = -1 }, "bn1.running_var"),
      (before + [NamedArray(name: "layer9.weight", shape: [1], values: [1])], "layer9.weight"),
      (
        before + [NamedArray(name: "conv1.bias", shape: [3], values: [1, 2, 3])], "conv1.bias"
      ),
      ([], "conv1.weight"),
    ]
    for (arrays, word) in cases {
      let error = #expect(throws: InputError.self, "\(word)") {
        try target.load(file(arrays))
      }
      #expect(error?.description.contains(word) == true, "\(word): \(error?.description ?? "")")
      #expect(error?.file == "w.safetensors")
    }
    #expect(target.exportedArrays() == before)
  }

  @Test("Training starts from a file, reports it once, and is resumed without it")
  func fineTuning() throws {
    let temporary = try TemporaryFolder()
    let data = SyntheticImages.dataset(seed: 3, trainCount: 60, testCount: 20)
    var configuration = TrainingConfiguration()
    configuration.width = 0.125
    configuration.epochs = 2
    configuration.batch = 20
    configuration.pruning.updateInterval = 2
    let network = try configuration.model.network(
      input: map, classes: data.train.classes, width: configuration.width)
    let source = try Model(network, engine: Engine(threads: 2), batch: 1, seed: 77)
    let weights = temporary.url.appendingPathComponent("w.safetensors")
    try SafetensorsFile.encoded(source.exportedArrays()).write(to: weights)
    configuration.initializeFrom = weights.path

    func trainer(_ folder: RunFolder, resume: Bool = false) throws -> Trainer {
      try Trainer(
        configuration, data: data, engine: Engine(threads: 2), folder: folder,
        checkpoint: resume ? folder.latestCheckpoint() : nil)
    }
    let whole = temporary.run("whole")
    let first = try trainer(whole)
    #expect(first.weightImport?.tensors == source.exportedArrays().count)
    // A layer that is not pruned has the file's weights, a pruned one those of its mask.
    #expect(first.model.convolutions[0].denseWeights == source.convolutions[0].denseWeights)
    let kept = first.model.convolutions[1].denseWeights
    #expect(kept.contains(0) && kept.contains { $0 != 0 })
    for (a, b) in zip(kept, source.convolutions[1].denseWeights) { #expect(a == 0 || a == b) }
    #expect(try first.run())

    let parts = temporary.run("parts")
    #expect(try !trainer(parts).run(shouldStop: { true }))
    try FileManager.default.removeItem(at: weights)
    let resumed = try trainer(parts, resume: true)
    #expect(resumed.weightImport == nil)
    #expect(try resumed.run())
    #expect(
      try Data(contentsOf: #require(whole.checkpointFiles.last))
        == Data(contentsOf: #require(parts.checkpointFiles.last)))
    #expect(throws: InputError.self) { try trainer(temporary.run("missing")) }
    #expect(!FileManager.default.fileExists(atPath: temporary.run("missing").url.path))

    // The run's folder alone gives the network back.
    let restored = try whole.restoredModel(engine: Engine(threads: 1))
    #expect(restored.step == 6)
    #expect(restored.model.exportedArrays() == first.model.exportedArrays())

    // It is also something to start from, as the file is that is exported from it.
    let exported = temporary.url.appendingPathComponent("exported.safetensors")
    try whole.exportedWeights(engine: Engine(threads: 1)).write(to: exported)
    configuration.initializeFrom = exported.path
    let fromFile = try trainer(temporary.run("from-file")).model.exportedArrays()
    configuration.initializeFrom = whole.url.path
    let fromRun = try trainer(temporary.run("from-run"))
    #expect(fromRun.weightImport?.tensors == source.exportedArrays().count)
    #expect(fromRun.model.exportedArrays() == fromFile)
    #expect(fromFile == restored.model.exportedArrays())
    // Where all that can be pruned is frozen, the masks are those of the start all the same.
    configuration.freeze = "conv1,bn1,layer1,layer2,layer3"
    let classifier = try trainer(temporary.run("frozen"))
    #expect(classifier.model.sparsity == restored.model.sparsity && classifier.model.sparsity > 0.8)
    #expect(try classifier.run())
    #expect(classifier.model.sparsity == restored.model.sparsity)
    configuration.freeze = nil
    #expect(fromRun.weightImport?.step == 6)
    var other = TrainingConfiguration()
    other.model = .mlp
    try other.takeNetwork(of: whole.url.path, except: [])
    #expect(other.model == configuration.model && other.width == 0.125)
    #expect(other.imageSize == map.height)
    var named = TrainingConfiguration()
    try named.takeNetwork(of: whole.url.path, except: ["model", "image-size", "width"])
    #expect(named == TrainingConfiguration())
  }
}
