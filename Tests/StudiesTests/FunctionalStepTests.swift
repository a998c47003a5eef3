// SPDX-License-Identifier: Apache-2.0

import Masks
import Tensor
import Testing

@testable import Processor
@testable import Training

/// A whole training step on values through the units of the machine, from the images to the updated
/// weights, against the engine that trains: the test that the machine trains.
@Suite struct FunctionalStepTests {
  private static let images = 4
  private static let side = 6
  private static let planes = 6
  private static let classes = 5
  private static let rate: Float = 0.1
  private static let momentum: Float = 0.9
  private static let decay: Float = 1e-3

  /// Two convolutions with normalisation, the second with a residual, pooling, and a linear layer.
  private func network() throws -> Network {
    var network = Network(
      name: "step", input: MapShape(channels: 3, height: Self.side, width: Self.side))
    let first = try network.batchNorm(
      "bn1",
      network.convolution("conv1", network.input, filters: Self.planes, kernel: 3, padding: 1),
      activation: .relu)
    let second = try network.batchNorm(
      "bn2", network.convolution("conv2", first, filters: Self.planes, kernel: 3, padding: 1),
      adding: first, activation: .relu)
    _ = try network.linear(
      "fc", network.globalAveragePool("pool", second), outputs: Self.classes)
    return network
  }

  @Test("loss and weights of a step are the engine's, within the error of the formats")
  func step() throws {
    let model = try Model(network(), engine: Engine(threads: 1), batch: Self.images, seed: 3)
    var random = SeededRandom(seed: 8, stream: 2)
    for layer in model.convolutions where layer.geometry.rows == 3 {
      let shape = layer.filterShape
      layer.apply(
        LayerMask(
          shape: shape,
          elements: Bits(count: shape.count) { _ in Double(random.uniform()) < 0.6 }))
    }
    let optimizer = Optimizer.sgd(
      momentum: Self.momentum, nesterov: false, weightDecay: Self.decay)
    optimizer.prepare(model.parameters)
    let images = (0..<Self.images * 3 * Self.side * Self.side).map { _ in random.normal() }
    let labels: [Int32] = [0, 3, 1, 4]

    var machine = Machine(model, momentum: Self.momentum, decay: Self.decay, rate: Self.rate)
    let loss = machine.step(images: images, labels: labels)

    let before = model.parameters.map { $0.values.array() }
    model.stage(images)
    model.forward(images: Self.images, training: true)
    let expected = model.evaluate(SoftmaxCrossEntropy(), labels: labels, images: Self.images)
    model.backward(images: Self.images)
    optimizer.update(
      model.parameters, rate: Self.rate, step: 0, gradientScale: 1, engine: model.engine)

    #expect(abs(loss - expected.loss) < 0.01 * expected.loss)
    for (index, parameter) in model.parameters.enumerated() {
      let found = try #require(machine.updated[parameter.name])
      let wanted: [Float]
      let start: [Float]
      if let layer = model.convolutions.first(where: { $0.weight === parameter }) {
        wanted = layer.denseWeights
        start = layer.filters.expand(Tensor(before[index]))
      } else {
        (wanted, start) = (parameter.values.array(), before[index])
      }
      // How far the step went, and how far the two are apart.
      var (moved, apart) = (0.0, 0.0)
      for place in wanted.indices {
        let change = Double(wanted[place] - start[place])
        let error = Double(found[place] - wanted[place])
        moved += change * change
        apart += error * error
      }
      #expect(moved > 0, "\(parameter.name) did not move")
      // BF16 has 8 bits; errors of some hundred products average out.
      #expect(
        (apart / max(moved, 1e-30)).squareRoot() < 0.03,
        "\(parameter.name): \((apart / max(moved, 1e-30)).squareRoot())")
    }
  }

  /// The machine: passes on values, stream units between them, updates while gradients are on the chip.
  private struct Machine {
    private let hardware: HardwareDescription
    private let format = HardwareDescription.OperandFormat.bf16
    private let layers: [String: (geometry: ConvolutionGeometry, mask: LayerMask)]
    private var parameters: [String: [Float]]
    private let momentum, decay, rate: Float
    /// The parameters after a step.
    private(set) var updated: [String: [Float]] = [:]

    init(_ model: Model, momentum: Float, decay: Float, rate: Float) {
      var hardware = HardwareDescription.swpu
      hardware.array.cores = 2
      hardware.array.rows = 4
      hardware.array.lanes = 8
      self.hardware = hardware
      layers = Dictionary(
        uniqueKeysWithValues: model.convolutions.map {
          ($0.name, ($0.geometry, $0.mask ?? LayerMask(dense: $0.filterShape)))
        })
      parameters = [:]
      for parameter in model.parameters { parameters[parameter.name] = parameter.values.array() }
      for layer in model.convolutions { parameters[layer.name + ".weight"] = layer.denseWeights }
      (self.momentum, self.decay, self.rate) = (momentum, decay, rate)
    }

    private func run(_ name: String, _ operands: PassOperands) -> [Float] {
      guard let layer = layers[name] else { preconditionFailure("no layer \(name)") }
      return ValuePass.run(
        layer.geometry, mask: layer.mask, images: FunctionalStepTests.images, hardware: hardware,
        operands: operands
      ).values
    }

    private func weights(_ name: String) -> [Float] {
      // What the passes read is the first plane of each weight.
      (parameters[name + ".weight"] ?? []).map { format.decode(WeightPlanes($0).operand) }
    }

    private var pixels: Int { FunctionalStepTests.side * FunctionalStepTests.side }
    private var planes: Int { FunctionalStepTests.planes }
    private var values: Int { FunctionalStepTests.images * pixels }

    /// Places of a channel in the order in which they stream.
    private func places(_ channel: Int) -> [Int] {
      (0..<FunctionalStepTests.images).flatMap { image in
        (0..<pixels).map { (image * planes + channel) * pixels + $0 }
      }
    }

    private struct Channel {
      var mean: Float
      var deviation: Float
    }

    /// Statistics of a raw output on its way out.
    private func statistics(_ raw: [Float]) -> [Channel] {
      (0..<planes).map { channel in
        var sums = StreamSums(lanes: hardware.stream.elementsPerCycle)
        for place in places(channel) { sums.add(raw: raw[place], near: 0) }
        let (first, second) = sums.totals
        let mean = first / Float(values)
        return Channel(
          mean: mean, deviation: (second / Float(values) - mean * mean + 1e-5).squareRoot())
      }
    }

    private func normalised(
      _ raw: [Float], _ channels: [Channel], _ name: String, shortcut: [Float]? = nil
    ) -> [Float] {
      var result = raw
      for channel in 0..<planes {
        let gamma = parameters[name + ".weight"]![channel]
        let beta = parameters[name + ".bias"]![channel]
        let scale = gamma / channels[channel].deviation
        for place in places(channel) {
          result[place] = StreamUnit.value(
            raw[place], scale: scale, shift: beta - channels[channel].mean * scale,
            shortcut: shortcut?[place], activates: true, format)
        }
      }
      return result
    }

    /// The gradient of a raw output, and the update of its normalisation.
    private mutating func backward(
      _ gradient: [Float], raw: [Float], _ channels: [Channel], _ name: String
    ) -> [Float] {
      var result = raw
      var (gammas, betas) = ([Float](), [Float]())
      for channel in 0..<planes {
        var sums = StreamSums(lanes: hardware.stream.elementsPerCycle)
        for place in places(channel) { sums.add(gradient: gradient[place], raw: raw[place]) }
        let (total, products) = sums.totals
        let (mean, deviation) = (channels[channel].mean, channels[channel].deviation)
        let withNormal = (products - total * mean) / deviation
        gammas.append(withNormal)
        betas.append(total)
        let factors = StreamUnit.BackwardFactors(
          gamma: parameters[name + ".weight"]![channel], mean: mean, deviation: deviation,
          gradient: total / Float(values), product: withNormal / Float(values))
        for place in places(channel) {
          result[place] = StreamUnit.rawGradient(gradient[place], raw: raw[place], factors, format)
        }
      }
      update(name + ".weight", gammas)
      update(name + ".bias", betas)
      return result
    }

    private mutating func update(_ name: String, _ gradient: [Float]) {
      let mask = layers[String(name.dropLast(".weight".count))]?.mask
      updated[name] = (parameters[name] ?? []).indices.map { index in
        if let mask, name.hasSuffix(".weight"), !mask.elementBits[index] { return 0 }
        var velocity: Float = 0
        // Split and put together again, as it goes to the DRAM and comes back.
        let weight = WeightPlanes(parameters[name]![index]).weight
        return WeightPlanes(
          WeightPlanes.step(
            weight: weight, velocity: &velocity, gradient: gradient[index], rate: rate,
            momentum: momentum, decay: decay)
        ).weight
      }
    }

    mutating func step(images: [Float], labels: [Int32]) -> Double {
      let count = FunctionalStepTests.images
      let classes = FunctionalStepTests.classes
      func stored(_ raw: [Float]) -> [Float] { raw.map { format.rounded($0) } }
      // Forward: raw outputs are rounded on their way out, values made on the way in.
      let y1 = stored(run("conv1", .forward(input: images, weights: weights("conv1"))))
      let s1 = statistics(y1)
      let a1 = normalised(y1, s1, "bn1")
      let y2 = stored(run("conv2", .forward(input: a1, weights: weights("conv2"))))
      let s2 = statistics(y2)
      let a2 = normalised(y2, s2, "bn2", shortcut: a1)
      let pooled = (0..<count * planes).map { plane in
        format.rounded(
          a2[plane * pixels..<(plane + 1) * pixels].reduce(0, +) / Float(pixels))
      }
      var logits = run("fc", .forward(input: pooled, weights: weights("fc")))
      for index in logits.indices { logits[index] += parameters["fc.bias"]![index % classes] }
      let gradient = Tensor(count: logits.count)
      let loss = SoftmaxCrossEntropy().evaluate(
        Tensor(logits), labels: labels, images: count, classes: classes, lanes: 1,
        gradient: gradient
      ).loss
      // Backward.
      let dz = gradient.array().map { format.rounded($0) }
      update("fc.weight", run("fc", .weightGradient(input: pooled, outputGradient: dz)))
      update(
        "fc.bias",
        (0..<classes).map { label in
          (0..<count).reduce(Float(0)) { $0 + dz[$1 * classes + label] }
        })
      let dPooled = run("fc", .inputGradient(outputGradient: dz, weights: weights("fc")))
      let g2 = a2.indices.map { place in
        StreamUnit.valueGradient(
          [dPooled[place / pixels] / Float(pixels)], passes: a2[place] > 0, format)
      }
      let dz2 = backward(g2, raw: y2, s2, "bn2")
      update("conv2.weight", run("conv2", .weightGradient(input: a1, outputGradient: dz2)))
      let dx = run("conv2", .inputGradient(outputGradient: dz2, weights: weights("conv2")))
      // The identity's gradient is that of the sum.
      let g1 = a1.indices.map { place in
        StreamUnit.valueGradient([dx[place], g2[place]], passes: a1[place] > 0, format)
      }
      let dz1 = backward(g1, raw: y1, s1, "bn1")
      update("conv1.weight", run("conv1", .weightGradient(input: images, outputGradient: dz1)))
      return loss
    }
  }
}
