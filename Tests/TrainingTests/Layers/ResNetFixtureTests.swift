// SPDX-License-Identifier: Apache-2.0
import Foundation
import Oracles
import Tensor
import Testing

@testable import Training

/// Steps of ResNet-20 from weights and images that a formula gives, against PyTorch in double precision.
@Suite("Steps of ResNet-20 against PyTorch")
struct ResNetFixtureTests {
  struct Case: Decodable {
    struct Configuration: Decodable {
      let images, steps: Int
      let learningRate, momentum, weightDecay: Float
    }
    struct ParameterCase: Decodable {
      let index: Int
      let torchName: String
      let shape: [Int]
      let initial: Float?
      let fanIn: Int
      let norm: Double
      let firstValues: FixtureArray
    }
    struct Statistics: Decodable { let runningMean, runningVariance: FixtureArray }
    let configuration: Configuration
    let losses: [Double]
    let parameters: [ParameterCase]
    let firstBatchNorm: Statistics
  }

  /// With three blocks a stage `blocks.4.shortcut.0.weight` there is `layer2.1.downsample.0.weight` here.
  private func name(_ torchName: String, blocks: Int) -> String {
    var parts = torchName.split(separator: ".").map(String.init)
    if parts[0] == "blocks", let block = Int(parts[1]) {
      parts.replaceSubrange(0...1, with: ["layer\(block / blocks + 1)", "\(block % blocks)"])
    }
    return parts.joined(separator: ".").replacing("shortcut", with: "downsample")
      .replacing("linear", with: "fc")
  }

  /// A network with the weights that the formula gives.
  private func initialModel(
    blocks: Int, width: Double = 1, side: Int = 32, images: Int, _ parameters: [Case.ParameterCase]
  ) throws -> Model {
    let network = try ResNet.small(
      name: "small", blocks: blocks, input: MapShape(channels: 3, height: side, width: side),
      classes: 10, width: width)
    let model = try Model(network, engine: Engine(threads: 2), batch: images, seed: 0)
    #expect(model.parameters.count == parameters.count)
    for item in parameters {
      let parameter = try find(item.torchName, blocks: blocks, in: model)
      let count = item.shape.reduce(1, *)
      var random = SeededRandom(seed: 1, stream: UInt64(item.index))
      let scale = Float((6.0 / Double(item.fanIn)).squareRoot())
      let values = (0..<count).map { _ in item.initial ?? (2 * random.uniform() - 1) * scale }
      if let layer = model.convolutions.first(where: { $0.weight === parameter }) {
        layer.store(denseWeights: values)
      } else {
        parameter.values.store(values)
      }
    }
    return model
  }

  private func find(_ torchName: String, blocks: Int, in model: Model) throws -> Parameter {
    let name = name(torchName, blocks: blocks)
    return try #require(model.parameters.first { $0.name == name }, "\(torchName)")
  }

  /// The loss of a step's batch, whose gradients are left behind.
  private func loss(_ model: Model, step: Int) -> Double {
    var pixels = SeededRandom(seed: 2, stream: UInt64(step))
    let values = model.batch * model.network.map(model.network.input).count
    model.stage((0..<values).map { _ in 2 * pixels.uniform() - 1 })
    var labels = SeededRandom(seed: 3, stream: UInt64(step))
    let targets = (0..<model.batch).map { _ in Int32(labels.below(10)) }
    model.forward(images: model.batch, training: true)
    let result = model.evaluate(SoftmaxCrossEntropy(), labels: targets, images: model.batch)
    model.backward(images: model.batch)
    return result.loss
  }

  struct EightBitCase: Decodable {
    let name: String
    let activations, gradients: EightBitFormat?
    let loss: Double
    let parameters: [Case.ParameterCase]
  }

  /// The gradients of the cases differ by several percent from each other, and from those where one kind
  /// of tensor is left out.
  @Test("Gradients of a step whose stored tensors are rounded to 8 bits agree within 1e-4")
  func eightBits() throws {
    let cases = try Fixture<EightBitCase>.read("eight_bits")
    #expect(cases.count == 5)
    for item in cases {
      let model = try initialModel(blocks: 1, width: 0.375, side: 8, images: 8, item.parameters)
      model.storage = StorageFormats(activations: item.activations, gradients: item.gradients)
      #expect(abs(loss(model, step: 0) - item.loss) < 1e-5, "\(item.name)")
      for expected in item.parameters {
        let parameter = try find(expected.torchName, blocks: 1, in: model)
        let layer = model.convolutions.first { $0.weight === parameter }
        let values = layer?.filters.expand(parameter.gradient) ?? parameter.gradient.array()
        let comment = Comment(rawValue: "\(item.name): \(expected.torchName)")
        #expect(abs(norm(values) - expected.norm) < 1e-4 * expected.norm, comment)
        let difference = zip(values, expected.firstValues.values).map { abs(Double($0 - $1)) }
        #expect(difference.max()! < 1e-4 * expected.norm, comment)
      }
    }
  }

  private func norm(_ values: [Float]) -> Double {
    values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  @Test("Losses and weights agree within 1e-4")
  func tenSteps() throws {
    let example = try #require(try Fixture<Case>.read("resnet20").first)
    let setup = example.configuration
    let model = try initialModel(blocks: 3, images: setup.images, example.parameters)
    let optimizer = Optimizer.sgd(
      momentum: setup.momentum, nesterov: false, weightDecay: setup.weightDecay)
    optimizer.prepare(model.parameters)
    func dense(_ parameter: Parameter) -> [Float] {
      let layer = model.convolutions.first { $0.weight === parameter }
      return layer?.denseWeights ?? parameter.values.array()
    }

    for step in 0..<setup.steps {
      #expect(abs(loss(model, step: step) - example.losses[step]) < 1e-4, "step \(step)")
      optimizer.update(
        model.parameters, rate: setup.learningRate, step: step, gradientScale: 1,
        engine: model.engine)
    }

    for item in example.parameters {
      let values = dense(try find(item.torchName, blocks: 3, in: model))
      #expect(abs(norm(values) - item.norm) < 1e-4 * max(1, item.norm), "\(item.torchName)")
      #expect(
        relativeDifference(Array(values.prefix(4)), item.firstValues.values) < 1e-4,
        "\(item.torchName)")
    }
    let first = try #require(model.layers[1] as? BatchNormLayer)
    #expect(
      relativeDifference(first.runningMean.array(), example.firstBatchNorm.runningMean.values)
        < 1e-4)
    #expect(
      relativeDifference(
        first.runningVariance.array(), example.firstBatchNorm.runningVariance.values)
        < 1e-4)
  }
}
