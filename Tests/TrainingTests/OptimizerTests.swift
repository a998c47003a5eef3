// SPDX-License-Identifier: Apache-2.0
import Oracles
import Tensor
import Testing

@testable import Training

@Suite("Optimisers, schedules and loss against PyTorch")
struct OptimizerTests {
  struct OptimizerCase: Decodable {
    struct Configuration: Decodable {
      let learningRate, weightDecay: Float
      let momentum, beta1, beta2, epsilon: Float?
      let nesterov: Bool?
    }
    struct Step: Decodable { let gradient, parameter: FixtureArray }
    let name, kind: String
    let configuration: Configuration
    let parameter: FixtureArray
    let steps: [Step]
  }

  @Test("SGD and AdamW", arguments: Kernels.available.indices)
  func optimizers(table: Int) throws {
    let engine = Engine(kernels: Kernels.available[table], threads: 2)
    for example in try Fixture<OptimizerCase>.read("optimizers") {
      let setup = example.configuration
      let optimizer: Optimizer =
        example.kind == "sgd"
        ? .sgd(
          momentum: setup.momentum ?? 0, nesterov: setup.nesterov ?? false,
          weightDecay: setup.weightDecay)
        : .adamW(
          beta1: setup.beta1 ?? 0, beta2: setup.beta2 ?? 0, epsilon: setup.epsilon ?? 0,
          weightDecay: setup.weightDecay)
      let parameter = Parameter(Tensor(example.parameter.values))
      optimizer.prepare([parameter])
      for (index, step) in example.steps.enumerated() {
        parameter.gradient.store(step.gradient.values)
        optimizer.update(
          [parameter], rate: setup.learningRate, step: index, gradientScale: 1, engine: engine)
        #expect(
          relativeDifference(parameter.values.array(), step.parameter.values) < 3e-6,
          "\(example.name), step \(index)")
      }
    }
  }

  struct ClippingCase: Decodable {
    struct Configuration: Decodable { let maximumNorm: Float }
    let name: String
    let configuration: Configuration
    let gradients, clipped: [FixtureArray]
  }

  @Test("Gradient clipping")
  func clipping() throws {
    let engine = Engine(threads: 1)
    for example in try Fixture<ClippingCase>.read("gradient_clipping") {
      let parameters = example.gradients.map { gradient in
        let parameter = Parameter(Tensor(count: gradient.values.count))
        parameter.gradient.store(gradient.values)
        return parameter
      }
      let scale = clippingScale(
        parameters, limit: example.configuration.maximumNorm, engine: engine)
      for (parameter, clipped) in zip(parameters, example.clipped) {
        #expect(
          relativeDifference(parameter.gradient.array().map { $0 * scale }, clipped.values) < 1e-5,
          "\(example.name)")
      }
    }
  }

  @Test("A step of weights that no normalisation scales is limited by their norm")
  func stepLimit() {
    func updated(hasOwnScale: Bool, gradientScale: Float, stepLimit: Float) -> [Float] {
      let parameter = Parameter(Tensor([3, 4]))
      parameter.hasOwnScale = hasOwnScale
      parameter.gradient.store([30, 40])
      let optimizer = Optimizer.sgd(momentum: 0, nesterov: false, weightDecay: 0)
      optimizer.prepare([parameter])
      optimizer.update(
        [parameter], rate: 0.5, step: 0, gradientScale: gradientScale, stepLimit: stepLimit,
        engine: Engine(threads: 1))
      return parameter.values.array()
    }
    #expect(updated(hasOwnScale: true, gradientScale: 1, stepLimit: 0) == [-12, -16])
    #expect(updated(hasOwnScale: false, gradientScale: 1, stepLimit: 0.1) == [-12, -16])
    #expect(
      largestDifference(updated(hasOwnScale: true, gradientScale: 1, stepLimit: 0.1), [2.7, 3.6])
        < 1e-5)
    // Together with the limit for all gradients the smaller one counts.
    #expect(
      largestDifference(updated(hasOwnScale: true, gradientScale: 0.5, stepLimit: 0.1), [2.7, 3.6])
        < 1e-5)
    #expect(
      largestDifference(
        updated(hasOwnScale: true, gradientScale: 0.001, stepLimit: 0.1), [2.985, 3.98])
        < 1e-5)
  }

  @Test("Layers without a normalisation behind them are marked")
  func ownScale() throws {
    func names(_ name: ModelName) throws -> [String] {
      let network = try name.network(
        input: MapShape(channels: 3, height: 32, width: 32), classes: 10, width: 0.125)
      return try Model(network, engine: Engine(threads: 1), batch: 1, seed: 1).parameters
        .filter(\.hasOwnScale).map(\.name)
    }
    #expect(try names(.resnet20) == ["fc.weight"])
    #expect(try names(.lenet5).count == 5)
  }

  struct ScheduleCase: Decodable {
    struct Configuration: Decodable {
      let kind: LearningRate.Decay
      let learningRate: Float
      let steps, warmupSteps: Int
    }
    let name: String
    let configuration: Configuration
    let values: [Float]
  }

  @Test("Learning rates")
  func learningRates() throws {
    for example in try Fixture<ScheduleCase>.read("schedules") {
      let setup = example.configuration
      let schedule = LearningRate(
        peak: setup.learningRate, decay: setup.kind, warmUpSteps: setup.warmupSteps,
        totalSteps: setup.steps)
      for (step, value) in example.values.enumerated() {
        #expect(abs(schedule.rate(at: step) - value) < 1e-7, "\(example.name), step \(step)")
      }
    }
  }

  struct LossCase: Decodable {
    struct Configuration: Decodable { let labelSmoothing: Float }
    let name: String
    let configuration: Configuration
    let logits, logitsGradient: FixtureArray
    let targets: [Int32]
    let loss: Double
  }

  @Test("Softmax cross-entropy", arguments: [1, 4, 16])
  func crossEntropy(lanes: Int) throws {
    for example in try Fixture<LossCase>.read("cross_entropy") {
      let (images, classes) = (example.logits.shape[0], example.logits.shape[1])
      func place(_ image: Int, _ value: Int) -> Int {
        image / lanes * classes * lanes + value * lanes + image % lanes
      }
      let blocks = (images + lanes - 1) / lanes
      let logits = Tensor(count: blocks * classes * lanes)
      let gradient = Tensor(count: logits.count)
      gradient.fill(.nan)
      for image in 0..<images {
        for value in 0..<classes {
          logits[place(image, value)] = example.logits.values[image * classes + value]
        }
      }
      let result = SoftmaxCrossEntropy(smoothing: example.configuration.labelSmoothing).evaluate(
        logits, labels: example.targets, images: images, classes: classes, lanes: lanes,
        gradient: gradient)
      #expect(abs(result.loss - example.loss) < 1e-5 * max(1, example.loss), "\(example.name)")
      let found = (0..<images * classes).map { gradient[place($0 / classes, $0 % classes)] }
      #expect(relativeDifference(found, example.logitsGradient.values) < 1e-6, "\(example.name)")
      #expect(gradient.array().allSatisfy { !$0.isNaN }, "padding lanes have no gradient")
    }
  }
}
