// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Training

/// Gradients against finite differences of the forward pass, for every layer, input and parameter.
@Suite("Gradients against finite differences")
struct FiniteDifferenceTests {
  /// A layer to test.
  struct Subject: Sendable, CustomTestStringConvertible {
    let name: String
    let map: MapShape
    var inputs = 1
    let build: @Sendable (inout Network, [Network.Value]) throws -> Void
    var testDescription: String { name }
  }

  static let map = MapShape(channels: 4, height: 5, width: 6)
  static let even = MapShape(channels: 4, height: 6, width: 8)
  static let flat = MapShape(channels: 11, height: 1, width: 1)
  static let subjects: [Subject] = [
    Subject(name: "convolution 3x3", map: map) {
      try $0.convolution("x", $1[0], filters: 5, kernel: 3, padding: 1, bias: true)
    },
    Subject(name: "convolution 3x3, stride 2", map: even) {
      try $0.convolution("x", $1[0], filters: 5, kernel: 3, stride: 2, padding: 1)
    },
    Subject(name: "convolution 5x3, stride 2, padding 2x0", map: map) {
      try $0.convolution(
        "x", $1[0], filters: 3, rows: 5, columns: 3, stride: 2, paddingRows: 2, paddingColumns: 0)
    },
    Subject(name: "convolution 1x1, stride 2", map: map) {
      try $0.convolution("x", $1[0], filters: 6, kernel: 1, stride: 2)
    },
    Subject(name: "grouped convolution", map: map) {
      try $0.convolution("x", $1[0], filters: 6, kernel: 3, padding: 1, groups: 2)
    },
    Subject(name: "depthwise convolution", map: even) {
      try $0.convolution("x", $1[0], filters: 4, kernel: 3, stride: 2, padding: 1, groups: 4)
    },
    Subject(name: "linear", map: flat) { try $0.linear("x", $1[0], outputs: 7) },
    Subject(name: "batch norm", map: map) { try $0.batchNorm("x", $1[0]) },
    Subject(name: "batch norm, relu6", map: map) {
      try $0.batchNorm("x", $1[0], activation: .relu6)
    },
    Subject(name: "batch norm, residual, relu", map: map, inputs: 2) {
      try $0.batchNorm("x", $1[0], adding: $1[1], activation: .relu)
    },
    Subject(name: "relu", map: map) { try $0.activation("x", $1[0]) },
    Subject(name: "addition", map: map, inputs: 2) { try $0.add("x", $1[0], $1[1]) },
    Subject(name: "max pooling", map: map) { try $0.pool("x", $1[0], .max, size: 2) },
    Subject(name: "average pooling", map: map) {
      try $0.pool("x", $1[0], .average, size: 3, stride: 2, padding: 1)
    },
    Subject(name: "global average pooling", map: map) { try $0.globalAveragePool("x", $1[0]) },
    Subject(name: "flatten", map: map) { try $0.flatten("x", $1[0]) },
    Subject(name: "dropout", map: map) { try $0.dropout("x", $1[0], probability: 0.4) },
  ]

  @Test("Inputs and parameters", arguments: subjects)
  func gradients(subject: Subject) throws {
    let images = 3
    let harness = try LayerHarness(
      map: subject.map, images: images, inputs: subject.inputs, build: subject.build)
    var random = SeededRandom(seed: 5)
    let count = images * subject.map.count
    var inputs = (0..<subject.inputs).map { _ in
      // Apart from each other and from zero, where pooling and clamping have no derivative.
      random.permutation(count).map { (Float($0) - Float(count) / 2 + 0.25) * 0.02 }
    }
    let outputs = harness.forward(inputs).count
    let upstream = randomValues(outputs, &random)
    func loss() -> Double {
      zip(harness.forward(inputs), upstream).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }

    _ = harness.forward(inputs)
    let inputGradients = harness.backward(upstream)
    let parameterGradients = harness.layer.parameters.map { $0.gradient.array() }
    let scale = (inputGradients + parameterGradients).flatMap { $0 }
      .reduce(Float(0.1)) { max($0, abs($1)) }
    let step: Float = 2e-3

    func check(_ found: Float, _ what: String, _ change: (Float) -> Void) {
      change(step)
      let above = loss()
      change(-2 * step)
      let below = loss()
      change(step)
      let expected = Float((above - below) / Double(2 * step))
      #expect(abs(found - expected) < 0.02 * scale, "\(subject.name), \(what)")
    }
    for input in inputs.indices {
      for _ in 0..<12 {
        let place = random.below(count)
        check(inputGradients[input][place], "input \(input)[\(place)]") {
          inputs[input][place] += $0
        }
      }
    }
    for (parameter, gradient) in zip(harness.layer.parameters, parameterGradients) {
      for _ in 0..<12 {
        let place = random.below(parameter.values.count)
        // Places of a ragged block are no weights.
        if parameter.values[place] == 0, gradient[place] == 0 { continue }
        check(gradient[place], "\(parameter.name)[\(place)]") { parameter.values[place] += $0 }
      }
    }
  }

  @Test("A network with every way to share gradients")
  func sharedGradients() throws {
    // x feeds a normalisation, an addition and a convolution: gradients add up in one buffer.
    let map = MapShape(channels: 3, height: 4, width: 4)
    var network = Network(name: "shared", input: map)
    let x = try network.convolution("conv1", network.input, filters: 4, kernel: 3, padding: 1)
    let a = try network.batchNorm("bn1", x, activation: .relu)
    let b = try network.convolution("conv2", a, filters: 4, kernel: 3, padding: 1)
    let c = try network.batchNorm("bn2", b, adding: x, activation: .relu)
    let d = try network.add("add", c, a)
    let e = try network.batchNorm("bn3", x, adding: d)
    let f = try network.pool("pool", e, .max, size: 2)
    try network.linear("fc", f, outputs: 3)

    let model = try Model(network, engine: Engine(threads: 2), batch: 5, seed: 2)
    var random = SeededRandom(seed: 9)
    model.stage(randomValues(5 * map.count, &random))
    let labels: [Int32] = [0, 1, 2, 1, 0]
    func loss() -> Double {
      model.forward(images: 5, training: true)
      return model.evaluate(SoftmaxCrossEntropy(), labels: labels, images: 5).loss
    }
    _ = loss()
    model.backward(images: 5)
    for parameter in model.parameters {
      let gradient = parameter.gradient.array()
      let scale = gradient.reduce(Float(0.02)) { max($0, abs($1)) }
      for _ in 0..<6 {
        let place = random.below(parameter.values.count)
        if parameter.values[place] == 0, gradient[place] == 0 { continue }
        let step: Float = 1e-3
        let before = parameter.values[place]
        parameter.values[place] = before + step
        let above = loss()
        parameter.values[place] = before - step
        let below = loss()
        parameter.values[place] = before
        let expected = Float((above - below) / Double(2 * step))
        #expect(
          abs(gradient[place] - expected) < 0.05 * scale + 1e-3, "\(parameter.name)[\(place)]")
      }
    }
  }
}
