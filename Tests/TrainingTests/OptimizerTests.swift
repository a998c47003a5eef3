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

  @Test("A step of weights is limited by their norm")
  func rotationLimit() {
    // sqrt(2 · 0.5 · 0.01 · (1 - 0)) = 0.1 of the norm, 5.
    func updated(isWeight: Bool = true, gradientScale: Float = 1, rotationLimit: Float) -> [Float] {
      let parameter = Parameter(Tensor([3, 4]))
      parameter.isWeight = isWeight
      parameter.gradient.store([30, 40])
      let optimizer = Optimizer.sgd(momentum: 0, nesterov: false, weightDecay: 0.01)
      optimizer.prepare([parameter])
      optimizer.update(
        [parameter], rate: 0.5, step: 0, gradientScale: gradientScale,
        rotationLimit: rotationLimit, engine: Engine(threads: 1))
      // Without what weight decay takes.
      return zip(parameter.values.array(), [0.015, 0.02] as [Float]).map(+)
    }
    func isClose(_ found: [Float], _ expected: [Float]) -> Bool {
      largestDifference(found, expected) < 1e-5
    }
    #expect(isClose(updated(rotationLimit: 0), [-12, -16]))
    #expect(isClose(updated(isWeight: false, rotationLimit: 1), [-12, -16]))
    #expect(isClose(updated(rotationLimit: 1), [2.7, 3.6]))
    #expect(isClose(updated(rotationLimit: 0.5), [2.85, 3.8]))
    // Together with the limit for all gradients the smaller one counts.
    #expect(isClose(updated(gradientScale: 0.5, rotationLimit: 1), [2.7, 3.6]))
    #expect(isClose(updated(gradientScale: 0.001, rotationLimit: 1), [2.985, 3.98]))
  }

  @Test("Weights that are all zero leave zero")
  func zeroWeights() {
    let parameter = Parameter(Tensor([0, 0]))
    parameter.isWeight = true
    parameter.gradient.store([30, 40])
    let optimizer = Optimizer.sgd(momentum: 0, nesterov: false, weightDecay: 0.01)
    optimizer.prepare([parameter])
    optimizer.update(
      [parameter], rate: 0.5, step: 0, gradientScale: 1, rotationLimit: 1,
      engine: Engine(threads: 1))
    #expect(parameter.values.array() == [-15, -20])
  }

  @Test("Without weight decay, and with AdamW, nothing limits a step")
  func noEquilibrium() {
    #expect(
      Optimizer.sgd(momentum: 0.9, nesterov: false, weightDecay: 0).equilibriumStep(rate: 1) == 0)
    let adamW = Optimizer.adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1)
    #expect(adamW.equilibriumStep(rate: 1) == 0)
  }

  /// Random gradients at right angles to the weights, the shorter the longer these are: what a layer
  /// before a normalisation has.
  @Test(
    "Weight decay settles at the equilibrium step, from short and from long weights",
    arguments: [0, 0.9] as [Float], [0.02, 1] as [Float])
  func equilibrium(momentum: Float, start: Float) {
    let count = 64
    var random = SeededRandom(seed: 3)
    let parameter = Parameter(Tensor((0..<count).map { _ in random.normal() * start }))
    let optimizer = Optimizer.sgd(momentum: momentum, nesterov: false, weightDecay: 0.1)
    optimizer.prepare([parameter])
    let engine = Engine(threads: 1)
    let rate: Float = 0.02
    var squares: [Double] = []
    for step in 0..<3000 {
      let weights = parameter.values.array()
      let square = engine.squareSum(parameter.values)
      var gradient = (0..<count).map { _ in random.normal() }
      let along = Float(Double(zip(gradient, weights).reduce(0) { $0 + $1.0 * $1.1 }) / square)
      gradient = zip(gradient, weights).map { ($0 - along * $1) / Float(square.squareRoot()) }
      parameter.gradient.store(gradient)
      if step >= 1500 {
        squares.append(Double(rate * rate) * engine.squareSum(parameter.gradient) / square)
      }
      optimizer.update([parameter], rate: rate, step: step, gradientScale: 1, engine: engine)
    }
    let measured = (squares.reduce(0, +) / Double(squares.count)).squareRoot()
    let expected = Double(optimizer.equilibriumStep(rate: rate))
    #expect(abs(measured / expected - 1) < 0.05, "\(measured), not \(expected)")
  }

  @Test("The weights of convolutions and linear layers are marked, and no biases or scales")
  func weights() throws {
    let network = try ModelName.lenet5.network(
      input: MapShape(channels: 3, height: 32, width: 32), classes: 10, width: 0.125)
    let model = try Model(network, engine: Engine(threads: 1), batch: 1, seed: 1)
    let marked = model.parameters.filter(\.isWeight).map(\.name)
    #expect(marked == model.parameters.map(\.name).filter { $0.hasSuffix(".weight") })
    #expect(marked.count == 5)
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
