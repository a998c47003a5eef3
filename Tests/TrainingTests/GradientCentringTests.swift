// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Training

@Suite("Centred gradients of a classifier") struct GradientCentringTests {
  private func model(prunable: Bool = false) throws -> Model {
    var network = Network(name: "one", input: MapShape(channels: 3, height: 6, width: 6))
    var x = try network.convolution("conv", network.input, filters: 21, kernel: 3, padding: 1)
    x = try network.batchNorm("bn", x, activation: .relu)
    x = try network.globalAveragePool("pool", x)
    try network.linear("fc", x, outputs: 7, prunable: prunable)
    let model = try Model(network, engine: Engine(threads: 2), batch: 4, seed: 3)
    let classifier = try #require(model.classifier)
    #expect(classifier.name == "fc")
    classifier.trainAsClassifier(fromRandom: true)
    return model
  }

  private func backward(_ model: Model) -> Double {
    var random = SeededRandom(seed: 5)
    model.stage((0..<4 * 108).map { _ in random.normal() })
    model.forward(images: 4, training: true)
    let result = model.evaluate(SoftmaxCrossEntropy(), labels: [0, 1, 2, 6], images: 4)
    model.backward(images: 4)
    return result.loss
  }

  @Test("Each output loses its mean over the weights that it keeps; no other layer changes")
  func means() throws {
    for isPruned in [false, true] {
      let model = try model(prunable: isPruned)
      let (first, fc) = (model.convolutions[0], model.convolutions[1])
      if isPruned {
        fc.apply(LayerMask(shape: fc.filterShape, elements: Bits(count: 147) { $0 % 5 != 2 }))
      }
      _ = backward(model)
      let before = fc.filters.expand(fc.weight.gradient)
      let others = model.parameters.filter { $0.name != "fc.weight" }.map { $0.gradient.array() }
      let kernel = first.weight.gradient.array()
      centreGradients(model.parameters)
      let after = fc.filters.expand(fc.weight.gradient)
      for output in 0..<7 {
        let kept = (output * 21..<output * 21 + 21).filter { !isPruned || $0 % 5 != 2 }
        let mean = kept.reduce(0) { $0 + before[$1] } / Float(kept.count)
        #expect(mean.magnitude > 1e-4, "the features are positive, so the mean is not zero")
        for place in kept { #expect(abs(after[place] - (before[place] - mean)) < 1e-6) }
      }
      // Means of one step are none of the next.
      centreGradients(model.parameters)
      let again = fc.filters.expand(fc.weight.gradient)
      for (one, two) in zip(after, again) { #expect(abs(one - two) < 1e-6) }
      #expect(first.weight.gradient.array() == kernel)
      #expect(
        model.parameters.filter { $0.name != "fc.weight" }.map { $0.gradient.array() } == others)
    }
  }

  @Test("The first loss is that of guessing")
  func start() throws {
    let loss = backward(try model())
    #expect(abs(loss - 1.9459) < 0.1, "\(loss), ln 7 is 1.9459")
  }

  @Test("A limited step of a small classifier counts by the norm of an ordinary start")
  func limit() throws {
    let model = try model()
    let weight = model.convolutions[1].weight
    weight.gradient.store([Float](repeating: 1, count: weight.gradient.count))
    let optimizer = Optimizer.sgd(momentum: 0, nesterov: false, weightDecay: 0)
    optimizer.prepare(model.parameters)
    let before = model.convolutions[1].denseWeights
    optimizer.update(
      model.parameters, rate: 10, step: 0, gradientScale: 1, stepLimit: 0.01, engine: model.engine)
    let moved = zip(before, model.convolutions[1].denseWeights).map { $0 - $1 }
    let length = moved.reduce(0) { $0 + $1 * $1 }.squareRoot()
    // He et al.: 7 outputs of variance 2 together. Padding, if any, counts in the gradient's norm.
    let least = Float(14).squareRoot()
    #expect(length <= 0.01 * least * 1.001 && length > 0.008 * least)
  }
}
