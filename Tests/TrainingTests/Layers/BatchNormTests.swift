// SPDX-License-Identifier: Apache-2.0
import Oracles
import Tensor
import Testing

@testable import Training

@Suite struct BatchNormTests {
  @Test("evaluation adds epsilon to the variance, which matters where that is small")
  func epsilon() throws {
    let map = MapShape(channels: 2, height: 1, width: 3)
    var network = Network(name: "norm", input: map)
    try network.flatten(
      "logits", network.batchNorm("norm", network.input, epsilon: 1e-5, momentum: 0.1))
    let model = try Model(network, engine: Engine(threads: 1), batch: 2, seed: 1)
    let (mean, variance): ([Float], [Float]) = ([0.5, -1], [3e-5, 4])
    for statistic in model.statistics {
      statistic.values.store(statistic.name.hasSuffix("mean") ? mean : variance)
    }
    var random = SeededRandom(seed: 2)
    let images = randomValues(2 * map.count, &random)
    model.stage(images)
    model.forward(images: 2, training: false)
    let expected = images.enumerated().map { index, value in
      let channel = index / 3 % 2
      return (Double(value) - Double(mean[channel]))
        / (Double(variance[channel]) + 1e-5).squareRoot()
    }
    let found = model.logits(images: 2)
    #expect(
      relativeDifference(found, expected, least: 0.01) < 1e-4, "\(found), \(expected), \(images)")
  }

  /// The residual's gradient takes over the output's memory, unless the normalisation still needs it.
  @Test("a residual's gradient is right where the normalisation adds to its input's")
  func residual() throws {
    let map = MapShape(channels: 3, height: 4, width: 5)
    var random = SeededRandom(seed: 4)
    let images = randomValues(5 * map.count, &random)
    let upstream = randomValues(5 * 4, &random)
    /// The gradient of the weights that make the residual.
    func gradient(addsElsewhere: Bool) throws -> [Float] {
      var network = Network(name: "residual", input: map)
      let x = try network.convolution("x", network.input, filters: 4, kernel: 3, padding: 1)
      let r = try network.convolution("r", network.input, filters: 4, kernel: 3, padding: 1)
      let norm = try network.batchNorm("norm", x, adding: r, activation: .relu)
      let first = try network.linear("first", norm, outputs: 4)
      if addsElsewhere {
        // Behind the normalisation, so that in the backward pass it finds a gradient of x.
        let second = try network.linear("second", network.activation("other", x), outputs: 4)
        try network.add("logits", first, second)
      }
      let model = try Model(network, engine: Engine(threads: 1), batch: 5, seed: 3)
      var weights = SeededRandom(seed: 5)
      for parameter in model.parameters where parameter.name.hasSuffix("weight") {
        parameter.values.store(randomValues(parameter.values.count, &weights))
      }
      model.stage(images)
      model.forward(images: 5, training: true)
      let output = try #require(model.layers.last).ports.upstream
      output.store((0..<output.count).map { upstream[$0 % upstream.count] })
      model.backward(images: 5)
      return try #require(model.parameters.first { $0.name == "r.weight" }).gradient.array()
    }
    let both = try gradient(addsElsewhere: true)
    let one = try gradient(addsElsewhere: false)
    // The other branch does not depend on r.
    #expect(relativeDifference(both, one.map { Double($0) }, least: 0.01) < 1e-5)
    #expect(largestMagnitude(both) > 1e-3)
  }
}
