// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor
@testable import RTL

/// A whole training step of a small network through the RTL: from an image of the DRAM to updated weights.
/// Passes are those of the value level, stream units those of `StreamUnit`; the vector unit's part (factors
/// of normalisation, the gradient of the loss) is in the image, made of the sums and outputs that the RTL has
/// to give for it to be right.
@Suite(.needsVerilator) struct StepRTLTests {
  private static let images = 2
  private static let side = 4
  private static let planes = 4
  private static let classes = 3
  private static let format = HardwareDescription.OperandFormat.bf16

  private static let machine = Bench.wholeMachine(cores: 1)

  @Test("every half of the DRAM behind a step: outputs, sums, gradients, momenta, updated weights")
  func step() throws {
    var step = Step()
    step.run()
    let text = step.image.text()
    let bench = try RTLBench(
      "tb_swpu_step", hardware: Bench.hardware, package: Self.machine.rtlPackage(),
      kept: Bench.kept)
    defer { bench.remove() }
    let outcome = try bench.run(vectors: ["step.txt": text], argument: "step.txt")
    let regions = outcome.output.split(separator: "\n").compactMap { line in
      line.hasPrefix("half ") ? Int(line.split(separator: " ")[1]) : nil
    }.map { step.image.region($0) ?? "between regions" }
    #expect(
      outcome == Bench.Outcome(checked: step.image.before.count, differing: 0), "\(regions)")
    // Three layers were updated, of which two are sparse.
    #expect(step.updated.count > 100 && step.updated.contains { $0.moved })
  }

  /// The step at the value level, and its image.
  private struct Step {
    var image = StepImage()
    /// Kept weights before and behind.
    private(set) var updated: [(weight: Float, moved: Bool)] = []
    private var random = SeededRandom(seed: 11, stream: 317)
    private let format = StepRTLTests.format
    private let count = StepRTLTests.images
    private let lanes = StepRTLTests.machine.stream.elementsPerCycle

    private let rate: Float = 0.1
    private let momentum: Float = 0.9
    private let decay: Float = 1e-3

    /// A convolution: its kept weights in their planes, in ascending order.
    private struct Layer {
      let name: String
      let geometry: ConvolutionGeometry
      let mask: LayerMask
      /// All weights, zero where pruned, and the places of the kept ones.
      let weights: [Float]
      let kept: [Int]
      let velocities: [Float]
      var operands: UInt32 = 0
      var rests: UInt32 = 0
      var momenta: UInt32 = 0
      var places: UInt32 = 0
    }

    private mutating func layer(
      _ name: String, channels: Int, side: Int, filters: Int, kernel: Int, padding: Int,
      density: Double
    ) -> Layer {
      guard
        let geometry = ConvolutionGeometry(
          input: MapShape(channels: channels, height: side, width: side), filters: filters,
          rows: kernel, columns: kernel, stride: 1, paddingRows: padding, paddingColumns: padding)
      else { preconditionFailure(name) }
      let shape = FilterShape(filters: filters, channels: channels, rows: kernel, columns: kernel)
      let bits = Bits(count: shape.count) { _ in Double(random.uniform()) < density }
      let kept = (0..<shape.count).filter { bits[$0] }
      let weights = (0..<shape.count).map { bits[$0] ? random.normal() * 0.3 : 0 }
      return Layer(
        name: name, geometry: geometry, mask: LayerMask(shape: shape, elements: bits),
        weights: weights, kept: kept, velocities: kept.map { _ in random.normal() * 0.1 })
    }

    private func operands(_ layer: Layer) -> [Float] {
      layer.weights.map { $0 == 0 ? 0 : format.decode(WeightPlanes($0).operand) }
    }

    private func run(_ layer: Layer, _ operands: PassOperands) -> [Float] {
      ValuePass.run(
        layer.geometry, mask: layer.mask, images: count, hardware: StepRTLTests.machine,
        operands: operands
      ).values
    }

    private func codes(_ values: [Float]) -> [UInt16] { values.map { format.encode($0) } }

    /// Loads masks and, but for weight gradients, packed weights of a pass.
    private mutating func load(_ layer: Layer, _ pass: Pass) {
      let parts = LoweredPart.lower(layer.geometry, mask: layer.mask, pass: pass)
      let masks = parts.flatMap { part in (0..<part.rows).flatMap { part.mask($0) } }
      let words = image.place(
        "\(layer.name) masks",
        masks.flatMap { word in
          (0..<4).map { UInt16(truncatingIfNeeded: word >> UInt64(16 * $0)) }
        })
      image.add(.loadMasks, [2: UInt32(masks.count), 3: words])
      if pass == .weightGradient { return }
      let rank = Dictionary(uniqueKeysWithValues: layer.kept.enumerated().map { ($1, UInt32($0)) })
      let order = parts.flatMap { part in
        (0..<part.rows).flatMap { row in
          (0..<part.entries).filter { part.needs(row: row, entry: $0) }.map {
            rank[part.weight(row: row, entry: $0, layer.geometry)]!
          }
        }
      }
      let list = image.place("\(layer.name) order", StepImage.halves(order))
      image.add(.loadWeights, [2: UInt32(order.count), 3: list, 4: layer.operands])
    }

    private mutating func pass(_ layer: Layer, _ pass: Pass, base: Int) {
      let geometry = layer.geometry
      let number = UInt32(Pass.allCases.firstIndex(of: pass) ?? 0)
      let sizes = [
        count, geometry.input.channels, geometry.filters, geometry.channelsPerGroup,
        geometry.filters / geometry.groups, geometry.input.height, geometry.input.width,
        geometry.output.height, geometry.output.width, geometry.rows, geometry.columns,
        geometry.stride, geometry.paddingRows, geometry.paddingColumns, base,
      ]
      var fields: [Int: UInt32] = [1: number]
      for (index, size) in sizes.enumerated() { fields[index + 2] = UInt32(size) }
      image.add(.runPass, fields)
    }

    /// What a stream-in does; factors are scale, shift and slope of each channel.
    private mutating func streamIn(
      channels: Int, pixels: Int, raw: UInt32, other: UInt32? = nil, factors: [[Float]]? = nil,
      isGradient: Bool = false, activates: Bool = false, toOutputs: Bool = false,
      copy: UInt32? = nil
    ) {
      let plain = [[Float]](repeating: [1, -0.0, 0], count: channels)
      let table = image.place("factors", StepImage.halves((factors ?? plain).flatMap { $0 }))
      let flags: UInt32 =
        (isGradient ? 1 : 0) | (other != nil && !isGradient ? 2 : 0) | (activates ? 4 : 0)
        | (toOutputs ? 8 : 0) | (copy != nil ? 16 : 0) | packed([raw, other, nil, copy])
      image.add(
        .streamIn,
        [
          1: flags, 2: UInt32(channels), 3: UInt32(count), 4: UInt32(pixels), 5: raw,
          6: other ?? 0, 8: table, 10: copy ?? 0,
        ])
    }

    /// A bit for each part of a stream whose zeros are packed.
    private func packed(_ places: [UInt32?]) -> UInt32 {
      places.indices.reduce(0) { $0 | (image.isPacked(places[$1]) ? 64 << UInt32($1) : 0) }
    }

    /// A value or the gradient of one, which has zeros that are worth packing.
    private mutating func packedResult(
      _ name: String, _ values: [Float], channels: Int, pixels: Int
    ) -> UInt32 {
      image.packedResult(
        name, codes(values), images: count, channels: channels, pixels: pixels, lanes: lanes)
    }

    private mutating func streamOut(
      channels: Int, pixels: Int, target: UInt32, sums: UInt32?, isGradient: Bool = false,
      raw: UInt32 = 0, other: UInt32? = nil, value: UInt32? = nil, center: Float = 0
    ) {
      let table = image.place(
        "centers", StepImage.halves((0..<channels).flatMap { _ in [center, 0, 0] as [Float] }))
      let flags: UInt32 =
        (isGradient ? 1 : 0) | (other != nil ? 2 : 0) | (value != nil ? 4 : 0)
        | (sums != nil ? 32 : 0) | packed([raw, other, value, target])
      image.add(
        .streamOut,
        [
          1: flags, 2: UInt32(channels), 3: UInt32(count), 4: UInt32(pixels), 5: raw,
          6: other ?? 0, 7: value ?? 0, 8: table, 9: 0, 10: target, 11: sums ?? 0,
        ])
    }

    private func places(_ channel: Int, channels: Int, pixels: Int) -> [Int] {
      (0..<count).flatMap { image in
        (0..<pixels).map { (image * channels + channel) * pixels + $0 }
      }
    }

    private func totals(_ sums: [StreamSums]) -> [UInt16] {
      StepImage.halves(sums.flatMap { [$0.totals.first, $0.totals.second] })
    }

    private func sums(raw: [Float], near center: Float, channels: Int, pixels: Int) -> [StreamSums]
    {
      (0..<channels).map { channel in
        var sums = StreamSums(lanes: lanes)
        for place in places(channel, channels: channels, pixels: pixels) {
          sums.add(raw: raw[place], near: center)
        }
        return sums
      }
    }

    private func sums(gradient: [Float], raw: [Float], channels: Int, pixels: Int) -> [StreamSums] {
      (0..<channels).map { channel in
        var sums = StreamSums(lanes: lanes)
        for place in places(channel, channels: channels, pixels: pixels) {
          sums.add(gradient: gradient[place], raw: raw[place])
        }
        return sums
      }
    }

    /// Mean and standard deviation of a channel's raw outputs, and with them scale and shift.
    private func factors(
      _ sums: [StreamSums], values: Int, center: Float, gamma: [Float], beta: [Float]
    ) -> [(mean: Float, deviation: Float, scale: Float, shift: Float)] {
      sums.indices.map { channel in
        let (first, second) = sums[channel].totals
        let mean = first / Float(values)
        let deviation = (second / Float(values) - mean * mean + 1e-5).squareRoot()
        let scale = gamma[channel] / deviation
        return (mean + center, deviation, scale, beta[channel] - (mean + center) * scale)
      }
    }

    /// A forward pass of what is in the activation memory, and its raw output.
    private mutating func forward(_ layer: Layer, _ input: [Float], center: Float)
      -> (raw: [Float], place: UInt32, sums: [StreamSums])
    {
      load(layer, .forward)
      pass(layer, .forward, base: 0)
      let raw = run(layer, .forward(input: input, weights: operands(layer)))
        .map { format.rounded($0) }
      let (channels, pixels) = (layer.geometry.filters, layer.geometry.output.pixels)
      let sums = sums(raw: raw, near: center, channels: channels, pixels: pixels)
      let place = image.result("\(layer.name) raw", codes(raw))
      // No normalisation follows the network's output.
      let table = pixels == 1 ? nil : image.result("\(layer.name) sums", totals(sums))
      streamOut(channels: channels, pixels: pixels, target: place, sums: table, center: center)
      return (raw, place, sums)
    }

    /// The gradient of a layer's input, of its output's in the activation memory; masked by the value.
    private mutating func inputGradient(
      _ layer: Layer, _ gradient: [Float], value: (values: [Float], place: UInt32),
      raw: (values: [Float], place: UInt32), other: (values: [Float], place: UInt32)? = nil
    ) -> (values: [Float], place: UInt32, sums: [StreamSums]) {
      load(layer, .inputGradient)
      pass(layer, .inputGradient, base: 0)
      let dx = run(layer, .inputGradient(outputGradient: gradient, weights: operands(layer)))
      let values = dx.indices.map { index in
        StreamUnit.valueGradient(
          [dx[index]] + (other.map { [$0.values[index]] } ?? []), passes: value.values[index] > 0,
          format)
      }
      let (channels, pixels) = (layer.geometry.input.channels, layer.geometry.input.pixels)
      let sums = sums(gradient: values, raw: raw.values, channels: channels, pixels: pixels)
      let place = packedResult(
        "\(layer.name) gradient", values, channels: channels, pixels: pixels)
      let table = image.result("\(layer.name) gradient sums", totals(sums))
      streamOut(
        channels: channels, pixels: pixels, target: place, sums: table, isGradient: true,
        raw: raw.place, other: other?.place, value: value.place)
      return (values, place, sums)
    }

    /// The weight gradient, of the input in the activation memory and the output's gradient in the output
    /// memory, and the update.
    private mutating func weightGradient(_ layer: Layer, _ input: [Float], _ gradient: [Float]) {
      load(layer, .weightGradient)
      let base = (gradient.count + 1) / 2 + 3
      pass(layer, .weightGradient, base: base)
      let gradients = run(layer, .weightGradient(input: input, outputGradient: gradient))
      let (operands, rests, momenta, places) = tables[layer.name] ?? (0, 0, 0, 0)
      image.add(
        .update,
        [
          2: UInt32(layer.kept.count), 3: operands, 4: rests, 5: momenta, 6: places,
          7: UInt32(base), 8: rate.bitPattern, 9: momentum.bitPattern, 10: decay.bitPattern,
        ])
      changes[layer.name] = gradients
    }

    /// Where the planes of a layer lie, and the weight gradients by which they change.
    private var tables: [String: (UInt32, UInt32, UInt32, UInt32)] = [:]
    private var changes: [String: [Float]] = [:]

    mutating func run() {
      // First the values: the planes' place has to know what becomes of them.
      var dry = self
      dry.step(place: { _, _ in })
      step { step, layer in
        let gradients = dry.changes[layer.name]!
        let planes = layer.kept.map { WeightPlanes(layer.weights[$0]) }
        var moved = layer.velocities
        let after = layer.kept.indices.map { index in
          WeightPlanes(
            WeightPlanes.step(
              weight: planes[index].weight, velocity: &moved[index],
              gradient: gradients[layer.kept[index]], rate: step.rate, momentum: step.momentum,
              decay: step.decay))
        }
        step.updated += zip(planes, after).map { ($1.weight, $0 != $1) }
        func rests(_ planes: [WeightPlanes]) -> [UInt16] {
          planes.map { UInt16(bitPattern: $0.rest) }
        }
        step.tables[layer.name] = (
          step.image.place(
            "\(layer.name) operands", planes.map(\.operand), behind: after.map(\.operand)),
          step.image.place("\(layer.name) rests", rests(planes), behind: rests(after)),
          step.image.place(
            "\(layer.name) momenta", StepImage.halves(layer.velocities),
            behind: StepImage.halves(moved)),
          step.image.place("\(layer.name) places", StepImage.halves(layer.kept.map { UInt32($0) }))
        )
      }
    }

    private mutating func step(place: (inout Step, Layer) -> Void) {
      let (side, planes, classes) = (StepRTLTests.side, StepRTLTests.planes, StepRTLTests.classes)
      let pixels = side * side
      var layers = [
        layer(
          "conv1", channels: 3, side: side, filters: planes, kernel: 3, padding: 1, density: 0.6),
        layer(
          "conv2", channels: planes, side: side, filters: planes, kernel: 3, padding: 1,
          density: 0.4),
        layer(
          "conv3", channels: planes, side: side, filters: classes, kernel: side, padding: 0,
          density: 1),
      ]
      let pictures = (0..<count * 3 * pixels).map { _ in format.rounded(random.normal()) }
      let gammas = (0..<2).map { _ in (0..<planes).map { _ in 0.5 + random.uniform() } }
      let betas = (0..<2).map { _ in (0..<planes).map { _ in random.normal() * 0.2 } }
      let centers = (0..<2).map { _ in random.normal() * 0.1 }
      for index in layers.indices {
        place(&self, layers[index])
        layers[index].operands = tables[layers[index].name]?.0 ?? 0
      }
      let source = image.place("images", codes(pictures))

      // Forward.
      streamIn(channels: 3, pixels: pixels, raw: source)
      let y1 = forward(layers[0], pictures, center: centers[0])
      let f1 = factors(
        y1.sums, values: count * pixels, center: centers[0], gamma: gammas[0], beta: betas[0])
      func value(
        _ raw: [Float], _ factors: [(mean: Float, deviation: Float, scale: Float, shift: Float)],
        shortcut: [Float]? = nil
      ) -> [Float] {
        raw.indices.map { index in
          let channel = index / pixels % planes
          return StreamUnit.value(
            raw[index], scale: factors[channel].scale, shift: factors[channel].shift,
            shortcut: shortcut?[index], activates: true, format)
        }
      }
      let a1 = value(y1.raw, f1)
      let a1Place = packedResult("a1", a1, channels: planes, pixels: pixels)
      streamIn(
        channels: planes, pixels: pixels, raw: y1.place,
        factors: f1.map { [$0.scale, $0.shift, 0] }, activates: true, copy: a1Place)
      let y2 = forward(layers[1], a1, center: centers[1])
      let f2 = factors(
        y2.sums, values: count * pixels, center: centers[1], gamma: gammas[1], beta: betas[1])
      let a2 = value(y2.raw, f2, shortcut: a1)
      let a2Place = packedResult("a2", a2, channels: planes, pixels: pixels)
      streamIn(
        channels: planes, pixels: pixels, raw: y2.place, other: a1Place,
        factors: f2.map { [$0.scale, $0.shift, 0] }, activates: true, copy: a2Place)
      let logits = forward(layers[2], a2, center: 0)

      // The vector unit: softmax and cross entropy.
      let dz3 = (0..<count).flatMap { picture -> [Float] in
        let row = logits.raw[picture * classes..<(picture + 1) * classes]
        let most = row.max() ?? 0
        let powers = row.map { exponential($0 - most) }
        let sum = powers.reduce(0, +)
        return powers.indices.map { label in
          let probability = powers[label] / sum
          return format.rounded((probability - (label == picture % classes ? 1 : 0)) / Float(count))
        }
      }
      let dz3Place = image.place("dz3", codes(dz3))

      // Backward.
      streamIn(channels: classes, pixels: 1, raw: dz3Place)
      let g2 = inputGradient(
        layers[2], dz3, value: (a2, a2Place), raw: (y2.raw, y2.place))
      streamIn(channels: planes, pixels: pixels, raw: a2Place)
      streamIn(channels: classes, pixels: 1, raw: dz3Place, toOutputs: true)
      weightGradient(layers[2], a2, dz3)

      func backward(
        _ sums: [StreamSums],
        _ factors: [(mean: Float, deviation: Float, scale: Float, shift: Float)], gamma: [Float]
      ) -> [StreamUnit.BackwardFactors] {
        sums.indices.map { channel in
          let (total, products) = sums[channel].totals
          let (mean, deviation) = (factors[channel].mean, factors[channel].deviation)
          let values = Float(count * pixels)
          return StreamUnit.BackwardFactors(
            gamma: gamma[channel], mean: mean, deviation: deviation, gradient: total / values,
            product: (products - total * mean) / deviation / values)
        }
      }
      func rawGradient(
        _ gradient: [Float], _ raw: [Float], _ factors: [StreamUnit.BackwardFactors]
      ) -> [Float] {
        raw.indices.map { index in
          StreamUnit.rawGradient(
            gradient[index], raw: raw[index], factors[index / pixels % planes], format)
        }
      }
      let b2 = backward(g2.sums, f2, gamma: gammas[1])
      let dz2 = rawGradient(g2.values, y2.raw, b2)
      let b2Factors = b2.map { [$0.scale, $0.mean, $0.slope] }
      streamIn(
        channels: planes, pixels: pixels, raw: y2.place, other: g2.place, factors: b2Factors,
        isGradient: true)
      let g1 = inputGradient(
        layers[1], dz2, value: (a1, a1Place), raw: (y1.raw, y1.place), other: (g2.values, g2.place))
      streamIn(
        channels: planes, pixels: pixels, raw: y1.place,
        factors: f1.map { [$0.scale, $0.shift, 0] }, activates: true)
      streamIn(
        channels: planes, pixels: pixels, raw: y2.place, other: g2.place, factors: b2Factors,
        isGradient: true, toOutputs: true)
      weightGradient(layers[1], a1, dz2)

      let b1 = backward(g1.sums, f1, gamma: gammas[0])
      let dz1 = rawGradient(g1.values, y1.raw, b1)
      streamIn(channels: 3, pixels: pixels, raw: source)
      streamIn(
        channels: planes, pixels: pixels, raw: y1.place, other: g1.place,
        factors: b1.map { [$0.scale, $0.mean, $0.slope] }, isGradient: true, toOutputs: true)
      weightGradient(layers[0], pictures, dz1)
    }

    /// Near enough to the exponential for a gradient.
    private func exponential(_ value: Float) -> Float {
      var term: Float = 1
      var sum: Float = 1
      let part = value / 16
      for index in 1..<12 {
        term *= part / Float(index)
        sum += term
      }
      return (0..<4).reduce(sum) { power, _ in power * power }
    }
  }
}
