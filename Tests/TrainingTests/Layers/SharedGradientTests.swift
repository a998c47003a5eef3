// SPDX-License-Identifier: Apache-2.0
import Oracles
import Tensor
import Testing

@testable import Training

/// A value that two layers read has the sum of their gradients. Each kind of layer is next to a
/// convolution, before it and behind it in the network, so that it once finds the gradient empty and
/// once has to add to it.
@Suite("Gradients of a value that two layers read")
struct SharedGradientTests {
  /// A layer on a value.
  struct Reader: Sendable, CustomTestStringConvertible {
    let name: String
    let build: @Sendable (inout Network, Network.Value) throws -> Network.Value
    var testDescription: String { name }
  }

  static let readers: [Reader] = [
    Reader(name: "convolution 3x3") {
      try $0.convolution("x", $1, filters: 5, kernel: 3, padding: 1)
    },
    Reader(name: "convolution 3x3, stride 2") {
      try $0.convolution("x", $1, filters: 5, kernel: 3, stride: 2, padding: 1)
    },
    Reader(name: "convolution 5x5") {
      try $0.convolution("x", $1, filters: 3, kernel: 5, padding: 1)
    },
    Reader(name: "convolution 1x1, stride 2") {
      try $0.convolution("x", $1, filters: 5, kernel: 1, stride: 2)
    },
    Reader(name: "max pooling") { try $0.pool("x", $1, .max, size: 3, stride: 2, padding: 1) },
    Reader(name: "average pooling") { try $0.pool("x", $1, .average, size: 2) },
    Reader(name: "global average pooling") { try $0.globalAveragePool("x", $1) },
    Reader(name: "relu") { try $0.activation("x", $1) },
    Reader(name: "relu6") { try $0.activation("x", $1, .relu6) },
    Reader(name: "dropout") { try $0.dropout("x", $1, probability: 0.4) },
    Reader(name: "flatten") { try $0.flatten("x", $1) },
    Reader(name: "batch norm") { try $0.batchNorm("x", $1, activation: .relu) },
    Reader(name: "addition with itself") { try $0.add("x", $1, $1) },
  ]

  static let map = MapShape(channels: 3, height: 6, width: 8)
  static let images = 19

  /// Input → convolution → a value read by the layer and by a convolution, each behind a linear layer
  /// of its own, whose outputs add up to the logits.
  private func model(_ reader: Reader, first: Bool) throws -> Model {
    var network = Network(name: "shared", input: Self.map)
    let value = try network.convolution("start", network.input, filters: 4, kernel: 3, padding: 1)
    var branches: [Network.Value] = []
    func append(_ isReader: Bool) throws {
      let made =
        isReader
        ? try reader.build(&network, value)
        : try network.convolution("beside", value, filters: 4, kernel: 3, padding: 1)
      branches.append(
        try network.linear(isReader ? "linear of x" : "linear beside", made, outputs: 4))
    }
    try append(first)
    try append(!first)
    try network.add("logits", branches[0], branches[1])
    return try Model(network, engine: Engine(threads: 2), batch: Self.images, seed: 11)
  }

  /// dL/dW of the first convolution for a fixed gradient of the logits, with the weights of some linear
  /// layers taken away, so that nothing comes back through them.
  private func gradient(_ model: Model, silencing silent: [String]) throws -> [Float] {
    var random = SeededRandom(seed: 4)
    model.stage(randomValues(Self.images * Self.map.count, &random))
    model.forward(images: Self.images, training: true, seed: 3)
    let output = try #require(model.layers.last)
    let layout = BlockedLayout(
      output.ports.outputMap, images: Self.images, lanes: model.engine.kernels.lanes)
    output.ports.upstream.store(
      layout.blocked(randomValues(Self.images * 4, &random)) { 0 })
    var saved: [(Parameter, [Float])] = []
    for parameter in model.parameters where silent.contains(where: parameter.name.hasPrefix) {
      saved.append((parameter, parameter.values.array()))
      parameter.values.fill(0)
    }
    model.backward(images: Self.images, seed: 3)
    for (parameter, values) in saved { parameter.values.store(values) }
    let start = try #require(model.convolutions.first)
    return start.filters.expand(start.weight.gradient)
  }

  @Test("Both together are one plus the other", arguments: readers, [true, false])
  func sums(reader: Reader, first: Bool) throws {
    let model = try model(reader, first: first)
    let alone = try gradient(model, silencing: ["linear beside"])
    let beside = try gradient(model, silencing: ["linear of x"])
    let both = try gradient(model, silencing: [])
    let expected = zip(alone, beside).map { Double($0) + Double($1) }
    #expect(relativeDifference(both, expected, least: 0.01) < 1e-5, "\(reader.name), \(first)")
    // None of them is zero.
    for part in [alone, beside] { #expect(largestMagnitude(part) > 1e-3, "\(reader.name)") }
    // What the memory held before does not matter.
    #expect(try gradient(model, silencing: []) == both)
    #expect(
      largestDifference(try gradient(model, silencing: ["linear"]), both.map { _ in Float(0) }) == 0
    )
  }

  @Test("The gradients of one layer between two equal finite differences", arguments: readers)
  func alone(reader: Reader) throws {
    let model = try model(reader, first: true)
    let found = try gradient(model, silencing: [])
    let start = try #require(model.convolutions.first)
    let weights = start.denseWeights
    // The loss whose gradient the logits were given: their product with it.
    func loss(_ weights: [Float]) throws -> Double {
      start.store(denseWeights: weights)
      var random = SeededRandom(seed: 4)
      model.stage(randomValues(Self.images * Self.map.count, &random))
      model.forward(images: Self.images, training: true, seed: 3)
      let upstream = randomValues(Self.images * 4, &random)
      let logits = model.logits(images: Self.images)
      return zip(logits, upstream).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let scale = max(0.1, largestMagnitude(found))
    for place in stride(from: 0, to: weights.count, by: 11) {
      var changed = weights
      changed[place] += 1e-3
      let above = try loss(changed)
      changed[place] = weights[place] - 1e-3
      let below = try loss(changed)
      #expect(
        abs(Double(found[place]) - (above - below) / 2e-3) < 0.05 * scale,
        "\(reader.name) [\(place)]")
    }
  }
}
