// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Masks
import Oracles
import Pruning
import Tensor
import Testing

@testable import Training

/// A folder that is removed at the end.
final class TemporaryFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("swpu-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func run(_ name: String) -> RunFolder { RunFolder(url.appendingPathComponent(name)) }
}

@Suite("Training")
struct TrainerTests {
  static let data = SyntheticImages.dataset(seed: 3, trainCount: 160, testCount: 40)

  static func configuration(_ granularity: Granularity = .subStructured) -> TrainingConfiguration {
    var configuration = TrainingConfiguration()
    configuration.width = 0.125
    configuration.epochs = 2
    configuration.batch = 20
    configuration.pruning.granularity = granularity
    configuration.pruning.sparsity = 0.75
    configuration.pruning.updateInterval = 3
    return configuration
  }

  private func trainer(
    _ configuration: TrainingConfiguration, threads: Int = 2, folder: RunFolder? = nil,
    resume: Bool = false
  ) throws -> Trainer {
    try Trainer(
      configuration, data: Self.data, engine: Engine(threads: threads), folder: folder,
      checkpoint: resume ? folder?.latestCheckpoint() : nil)
  }

  private func lastCheckpoint(_ folder: RunFolder) throws -> Data {
    try Data(contentsOf: try #require(folder.checkpointFiles.last))
  }

  static let precisions: [PrecisionChoice] = [.fp32, .bf16]
  /// Each precision, and one with tensors in 8 bits.
  static let formats: [(PrecisionChoice, StorageFormats)] =
    precisions.map { ($0, StorageFormats()) }
    + [(.bf16, StorageFormats(activations: .fp8e4m3, gradients: .fp8e5m2))]

  private func configuration(
    _ precision: PrecisionChoice, _ storage: StorageFormats = StorageFormats()
  ) -> TrainingConfiguration {
    var configuration = Self.configuration()
    configuration.precision = precision
    configuration.stashFormat = storage.activations
    configuration.gradientFormat = storage.gradients
    return configuration
  }

  @Test("1, 2 and 4 threads end with the same bits", arguments: formats)
  func threads(precision: PrecisionChoice, storage: StorageFormats) throws {
    let temporary = try TemporaryFolder()
    var results: [Data] = []
    for threads in [1, 2, 4] {
      let folder = temporary.run("threads\(threads)")
      _ = try trainer(
        configuration(precision, storage), threads: threads, folder: folder
      ).run()
      results.append(try lastCheckpoint(folder))
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test(
    "A run stopped at any step and resumed ends with the bits of one that was not",
    arguments: formats)
  func resume(precision: PrecisionChoice, storage: StorageFormats) throws {
    let temporary = try TemporaryFolder()
    let whole = temporary.run("whole")
    let configuration = configuration(precision, storage)
    _ = try trainer(configuration, folder: whole).run()
    // In the first epoch, at its end, after it.
    for stopAfter in [1, 8, 13] {
      let parts = temporary.run("parts\(stopAfter)")
      var steps = 0
      let finished = try trainer(configuration, folder: parts).run(shouldStop: {
        steps += 1
        return steps == stopAfter
      })
      #expect(!finished)
      #expect(try trainer(configuration, folder: parts, resume: true).run())
      #expect(try lastCheckpoint(whole) == lastCheckpoint(parts), "stopped after \(stopAfter)")
      #expect(
        whole.maskFiles.map(\.lastPathComponent) == parts.maskFiles.map(\.lastPathComponent))
      for (a, b) in zip(whole.maskFiles, parts.maskFiles) {
        #expect(try Data(contentsOf: a) == Data(contentsOf: b))
      }
    }
  }

  @Test("BF16 computes something else than FP32, and close to it; auto is recorded as what it was")
  func precision() throws {
    let temporary = try TemporaryFolder()
    var runs: [PrecisionChoice: Trainer] = [:]
    for precision in PrecisionChoice.allCases {
      var configuration = configuration(precision)
      configuration.augment = false
      let trainer = try trainer(configuration, folder: temporary.run(precision.rawValue))
      _ = try trainer.run()
      runs[precision] = trainer
    }
    let (fp32, bf16) = (try #require(runs[.fp32]), try #require(runs[.bf16]))
    let losses = (fp32.progress.testLoss, bf16.progress.testLoss)
    #expect(losses.0 != losses.1 && abs(losses.0 - losses.1) < 0.1 * losses.0)
    #expect(bf16.model.arenaBytes < fp32.model.arenaBytes * 6 / 10)
    let recorded = try temporary.run("auto").readConfiguration().precision
    let expected = Kernels.best.fastestPrecision
    #expect(recorded == PrecisionChoice(expected))
    #expect(
      try #require(runs[.auto]).progress.testLoss == (expected == .bf16 ? losses.1 : losses.0))
    let (model, _) = try temporary.run("bf16").restoredModel(engine: Engine(threads: 1), batch: 20)
    #expect(model.engine.precision == .bf16)
  }

  @Test("A run killed at any moment is resumed from the checkpoint before")
  func kill() throws {
    let temporary = try TemporaryFolder()
    let (whole, killed) = (temporary.run("whole"), temporary.run("killed"))
    _ = try trainer(Self.configuration(), folder: whole).run()
    struct Killed: Error {}
    // Neither the steps nor the metrics after the last checkpoint are undone by anybody.
    #expect(throws: Killed.self) {
      _ = try trainer(Self.configuration(), folder: killed).run(report: { event in
        if case .step(let report) = event, report.step == 12 { throw Killed() }
      })
    }
    // A torn write next to the checkpoints is not one of them.
    try Data("half".utf8).write(to: killed.checkpoints.appendingPathComponent(".step.tmp"))
    let second = try trainer(Self.configuration(), folder: killed, resume: true)
    #expect(second.progress.step == 8)
    #expect(try second.run())
    #expect(try lastCheckpoint(whole) == lastCheckpoint(killed))
  }

  @Test("A damaged last checkpoint falls back to the one before it")
  func damagedCheckpoint() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    _ = try trainer(Self.configuration(), folder: folder).run()
    #expect(folder.checkpointFiles.count == 2)
    let last = try #require(folder.checkpointFiles.last)
    var bytes = try Data(contentsOf: last)
    bytes[bytes.count / 2] ^= 1
    try bytes.write(to: last)
    #expect(try folder.latestCheckpoint().checkpoint.progress.step == 8)
  }

  @Test(
    "All granularities train through one path and reach their sparsity",
    arguments: Granularity.allCases)
  func granularities(granularity: Granularity) throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    var configuration = Self.configuration(granularity)
    configuration.width = 0.25
    configuration.batch = 40
    let trainer = try trainer(configuration, folder: folder)
    #expect(try trainer.run())
    // A filter of four is a quarter of a layer.
    #expect(abs(trainer.model.sparsity - (granularity == .dense ? 0 : 0.75)) < 0.05)
    // What is packed is what is kept: pruned weights are nowhere, so they cannot come back.
    for layer in trainer.model.convolutions {
      guard let mask = layer.mask else { continue }
      let kept = layer.filters.expand(
        Tensor([Float](repeating: 1, count: layer.filters.weightCount)))
      #expect(kept.count { $0 != 0 } == mask.keptElements)
    }
  }

  @Test(
    "Snapshots have every layer, and the last one is of the end of training",
    arguments: [Granularity.dense, .line])
  func snapshots(granularity: Granularity) throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    let trainer = try trainer(Self.configuration(granularity), folder: folder)
    #expect(try trainer.run())
    let snapshots = try folder.maskFiles.map {
      try MaskSnapshot(decoding: Array(Data(contentsOf: $0)), file: $0.path)
    }
    // Two epochs of 8 steps; the masks move at every second step before three quarters.
    let steps = granularity == .dense ? [0, 8, 16] : [0, 3, 5, 7, 9, 11, 16]
    #expect(snapshots.map(\.step) == steps)
    #expect(snapshots.map(\.epoch) == steps.map { $0 / 8 })
    for snapshot in snapshots {
      #expect(snapshot.layers.map(\.name) == trainer.model.network.convolutions.map(\.name))
      for (layer, running) in zip(snapshot.layers, trainer.model.convolutions) {
        let isPruned = granularity != .dense && running.layer.prunable
        #expect(layer.granularity == (isPruned ? granularity : .dense))
        #expect(layer.mask.invariantViolations().isEmpty)
        #expect((layer.mask.density == 1) == !isPruned)
        if snapshot.step == 0 {
          #expect(layer.inputSparsity == nil && layer.gradientSparsity == nil)
          continue
        }
        let (input, gradient) = (
          try #require(layer.inputSparsity), try #require(layer.gradientSparsity)
        )
        #expect((0..<1).contains(input) && (0...1).contains(gradient))
        // Pruned convolutions read what a ReLU made. (The gradient of their output comes through a
        // normalisation, which leaves hardly a zero, unless the channel is not read.)
        #expect(!isPruned || input > 0, "\(layer.name)")
      }
    }
    let last = try #require(snapshots.last)
    #expect(
      last.layers.map(\.mask)
        == trainer.model.convolutions.map {
          $0.mask ?? LayerMask(dense: $0.filterShape)
        })
    #expect(trainer.model.convolutions.allSatisfy { $0.observation == nil })
  }

  @Test(
    "A network of one's own trains and is pruned, by ERK, from scratch, with AdamW and clipping")
  func ownNetwork() throws {
    var network = Network(
      name: "mine", input: MapShape(channels: 3, height: 32, width: 32))
    var x = try network.pool("shrink", network.input, .average, size: 4)
    x = try network.convolution("conv1", x, filters: 8, kernel: 3, padding: 1, prunable: false)
    x = try network.batchNorm("bn1", x, activation: .relu)
    let y = try network.convolution("conv2", x, filters: 16, kernel: 3, stride: 2, padding: 1)
    x = try network.batchNorm("bn2", y, activation: .relu6)
    x = try network.convolution("conv3", x, filters: 16, kernel: 1)
    x = try network.batchNorm("bn3", x, adding: y)
    x = try network.dropout("dropout", x, probability: 0.1)
    try network.linear("fc", x, outputs: 10)

    var configuration = Self.configuration(.line)
    configuration.optimizer = .adamw
    configuration.clip = 1
    configuration.labelSmoothing = 0.1
    configuration.pruning.schedule = .dynamic
    configuration.pruning.budget = .erk
    let trainer = try Trainer(
      configuration, data: Self.data, engine: Engine(threads: 2), folder: nil, network: network)
    #expect(abs(trainer.model.sparsity - 0.75) < 0.02)
    #expect(try trainer.run())
    #expect(abs(trainer.model.sparsity - 0.75) < 0.02)
    let densities = trainer.model.layerSparsities.filter(\.prunable).map {
      Double($0.kept) / Double($0.weights)
    }
    // The 3x3 layer of 1,152 weights is denser than the linear one of 2,560 under ERK.
    #expect(densities.count == 3 && Set(densities).count > 1)
  }

  @Test("The keys of the ramp, the exchange and the freeze move them")
  func schedule() throws {
    /// Sparsity and masks after every step of 16.
    func history(_ keys: String) throws -> (sparsities: [Double], masks: [[LayerMask?]]) {
      var configuration = try TrainingConfiguration(yaml: keys, file: "test.yaml")
      configuration.width = 0.25
      configuration.epochs = 2
      configuration.batch = 20
      configuration.pruning.updateInterval = 1
      let trainer = try trainer(configuration)
      var sparsities: [Double] = []
      var masks: [[LayerMask?]] = []
      _ = try trainer.run(report: { event in
        if case .step = event {
          sparsities.append(trainer.model.sparsity)
          masks.append(trainer.model.convolutions.map(\.mask))
        }
      })
      return (sparsities, masks)
    }
    /// The steps after which the masks are not those before.
    func changes(_ keys: String) throws -> [Int] {
      let masks = try history(keys).masks
      return masks.indices.dropFirst().filter { masks[$0] != masks[$0 - 1] }
    }
    let slow = try history("granularity: unstructured").sparsities
    let quick = try history("granularity: unstructured\nramp-end: 0.25").sparsities
    #expect(slow[4] < 0.88 && abs(slow[8] - 0.9) < 0.01)
    #expect(quick[2] < 0.87 && abs(quick[4] - 0.9) < 0.01)

    let dynamic = "granularity: unstructured\nschedule: dynamic\nexchange-from: 0.5\n"
    #expect(try changes(dynamic) == Array(8..<12))
    #expect(try changes(dynamic + "freeze-from: 0.625") == Array(8..<10))
  }

  @Test(
    "Training from sparse weights starts with their mask, and fills nothing up",
    arguments: [Granularity.subStructured, .unstructured, .channel])
  func continuesMask(granularity: Granularity) throws {
    var configuration = Self.configuration(granularity)
    configuration.width = 0.25
    let source = try trainer(configuration)
    _ = try source.run()
    let temporary = try TemporaryFolder()
    let file = temporary.url.appendingPathComponent("weights.safetensors")
    try FileManager.default.createDirectory(at: temporary.url, withIntermediateDirectories: true)
    try Data(SafetensorsFile.encoded(source.model.exportedArrays())).write(to: file)

    configuration.initializeFrom = file.path
    configuration.pruning.growFraction = 0
    let target = try trainer(configuration)
    let before = target.model.convolutions.map { $0.mask?.elementBits }
    #expect(before == source.model.convolutions.map { $0.mask?.elementBits })
    #expect(before.contains { $0 != nil })
    _ = try target.run(report: { event in
      if case .step(let report) = event { #expect(abs(report.sparsity - 0.75) < 0.02) }
    })
    let after = target.model.convolutions.map { $0.mask?.elementBits }
    if granularity != .subStructured { return #expect(after == before) }
    // Where shapes and lines split moves with the weights, by a line or two.
    for case (let before?, let after?) in zip(before, after) {
      let moved = before.popcount - before.intersection(after).popcount
      #expect(moved <= max(2 * 3, before.popcount * 3 / 100))
    }
  }

  @Test("The density of multiply-accumulates is that of each layer times its work")
  func macDensity() throws {
    var configuration = Self.configuration()
    configuration.pruning.budget = .erk
    let trainer = try trainer(configuration)
    var reported: Double?
    _ = try trainer.run(report: { event in
      if case .epoch(let report) = event { reported = report.macDensity }
    })
    var (kept, dense) = (0, 0)
    for layer in trainer.model.convolutions {
      let pixels = layer.geometry.output.pixels
      kept += pixels * layer.denseWeights.count { $0 != 0 }
      dense += pixels * layer.denseWeights.count
    }
    #expect(abs(try #require(reported) - Double(kept) / Double(dense)) < 0.002)
    // ERK keeps more of the early layers, whose weights are used at more pixels.
    #expect(trainer.model.macDensity > 1.2 * (1 - trainer.model.sparsity))
  }

  @Test("Random growth draws its units from the seed")
  func randomGrowth() throws {
    func masks(_ growth: PruningConfiguration.Growth, seed: UInt64) throws -> [LayerMask?] {
      var configuration = Self.configuration(.unstructured)
      configuration.pruning.growth = growth
      configuration.pruning.schedule = .dynamic
      configuration.seed = seed
      let trainer = try trainer(configuration)
      _ = try trainer.run()
      return trainer.model.convolutions.map(\.mask)
    }
    let random = try masks(.random, seed: 1)
    #expect(try masks(.random, seed: 1) == random)
    #expect(try masks(.gradient, seed: 1) != random)
  }

  @Test("Recalibrated statistics are the means over the batches, of the final weights")
  func recalibration() throws {
    var configuration = Self.configuration()
    let lagging = try trainer(configuration)
    _ = try lagging.run()
    configuration.recalibrationBatches = 3
    let exact = try trainer(configuration)
    _ = try exact.run()
    for (one, other) in zip(exact.model.parameters, lagging.model.parameters) {
      #expect(one.values.array() == other.values.array())
    }
    // The first norm reads the first convolution of the images, whose means are easily had.
    var batch = Batch()
    var means: [[Float]] = []
    exact.loader.start(epoch: configuration.epochs)
    while means.count < 3, try exact.loader.next(into: &batch) {
      let statistics = lagging.model.statistics[0].values
      statistics.fill(0)
      lagging.model.stage(batch.images)
      lagging.model.forward(images: batch.count, training: true)
      // A tenth of the batch's mean is what a momentum of 0.1 adds to zero.
      means.append(statistics.array().map { $0 * 10 })
    }
    exact.loader.stop()
    let expected = means[0].indices.map { channel in
      means.reduce(0) { $0 + $1[channel] } / Float(means.count)
    }
    #expect(largestDifference(exact.model.statistics[0].values.array(), expected) < 1e-4)
  }

  @Test("The keys of clipping reach the update")
  func clipping() throws {
    /// How far a step takes the first kernel, and the classifier.
    func distances(_ keys: String) throws -> [Float] {
      var configuration = try TrainingConfiguration(
        yaml: "warm-up-epochs: 0\nweight-decay: 1e-7\n" + keys, file: "test.yaml")
      configuration.width = 0.125
      configuration.batch = 20
      let trainer = try trainer(configuration)
      let kernels = [trainer.model.convolutions.first, trainer.model.convolutions.last]
        .compactMap { $0?.weight }
      let before = kernels.map { $0.values.array() }
      _ = try trainer.run(shouldStop: { true })
      return zip(before, kernels).map { before, kernel -> Float in
        let moved = zip(before, kernel.values.array()).map { $0 - $1 }
        return moved.reduce(0) { $0 + $1 * $1 }.squareRoot()
      }
    }
    let free = try distances("rotation-limit: 0")
    for keys in ["rotation-limit: 1", "rotation-limit: 0\nclip: 0.0001"] {
      let limited = try distances(keys)
      #expect(limited[0] < 0.1 * free[0] && limited[1] < 0.1 * free[1], "\(keys)")
    }
  }

  @Test("Training learns: sparse and dense loss fall")
  func learns() throws {
    for granularity in [Granularity.dense, .subStructured] {
      var configuration = Self.configuration(granularity)
      configuration.model = .mlp
      configuration.epochs = 12
      configuration.learningRate = 0.02
      configuration.augment = false
      var losses: [Double] = []
      _ = try trainer(configuration).run(report: { event in
        if case .epoch(let report) = event { losses.append(report.trainLoss) }
      })
      #expect(try #require(losses.last) < 0.6 * losses[0], "\(granularity)")
    }
  }

  @Test("A loss that is not finite stops with layer and step, and keeps the checkpoint")
  func nonFiniteLoss() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    var configuration = Self.configuration()
    configuration.learningRate = 1e30
    configuration.warmUpEpochs = 0
    let trainer = try trainer(configuration, folder: folder)
    let error = #expect(throws: NonFiniteLoss.self) { _ = try trainer.run() }
    #expect(error?.layer != nil)
    #expect((error?.step ?? 0) > 0)
    #expect(error?.description.contains("step") == true)
    let kept = try folder.latestCheckpoint()
    #expect(kept.checkpoint.progress.step == 0)
    #expect(error?.checkpoint == kept.file)
  }

  @Test("A folder that holds a run is not overwritten")
  func existingRun() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    _ = try trainer(Self.configuration(), folder: folder)
    #expect(throws: FileError.self) { _ = try trainer(Self.configuration(), folder: folder) }
  }

  @Test("Metrics are JSON lines in order")
  func metrics() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    _ = try trainer(Self.configuration(), folder: folder).run()
    struct Line: Decodable {
      let kind: String
      let step: Int
    }
    let lines = try Data(contentsOf: folder.metrics).split(separator: UInt8(ascii: "\n"))
      .map { try JSONDecoder().decode(Line.self, from: Data($0)) }
    #expect(lines.count { $0.kind == "epoch" } == 2)
    #expect(lines.contains { $0.kind == "masks" })
    #expect(zip(lines, lines.dropFirst()).allSatisfy { $0.step <= $1.step })
  }
}

@Suite("Checkpoint files")
struct CheckpointTests {
  private func example() throws -> Data {
    let temporary = try TemporaryFolder()
    var configuration = TrainerTests.configuration()
    configuration.model = .lenet5
    let folder = temporary.run("run")
    _ = try Trainer(
      configuration, data: TrainerTests.data, engine: Engine(threads: 1), folder: folder)
    let file = try #require(folder.checkpointFiles.last)
    #expect(file.lastPathComponent == "step-00000000.ckpt")
    return try Data(contentsOf: file)
  }

  @Test("Every truncation and flipped byte is rejected with the file's name")
  func hostile() throws {
    let data = try example()
    for length in stride(from: 0, to: data.count, by: max(1, data.count / 97)) {
      let error = #expect(throws: InputError.self) {
        try Checkpoint(decoding: data.prefix(length), file: "some.ckpt")
      }
      #expect(error?.description.contains("some.ckpt") == true)
    }
    for place in stride(from: 0, to: data.count, by: max(1, data.count / 101)) {
      var damaged = data
      damaged[place] ^= 0x10
      #expect(throws: InputError.self) {
        try Checkpoint(decoding: damaged, file: "some.ckpt")
      }
    }
  }

  @Test("Bytes behind the last field are refused, though their checksum fits")
  func trailing() throws {
    let data = try example()
    let content = data.dropFirst(12).dropLast(8)
    let form = SealedFile(kind: "SWPUCKPT", noun: "a checkpoint")
    #expect(form.encoded(version: 1, Data(content)) == data)
    let error = #expect(throws: InputError.self) {
      try Checkpoint(decoding: form.encoded(version: 1, content + [0]), file: "some.ckpt")
    }
    #expect(error?.description.contains("end") == true)
  }

  @Test("A checkpoint of another network is refused by field")
  func wrongNetwork() throws {
    let checkpoint = try Checkpoint(decoding: example(), file: "some.ckpt")
    let error = #expect(throws: InputError.self) {
      _ = try Trainer(
        TrainerTests.configuration(), data: TrainerTests.data, engine: Engine(threads: 1),
        folder: nil, checkpoint: (URL(fileURLWithPath: "some.ckpt"), checkpoint))
    }
    #expect(error?.description.contains("field") == true)
  }
}
