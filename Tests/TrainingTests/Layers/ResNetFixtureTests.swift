// SPDX-License-Identifier: Apache-2.0
import Foundation
import Oracles
import Tensor
import Testing

@testable import Training

/// Ten steps of ResNet-20 from weights and images that a formula gives, against PyTorch in double
/// precision.
@Suite("Ten steps of ResNet-20 against PyTorch")
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

  /// `blocks.4.shortcut.0.weight` there is `layer2.1.downsample.0.weight` here.
  private func name(_ torchName: String) -> String {
    var parts = torchName.split(separator: ".").map(String.init)
    if parts[0] == "blocks", let block = Int(parts[1]) {
      parts.replaceSubrange(0...1, with: ["layer\(block / 3 + 1)", "\(block % 3)"])
    }
    return parts.joined(separator: ".").replacing("shortcut", with: "downsample")
      .replacing("linear", with: "fc")
  }

  @Test("Losses and weights agree within 1e-4")
  func tenSteps() throws {
    let example = try #require(try Fixture<Case>.read("resnet20").first)
    let setup = example.configuration
    let map = MapShape(channels: 3, height: 32, width: 32)
    let network = try ModelName.resnet20.network(input: map, classes: 10)
    let model = try Model(network, engine: Engine(threads: 2), batch: setup.images, seed: 0)
    let optimizer = Optimizer.sgd(
      momentum: setup.momentum, nesterov: false, weightDecay: setup.weightDecay)
    optimizer.prepare(model.parameters)

    #expect(model.parameters.count == example.parameters.count)
    func find(_ torchName: String) throws -> Parameter {
      try #require(model.parameters.first { $0.name == name(torchName) }, "\(torchName)")
    }
    func dense(_ parameter: Parameter) -> [Float] {
      let layer = model.convolutions.first { $0.weight === parameter }
      return layer?.denseWeights ?? parameter.values.array()
    }
    for item in example.parameters {
      let parameter = try find(item.torchName)
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

    for step in 0..<setup.steps {
      var pixels = SeededRandom(seed: 2, stream: UInt64(step))
      model.stage((0..<setup.images * map.count).map { _ in 2 * pixels.uniform() - 1 })
      var labels = SeededRandom(seed: 3, stream: UInt64(step))
      let targets = (0..<setup.images).map { _ in Int32(labels.below(10)) }
      model.forward(images: setup.images, training: true)
      let result = model.evaluate(SoftmaxCrossEntropy(), labels: targets, images: setup.images)
      #expect(abs(result.loss - example.losses[step]) < 1e-4, "step \(step)")
      model.backward(images: setup.images)
      optimizer.update(
        model.parameters, rate: setup.learningRate, step: step, gradientScale: 1,
        engine: model.engine)
    }

    for item in example.parameters {
      let values = dense(try find(item.torchName))
      let norm = values.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(norm - item.norm) < 1e-4 * max(1, item.norm), "\(item.torchName)")
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
