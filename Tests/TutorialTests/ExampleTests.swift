// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Processor
import Pruning
import Tensor
import Testing
import Training

/// The examples of the types that a user meets first: each block of Swift in a doc comment is here, word
/// for word.
@Suite struct ExampleTests {
  @Test func tensor() {
    let values = Tensor([1, 2, 3, 4])
    let first = values.prefix(2)
    values[0] = 5  // `first` shares it
    print(first.array())
    #expect(first.array() == [5, 2])
  }

  @Test func mapShape() {
    let images = MapShape(channels: 3, height: 32, width: 32)
    print(images, images.pixels, images.count)  // 3@32x32 1024 3072
    #expect("\(images) \(images.pixels) \(images.count)" == "3@32x32 1024 3072")
  }

  @Test func convolutionGeometry() {
    let geometry = ConvolutionGeometry(
      input: MapShape(channels: 16, height: 32, width: 32), filters: 32, rows: 3, columns: 3,
      stride: 2, paddingRows: 1, paddingColumns: 1)
    print(geometry?.output.description ?? "does not fit")  // 32@16x16
    #expect(geometry?.output.description == "32@16x16")
  }

  @Test func engine() {
    let engine = Engine(threads: 2)
    let map = MapShape(channels: 2, height: 4, width: 4)
    let planar = Tensor([Float](repeating: 1, count: map.count))  // one image
    let blocked = Tensor(count: engine.floats(map, images: 1))
    engine.blockImages(planar, into: blocked, map: map, images: 1)
    print(engine.squareSum(blocked))  // 32: the padding is zero
    #expect(engine.squareSum(blocked) == 32)
  }

  @Test func seededRandom() {
    var random = SeededRandom(seed: 1)
    print(random.permutation(5), random.uniform())
    #expect(random.below(3) < 3)
  }

  @Test func filterShape() {
    let shape = FilterShape(filters: 64, channels: 32, rows: 3, columns: 3)
    print(shape, shape.count)  // 64x32x3x3 18432
    #expect("\(shape) \(shape.count)" == "64x32x3x3 18432")
  }

  @Test func granularity() {
    let unit = Granularity(rawValue: "sub-structured") ?? .dense
    print(unit.prunesLines)  // true: whole shapes, and lines of the rest
    #expect(unit.prunesLines)
  }

  @Test func layerMask() {
    let shape = FilterShape(filters: 2, channels: 2, rows: 3, columns: 3)
    // Twelve lines, of which every second is kept, and all 18 shapes.
    let lines = Bits(count: 12) { $0 % 2 == 0 }
    let mask = LayerMask(shape: shape, lines: lines, shapes: Bits(count: 18, repeating: true))
    print(mask.keptElements, mask.density)  // 18 0.5
    print(mask.keeps(filter: 0, channel: 0, row: 1, column: 2))  // false: line 1 is pruned
    #expect(mask.keptElements == 18 && mask.density == 0.5)
    #expect(!mask.keeps(filter: 0, channel: 0, row: 1, column: 2))
  }

  @Test func zeroMask() {
    let map = MapShape(channels: 1, height: 1, width: 4)
    let mask = ZeroMask(map: map, images: 1, zeros: Bits(count: 4) { $0 != 2 })
    print(mask.sparsity)  // 0.75
    #expect(mask.sparsity == 0.75)
  }

  @Test func networkDescription() throws {
    let network = try ModelName.resnet20.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
    let description = network.description(batch: 32)
    print(description.convolutions.count, description.vectorLayers.count)
    #expect(description.batch == 32 && description.convolutions.count == network.convolutions.count)
  }

  @Test func maskSnapshot() throws {
    let mask = LayerMask(dense: FilterShape(filters: 2, channels: 2, rows: 3, columns: 3))
    let snapshot = MaskSnapshot(
      step: 100, epoch: 1,
      layers: [
        MaskSnapshot.Layer(
          name: "conv1", granularity: .line, mask: mask, inputSparsity: 0.5, gradientSparsity: nil)
      ])
    let read = try MaskSnapshot(decoding: snapshot.encoded(), file: "step-100.masks")
    print(read == snapshot)  // true
    #expect(read == snapshot)
  }

  @Test func workload() throws {
    let network = try ModelName.resnet20.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
    let workload = Workload(
      network.description(batch: 4), pruning: PruningConfiguration(sparsity: 0.9), seed: 1)
    print(workload.layers.map { $0.mask.density })
    #expect(workload.layers.contains { $0.mask.density < 0.2 })
  }

  @Test func pruningConfiguration() throws {
    let pruning = PruningConfiguration(granularity: .line, sparsity: 0.8, balanced: .filters)
    try pruning.validate()
    #expect(pruning.sparsity == 0.8)
  }

  @Test func pruningSchedule() {
    let schedule = PruningSchedule(
      PruningConfiguration(sparsity: 0.9), totalSteps: 1000, stepsPerEpoch: 100)
    print(schedule.density(at: 0), schedule.density(at: 999))  // from half the weights to a tenth
    #expect(
      abs(schedule.density(at: 0) - 0.5) < 1e-9 && abs(schedule.density(at: 999) - 0.1) < 1e-9)
  }

  @Test func layerPruner() {
    let pruner = LayerPruner(
      shape: FilterShape(filters: 8, channels: 8, rows: 3, columns: 3),
      configuration: PruningConfiguration(granularity: .line))
    var random = SeededRandom(seed: 1)
    let weights = (0..<pruner.shape.count).map { _ in random.normal() }
    let mask = pruner.initialMask(weights: weights, density: 0.25)
    print(mask.density)  // 0.25
    #expect(abs(mask.density - 0.25) < 0.02)
  }

  @Test func network() throws {
    var network = Network(name: "small", input: MapShape(channels: 3, height: 32, width: 32))
    var x = try network.convolution("conv1", network.input, filters: 16, kernel: 3, padding: 1)
    x = try network.batchNorm("bn1", x, activation: .relu)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 10)
    #expect(network.map(network.output).count == 10)
  }

  @Test func model() throws {
    var network = Network(name: "small", input: MapShape(channels: 3, height: 8, width: 8))
    var x = try network.convolution("conv", network.input, filters: 4, kernel: 3, padding: 1)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 2)
    let model = try Model(network, engine: Engine(threads: 2), batch: 1, seed: 1)
    model.stage([Float](repeating: 0.5, count: 3 * 8 * 8))
    model.forward(images: 1, training: false)
    print(model.logits(images: 1))  // two of them
    #expect(model.logits(images: 1).count == 2)
  }

  @Test func trainingConfiguration() throws {
    let text = "model: lenet5\nepochs: 3"
    var configuration = try TrainingConfiguration(yaml: text, file: "mine.yaml")
    configuration.pruning.sparsity = 0.8
    try configuration.validate()
    print(configuration.yaml)  // every key
    #expect(configuration.pruning.sparsity == 0.8 && configuration.epochs == 3)
  }

  @Test func trainer() throws {
    var configuration = TrainingConfiguration()
    configuration.model = .lenet5
    configuration.epochs = 1
    let data = try configuration.data.load(trainCount: 64, testCount: 32)
    let trainer = try Trainer(configuration, data: data, engine: Engine(threads: 2), folder: nil)
    _ = try trainer.run()
    print(trainer.progress.step, trainer.model.sparsity)
    #expect(trainer.progress.step == 2)
  }

  @Test("an example that needs a run: compiled, and an error without one") func classifier() {
    #expect(throws: (any Error).self) {
      let classifier = try Classifier(path: "runs/mine", engine: Engine())
      try classifier.classify(["cat.jpg"]) { print($0.classes.first?.name ?? $0.problem ?? "") }
    }
  }

  @Test func dataset() throws {
    let data = try DatasetSource.synthetic.load(trainCount: 40, testCount: 20)
    print(data.train.count, data.train.classes)  // 40 10
    #expect(data.train.count == 40 && data.train.classes == 10)
  }

  @Test func hardwareDescription() throws {
    var hardware = try HardwareDescription.swpu.setting("array.rows", to: "32")
    hardware.supply.volts = 0.6
    try hardware.validate(file: "mine")
    print(hardware.array.multipliers, hardware.yaml)
    #expect(hardware.array.rows == 32 && hardware.supply.volts == 0.6)
  }

  @Test func simulator() throws {
    let network = try ModelName.lenet5.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
    let workload = Workload(
      network.description(batch: 1), pruning: PruningConfiguration(sparsity: 0.5), seed: 1)
    let step = try Simulator(.swpu).step(workload)
    print(step.totals.cycles)
    #expect(step.totals.cycles > 0)
  }

  @Test func stepResult() throws {
    let network = try ModelName.lenet5.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
    let workload = Workload(
      network.description(batch: 1), pruning: PruningConfiguration(sparsity: 0.5), seed: 1)
    let result = try Simulator(.small).step(workload)
    for layer in result.layers { print(layer.layer, layer.pass, layer.cycles, layer.utilization) }
    print(result.totals.seconds, result.totals.energyPicojoules.total)
    #expect(result.layers.count == 3 * workload.layers.count - 1)
  }

  /// The types that a user meets first.
  private static let types = [
    "Tensor",
    "MapShape",
    "ConvolutionGeometry",
    "Engine",
    "SeededRandom",
    "FilterShape",
    "Granularity",
    "LayerMask",
    "NetworkDescription",
    "MaskSnapshot",
    "Workload",
    "PruningConfiguration",
    "PruningSchedule",
    "LayerPruner",
    "Network",
    "Model",
    "TrainingConfiguration",
    "Trainer",
    "Dataset",
    "HardwareDescription",
    "Simulator",
    "StepResult",
  ]

  @Test("each type that a user meets first has an example, and each example is compiled here")
  func examples() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let compiled = try String(contentsOfFile: #filePath, encoding: .utf8)
    let sources = root.appendingPathComponent("Sources")
    var found = Set<String>()
    for file in try FileManager.default.subpathsOfDirectory(atPath: sources.path)
    where file.hasSuffix(".swift") {
      let text = try String(contentsOf: sources.appendingPathComponent(file), encoding: .utf8)
      var comment: [Substring] = []
      for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
        if let start = line.firstRange(of: "///"),
          line[..<start.lowerBound].allSatisfy(\.isWhitespace)
        {
          comment.append(line[start.upperBound...].drop { $0 == " " })
          continue
        }
        let blocks = CodeBlock.all(in: comment.joined(separator: "\n"))
          .filter { $0.language == "swift" }
        comment = []
        for block in blocks {
          #expect(block.stands(in: compiled), "\(file): \(block.text)")
        }
        let words = line.split { !$0.isLetter && !$0.isNumber }.map(String.init)
        if !blocks.isEmpty,
          let place = words.firstIndex(where: { ["struct", "class", "enum"].contains($0) })
        {
          found.insert(words[place + 1])
        }
      }
    }
    #expect(Set(Self.types).subtracting(found).isEmpty)
  }
}
