// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Oracles
import Pruning
import Tensor
import Testing

@testable import Training

/// The trainer compared with its loop written out: that the configuration arrives in every step, and
/// that what is reported is what happened.
@Suite("The trainer against a loop written out")
struct TrainerLoopTests {
  // 50 test images are two batches of 20 and one of 10.
  static let data = SyntheticImages.dataset(seed: 3, trainCount: 100, testCount: 50)

  static func network() throws -> Network {
    var network = Network(name: "small", input: MapShape(channels: 3, height: 32, width: 32))
    var x = try network.pool("shrink", network.input, .average, size: 4)
    x = try network.convolution("conv", x, filters: 8, kernel: 3, padding: 1)
    x = try network.batchNorm("bn", x, activation: .relu)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 10)
    return network
  }

  static func configuration() -> TrainingConfiguration {
    var configuration = TrainingConfiguration()
    configuration.epochs = 3
    configuration.batch = 20
    configuration.learningRate = 0.1
    configuration.warmUpEpochs = 0
    configuration.learningRateDecay = .constant
    configuration.rotationLimit = 0
    configuration.pruning.granularity = .dense
    configuration.seed = 5
    return configuration
  }

  /// What a variant changes, and what the loop must do about it.
  struct Variant: Sendable, CustomTestStringConvertible {
    let name: String
    var change: @Sendable (inout TrainingConfiguration) -> Void = { _ in }
    /// The rate of a step of 15.
    var rate: @Sendable (Int) -> Float = { _ in 0.1 }
    var smoothing: Float = 0
    var clip: Double?
    var momentum = 0.9
    var nesterov = false
    var decay = 5e-4
    var augments = true
    var testDescription: String { name }
  }

  static let variants: [Variant] = [
    Variant(name: "plain"),
    Variant(name: "clipped", change: { $0.clip = 0.3 }, clip: 0.3),
    Variant(name: "clipped above every norm", change: { $0.clip = 1e6 }, clip: 1e6),
    Variant(name: "smoothed", change: { $0.labelSmoothing = 0.2 }, smoothing: 0.2),
    Variant(name: "momentum", change: { $0.momentum = 0.5 }, momentum: 0.5),
    Variant(name: "Nesterov", change: { $0.nesterov = true }, nesterov: true),
    Variant(name: "weight decay", change: { $0.weightDecay = 0.05 }, decay: 0.05),
    Variant(name: "as they are", change: { $0.augment = false }, augments: false),
    Variant(
      name: "warm-up of an epoch and a half", change: { $0.warmUpEpochs = 1.5 },
      rate: { $0 < 7 ? 0.1 * Float($0 + 1) / 7 : 0.1 }),
    Variant(
      name: "steps", change: { $0.learningRateDecay = .step },
      rate: { $0 < 8 ? 0.1 : $0 < 12 ? 0.01 : 0.001 }),
    Variant(
      name: "cosine", change: { $0.learningRateDecay = .cosine },
      rate: { Float(0.05 * (1 + cos(Double.pi * Double($0) / 15))) }),
  ]

  @Test("Weights, losses and accuracies of every epoch", arguments: variants)
  func epochs(variant: Variant) throws {
    var configuration = Self.configuration()
    variant.change(&configuration)
    let trainer = try Trainer(
      configuration, data: Self.data, engine: Engine(threads: 2), folder: nil,
      network: Self.network())
    var reports: [EpochReport] = []
    #expect(
      try trainer.run(report: { event in
        if case .epoch(let report) = event { reports.append(report) }
      }))
    #expect(reports.count == 3)

    let model = try Model(
      Self.network(), engine: Engine(threads: 1), batch: 20, seed: configuration.seed)
    var speeds = model.parameters.map { [Double](repeating: 0, count: $0.values.count) }
    let loader = BatchLoader(
      set: Self.data.train, mean: Self.data.mean, deviation: Self.data.deviation, batch: 20,
      augmentation: variant.augments ? Self.data.augmentation : .none, seed: configuration.seed,
      shuffle: true, dropLast: true)
    var batch = Batch()
    var step = 0
    for epoch in 0..<3 {
      var (loss, correct) = (0.0, 0)
      loader.start(epoch: epoch)
      while try loader.next(into: &batch) {
        model.stage(batch.images)
        model.forward(images: 20, training: true)
        let result = model.evaluate(
          SoftmaxCrossEntropy(smoothing: variant.smoothing), labels: batch.labels, images: 20)
        loss += result.loss / 5
        correct += result.correct
        model.backward(images: 20)
        let norm = model.parameters.flatMap { $0.gradient.array() }
          .reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
        let scale = variant.clip.map { min(1, $0 / norm) } ?? 1
        for (index, parameter) in model.parameters.enumerated() {
          let gradient = parameter.gradient.array()
          var values = parameter.values.array()
          for i in values.indices {
            let d = scale * Double(gradient[i]) + variant.decay * Double(values[i])
            speeds[index][i] = variant.momentum * speeds[index][i] + d
            let move = variant.nesterov ? d + variant.momentum * speeds[index][i] : speeds[index][i]
            values[i] = Float(Double(values[i]) - Double(variant.rate(step)) * move)
          }
          parameter.values.store(values)
        }
        step += 1
      }
      #expect(abs(reports[epoch].trainLoss - loss) < 1e-4 * loss, "\(variant.name), \(epoch)")
      #expect(
        abs(reports[epoch].trainAccuracy - Double(correct) / 100) < 0.021, "\(variant.name)")
    }
    #expect(step == 15 && trainer.progress.step == 15)
    for (found, expected) in zip(trainer.model.parameters, model.parameters) {
      #expect(
        relativeDifference(found.values.array(), expected.values.array()) < 1e-4,
        "\(variant.name), \(found.name)")
    }

    let expected = try evaluation(trainer.model)
    #expect(reports[2].testAccuracy == expected.accuracy, "\(variant.name)")
    #expect(abs(reports[2].testLoss - expected.loss) < 1e-5 * expected.loss, "\(variant.name)")
    let found = try trainer.evaluate()
    #expect(found.accuracy == expected.accuracy && found.loss == reports[2].testLoss)
  }

  /// Accuracy and mean loss over every test image, one at a time.
  private func evaluation(_ model: Model) throws -> (accuracy: Double, loss: Double) {
    var bytes: [UInt8] = []
    var (correct, loss) = (0, 0.0)
    for image in 0..<Self.data.test.count {
      try Self.data.test.read(image, into: &bytes)
      model.stage(
        bytes.enumerated().map { place, byte in
          let channel = place / (32 * 32)
          return (Float(byte) / 255 - Self.data.mean[channel]) / Self.data.deviation[channel]
        })
      model.forward(images: 1, training: false)
      let logits = model.logits(images: 1).map(Double.init)
      let label = Int(Self.data.test.labels[image])
      let largest = logits.max() ?? 0
      if logits[label] == largest { correct += 1 }
      loss += log(logits.reduce(0) { $0 + exp($1 - largest) }) + largest - logits[label]
    }
    return (Double(correct) / 50, loss / 50)
  }

  @Test("AdamW with the configuration's decay and PyTorch's other constants")
  func adamW() throws {
    var configuration = Self.configuration()
    configuration.optimizer = .adamw
    configuration.learningRate = 0.01
    configuration.weightDecay = 0.1
    configuration.epochs = 1
    let trainer = try Trainer(
      configuration, data: Self.data, engine: Engine(threads: 2), folder: nil,
      network: Self.network())
    #expect(try trainer.run())

    let model = try Model(Self.network(), engine: Engine(threads: 1), batch: 20, seed: 5)
    var state = model.parameters.map {
      [(m: Double, v: Double)](repeating: (0, 0), count: $0.values.count)
    }
    let loader = BatchLoader(
      set: Self.data.train, mean: Self.data.mean, deviation: Self.data.deviation, batch: 20,
      augmentation: Self.data.augmentation, seed: 5, shuffle: true, dropLast: true)
    var batch = Batch()
    loader.start(epoch: 0)
    for step in 1...5 {
      #expect(try loader.next(into: &batch))
      model.stage(batch.images)
      model.forward(images: 20, training: true)
      _ = model.evaluate(SoftmaxCrossEntropy(), labels: batch.labels, images: 20)
      model.backward(images: 20)
      for (index, parameter) in model.parameters.enumerated() {
        let gradient = parameter.gradient.array()
        var values = parameter.values.array()
        for i in values.indices {
          let g = Double(gradient[i])
          state[index][i].m = 0.9 * state[index][i].m + 0.1 * g
          state[index][i].v = 0.999 * state[index][i].v + 0.001 * g * g
          let mean = state[index][i].m / (1 - pow(0.9, Double(step)))
          let deviation = (state[index][i].v / (1 - pow(0.999, Double(step)))).squareRoot()
          values[i] = Float(
            Double(values[i]) * (1 - 0.01 * 0.1) - 0.01 * mean / (deviation + 1e-8))
        }
        parameter.values.store(values)
      }
    }
    for (found, expected) in zip(trainer.model.parameters, model.parameters) {
      // A gradient near zero has a sign that rounding decides.
      #expect(
        largestDifference(found.values.array(), expected.values.array()) < 2e-3, "\(found.name)")
    }
  }

  @Test("Dropout differs in every step, and is the same for the same seed")
  func dropout() throws {
    // One image, a rate that moves no weight: what changes from epoch to epoch is dropout alone.
    let data = SyntheticImages.dataset(seed: 3, trainCount: 1, testCount: 1)
    func losses(probability: Float, seed: UInt64) throws -> [Double] {
      var network = Network(name: "drops", input: MapShape(channels: 3, height: 32, width: 32))
      var x = try network.pool("shrink", network.input, .average, size: 4)
      x = try network.dropout("dropout", x, probability: probability)
      try network.linear("fc", x, outputs: 10)
      var configuration = Self.configuration()
      configuration.batch = 1
      configuration.epochs = 6
      configuration.augment = false
      configuration.learningRate = 1e-30
      configuration.seed = seed
      var losses: [Double] = []
      _ = try Trainer(
        configuration, data: data, engine: Engine(threads: 1), folder: nil, network: network
      ).run(report: { event in
        if case .epoch(let report) = event { losses.append(report.trainLoss) }
      })
      return losses
    }
    let dropped = try losses(probability: 0.5, seed: 5)
    #expect(Set(dropped).count == 6)
    #expect(try losses(probability: 0.5, seed: 5) == dropped)
    #expect(try Set(losses(probability: 0, seed: 5)).count == 1)
  }

  @Test("Evaluation drops nothing")
  func dropoutInEvaluation() throws {
    var network = Network(name: "drops", input: MapShape(channels: 3, height: 32, width: 32))
    let x = try network.pool("shrink", network.input, .average, size: 4)
    let dropped = try network.dropout("dropout", x, probability: 0.5)
    try network.linear("fc", dropped, outputs: 10)
    let model = try Model(network, engine: Engine(threads: 1), batch: 2, seed: 1)
    var random = SeededRandom(seed: 4)
    model.stage(randomValues(2 * 3 * 32 * 32, &random))
    var found: [[Float]] = []
    for seed in 1...3 as ClosedRange<UInt64> {
      model.forward(images: 2, training: false, seed: seed)
      found.append(model.logits(images: 2))
    }
    #expect(found[0] == found[1] && found[1] == found[2])
    model.forward(images: 2, training: true, seed: 1)
    #expect(model.logits(images: 2) != found[0])
  }

  @Test("Every fiftieth step is recorded with its means and its rate")
  func stepMetrics() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("steps")
    var configuration = Self.configuration()
    configuration.batch = 2
    configuration.epochs = 2
    configuration.learningRateDecay = .step
    let trainer = try Trainer(
      configuration, data: Self.data, engine: Engine(threads: 1), folder: folder,
      network: Self.network())
    var steps: [StepReport] = []
    #expect(
      try trainer.run(report: { event in
        if case .step(let report) = event { steps.append(report) }
      }))
    struct Line: Decodable {
      let kind: String
      let step: Int
      let loss, accuracy: Double?
      let learningRate: Float?
    }
    let lines = try Data(contentsOf: folder.metrics).split(separator: UInt8(ascii: "\n"))
      .map { try JSONDecoder().decode(Line.self, from: Data($0)) }.filter { $0.kind == "step" }
    #expect(lines.map(\.step) == [50, 100])
    #expect(lines.map(\.learningRate) == [0.1, 0.001])
    for line in lines {
      #expect(line.loss == steps[line.step - 1].loss)
      #expect(line.accuracy == steps[line.step - 1].accuracy)
    }
  }

  @Test("A run is evaluated as it was at its last checkpoint")
  func evaluation() throws {
    let temporary = try TemporaryFolder()
    let folder = temporary.run("run")
    var configuration = TrainerTests.configuration(.line)
    configuration.model = .lenet5
    let trainer = try Trainer(
      configuration, data: Self.data, engine: Engine(threads: 1), folder: folder)
    #expect(try trainer.run())
    let found = try evaluateRun(
      folder, configuration: configuration, data: Self.data, engine: Engine(threads: 1))
    #expect(found.step == 10 && found.sparsity == trainer.model.sparsity)
    #expect(found.accuracy == trainer.progress.testAccuracy)
    #expect(found.loss == trainer.progress.testLoss)
  }
}
