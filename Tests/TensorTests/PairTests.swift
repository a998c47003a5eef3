// SPDX-License-Identifier: Apache-2.0
import Foundation
import Oracles
import Testing

@testable import Tensor

/// Maps held in BF16, on every table, against plain loops and against the same engine on floats: what
/// an operation leaves is the BF16 value of what it would be from the same operands.
@Suite("Maps in BF16")
struct PairTests {
  @Test("Convolutions against plain loops over dense weights", arguments: Array(UInt64(0)..<120))
  func convolutions(seed: UInt64) throws {
    try check(ConvolutionCase(pairSeed: seed), seed: seed)
  }

  @Test(
    "Lines that all keep the same taps", arguments: [UInt16(1), 2, 3, 4, 5, 6, 7], [1, 2])
  func tapPatterns(pattern: UInt16, stride: Int) throws {
    try check(ConvolutionCase(pattern: pattern, stride: stride, groups: 1), seed: 1)
  }

  @Test(
    "Every width of tiles, with several tiles of filters",
    arguments: [2, 4, 6, 8, 14, 16, 18, 28, 32, 36], [Float(0.4), 1])
  func widths(width: Int, lineDensity: Float) throws {
    for stride in 1...2 {
      // Whole images, and tiles of four.
      for images in [17, 4] {
        try check(
          ConvolutionCase(
            tiledWidth: width, stride: stride, lineDensity: lineDensity, images: images),
          seed: UInt64(width))
      }
    }
  }

  @Test(
    "Maps whose planes lie apart", arguments: ConvolutionCase.mapsApart,
    Array(ConvolutionCase.kernels.indices))
  func planesApart(sizes: [Int], kernel: Int) throws {
    let scenario = try ConvolutionCase(apart: sizes, kernel: ConvolutionCase.kernels[kernel])
    try check(scenario, seed: 3)
  }

  /// What plain loops make of a layer's operands. They take the time of these tests, and are the same for
  /// all tables.
  private struct Expected {
    let x, dy: [Float]
    let bias: [Float]?
    let weights: [Float]
    let output, inputGradient, weightGradient: [Double]
  }

  private func check(_ scenario: ConvolutionCase, seed: UInt64) throws {
    let (geometry, images) = (scenario.geometry, scenario.images)
    var random = SeededRandom(seed: seed, stream: 91)
    func values(_ count: Int) -> [Float] { (0..<count).map { _ in bf16(random.uniform() - 0.5) } }
    let plain = PlainConvolution(geometry, images: images)
    let dense = scenario.weights(&random)
    let (x, dy) = (values(images * geometry.input.count), values(images * geometry.output.count))
    let bias = random.below(2) == 0 ? nil : values(geometry.filters)
    let weightGradient = plain.weightGradient(input: x, outputGradient: dy).enumerated()
      .map { scenario.isKept($0.offset) ? $0.element : 0 }
    // Layers without a kernel on pairs compute with the weights as they are.
    let engines = Dictionary(grouping: Engine.onPairs()) {
      $0.computesOnPairs(scenario.filters, images: images)
    }
    for isPaired in [false, true] {
      guard let engines = engines[isPaired] else { continue }
      let used = isPaired ? dense.map(bf16) : dense
      let expected = Expected(
        x: x, dy: dy, bias: bias, weights: dense,
        output: plain.forward(input: x, weights: used, bias: bias),
        inputGradient: plain.inputGradient(outputGradient: dy, weights: used),
        weightGradient: weightGradient)
      for engine in engines { try check(scenario, expected, &random, engine) }
    }
  }

  private func check(
    _ scenario: ConvolutionCase, _ expected: Expected, _ random: inout SeededRandom,
    _ engine: Engine
  ) throws {
    let (geometry, filters, images) = (scenario.geometry, scenario.filters, scenario.images)
    let comment = Comment(rawValue: "\(engine.name): \(scenario.testDescription)")
    func holds(_ map: MapShape, _ found: Tensor, _ expected: [Double], terms: Int) -> Bool {
      let slack = 1e-6 * Double(4 + terms)
      let found = engine.plain(found, map, images: images)
      return engine.isPaired(map, images: images)
        ? isRounded(found, expected, slack: slack) : largestDifference(found, expected) < slack
    }

    let input = try engine.activation(expected.x, geometry.input, images: images) {
      random.uniform() - 0.5
    }
    let upstream = try engine.activation(expected.dy, geometry.output, images: images)
    let output = try GuardedTensor(count: engine.floats(geometry.output, images: images))
    let weights = Tensor(count: filters.weightCount)
    weights.store(filters.pack(expected.weights))
    engine.forward(
      filters, weights, bias: expected.bias.map { Tensor($0) }, input: input.tensor,
      output: output.tensor, images: images)
    let taps = geometry.rows * geometry.columns
    #expect(
      holds(
        geometry.output, output.tensor, expected.output,
        terms: geometry.channelsPerGroup * taps), comment)
    #expect(output.isIntact && input.isIntact, comment)

    for accumulate in [false, true] {
      let before = expected.x.map { _ in accumulate ? bf16(random.uniform() - 0.5) : 0 }
      let gradient =
        accumulate
        ? try engine.activation(before, geometry.input, images: images)
        : try GuardedTensor(count: engine.floats(geometry.input, images: images))
      engine.inputGradient(
        filters, weights, outputGradient: upstream.tensor, inputGradient: gradient.tensor,
        accumulate: accumulate, images: images)
      #expect(
        holds(
          geometry.input, gradient.tensor,
          zip(expected.inputGradient, before).map { $0 + Double($1) },
          terms: geometry.filters * taps), comment)
      #expect(gradient.isIntact && upstream.isIntact, comment)
    }

    let gradient = try GuardedTensor(count: filters.weightCount)
    let scratch = try GuardedTensor(count: max(1, engine.weightGradientScratch(filters)))
    engine.weightGradient(
      filters, input: input.tensor, outputGradient: upstream.tensor, gradient: gradient.tensor,
      scratch: scratch.tensor, images: images)
    let pixels = Double(geometry.output.pixels * images)
    #expect(
      largestDifference(filters.expand(gradient.tensor), expected.weightGradient)
        < 2e-6 * (8 + pixels.squareRoot() * 4), comment)
    #expect(gradient.isIntact && scratch.isIntact, comment)
  }

  @Test("BF16 dot products are used where they are fast: not on Intel's processors")
  func fastestTable() throws {
    let processor = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let isIntel = processor?.contains("GenuineIntel") == true
    for kernels in Kernels.available {
      let ofLayout = PairKernels.available.filter { Int($0.table.pointee.lanes) == kernels.lanes }
      let dots = ofLayout.contains { $0.table.pointee.multiplies_bf16 != 0 }
      #expect(kernels.multipliesBF16 == (dots && !isIntel))
    }
  }

  @Test("The same bits for 1, 2, 3 and 4 threads", arguments: Array(UInt64(0)..<24))
  func threads(seed: UInt64) throws {
    let scenario = ConvolutionCase(pairSeed: seed)
    let (geometry, filters, images) = (scenario.geometry, scenario.filters, scenario.images)
    var results: [[[Float]]] = []
    for threads in 1...4 {
      let engine = Engine(threads: threads, precision: .bf16)
      var random = SeededRandom(seed: seed, stream: 92)
      func values(_ count: Int) -> [Float] { (0..<count).map { _ in random.uniform() - 0.5 } }
      let input = try engine.activation(
        values(images * geometry.input.count), geometry.input, images: images)
      let upstream = try engine.activation(
        values(images * geometry.output.count), geometry.output, images: images)
      let weights = Tensor(count: filters.weightCount)
      weights.store(filters.pack(scenario.weights(&random)))
      let output = Tensor(count: engine.floats(geometry.output, images: images))
      let inputGradient = Tensor(count: engine.floats(geometry.input, images: images))
      let gradient = Tensor(count: filters.weightCount)
      engine.forward(
        filters, weights, bias: nil, input: input.tensor, output: output, images: images)
      engine.inputGradient(
        filters, weights, outputGradient: upstream.tensor, inputGradient: inputGradient,
        accumulate: false, images: images)
      engine.weightGradient(
        filters, input: input.tensor, outputGradient: upstream.tensor, gradient: gradient,
        scratch: Tensor(count: max(1, engine.weightGradientScratch(filters))), images: images)
      results.append(
        [output, inputGradient, gradient].map { $0.array().map { Float($0.bitPattern) } })
    }
    #expect(results.allSatisfy { $0 == results[0] })
  }

  @Test("Rounding is to the nearest, ties to even, and keeps what is no number")
  func rounding() throws {
    let map = MapShape(channels: 2, height: 3, width: 4)
    let special: [Float] = [
      1, 1.00390625, 1.01171875, 3.4e38, -3.4e38, .infinity, -.infinity, .nan, -0.0, 1.005, -7.77,
      Float(bitPattern: 0x7fff_ffff),
    ]
    let plain = (0..<16 * map.count).map { special[$0 % special.count] }
    for engine in Engine.onPairs() {
      let tensor = Tensor(count: engine.floats(map, images: 16))
      engine.blockImages(Tensor(plain), into: tensor, map: map, images: 16)
      let found = engine.plain(tensor, map, images: 16)
      for (a, b) in zip(found, plain) {
        let isRight = b.isNaN ? a.isNaN : a.bitPattern == bf16(b).bitPattern
        #expect(isRight, "\(engine.name): \(b) became \(a)")
      }
    }
  }

  @Test(
    "Pooling, activations, sums and copies leave the BF16 values of what floats give",
    arguments: Array(UInt64(0)..<12))
  func planes(seed: UInt64) throws {
    var random = SeededRandom(seed: seed, stream: 93)
    let images = random.below(2) == 0 ? 1 + random.below(8) : 9 + random.below(20)
    let map = MapShape(
      channels: 1 + random.below(5), height: seed % 4 == 3 ? 16 : 2 + random.below(7),
      width: seed % 4 == 3 ? 32 : 2 + 2 * random.below(8))
    func values(_ map: MapShape) -> [Float] {
      (0..<images * map.count).map { _ in
        random.below(5) == 0 ? 0 : bf16(4 * random.uniform() - 2)
      }
    }
    let kind: PoolingGeometry.Kind = random.below(2) == 0 ? .max : .average
    let pooling = PoolingGeometry(
      kind: kind, input: map, size: 2, stride: 1 + random.below(2), padding: random.below(2))!
    let point = MapShape(channels: map.channels, height: 1, width: 1)
    let flat = MapShape(channels: map.count, height: 1, width: 1)
    let (x, y, forward) = (values(map), values(map), values(map))
    let (pooled, pointed, flattened) = (values(pooling.output), values(point), values(flat))
    let activation = Activation.allCases[random.below(3)]

    /// All that the operations leave, on one engine.
    func results(_ engine: Engine) throws -> [(MapShape, [Float])] {
      func tensor(_ plain: [Float], _ map: MapShape) throws -> Tensor {
        try engine.activation(plain, map, images: images).tensor
      }
      func empty(_ map: MapShape) -> Tensor {
        Tensor(count: engine.floats(map, images: images))
      }
      let (a, b) = (try tensor(x, map), try tensor(y, map))
      var results: [(MapShape, [Float])] = []
      func keep(_ tensor: Tensor, _ map: MapShape) {
        results.append((map, engine.plain(tensor, map, images: images)))
      }
      let out = empty(pooling.output)
      let winners =
        kind == .max
        ? PoolingWinners(values: engine.values(pooling.output, images: images)) : nil
      engine.pool(pooling, input: a, output: out, winners: winners, images: images)
      keep(out, pooling.output)
      let mean = empty(point)
      engine.globalPool(input: a, output: mean, map: map, images: images)
      keep(mean, point)
      let sum = empty(map)
      engine.add(a, b, into: sum, map: map, images: images)
      keep(sum, map)
      let active = empty(map)
      engine.activate(activation, input: a, output: active, map: map, images: images)
      keep(active, map)
      let long = empty(flat)
      engine.flatten(a, into: long, map: map, images: images)
      keep(long, flat)
      for accumulate in [false, true] {
        let gradients = try (0..<5).map { _ in try tensor(y, map) }
        engine.poolGradient(
          pooling, outputGradient: try tensor(pooled, pooling.output),
          inputGradient: gradients[0], winners: winners, accumulate: accumulate, images: images)
        engine.globalPoolGradient(
          outputGradient: try tensor(pointed, point), inputGradient: gradients[1],
          accumulate: accumulate, map: map, images: images)
        engine.activationGradient(
          activation, output: try tensor(forward, map), outputGradient: a,
          inputGradient: gradients[2], accumulate: accumulate, map: map, images: images)
        engine.flattenGradient(
          outputGradient: try tensor(flattened, flat), inputGradient: gradients[3],
          accumulate: accumulate, map: map, images: images)
        engine.dropout(
          a, into: gradients[4], probability: 0.25, seed: seed, accumulate: accumulate, map: map,
          images: images)
        for gradient in gradients { keep(gradient, map) }
      }
      let sums = Tensor(count: map.channels)
      engine.channelSums(a, map: map, into: sums, images: images)
      let zeros = engine.zeroCounts(a, map: map, images: images).map(Float.init)
      results.append((point, sums.array() + zeros))
      results.append((point, [engine.isFinite(a, map: map, images: images) ? 1 : 0]))
      return results
    }
    for engine in Engine.onPairs() {
      let found = try results(engine)
      let expected = try results(engine.with(.fp32))
      for (index, (a, b)) in zip(found, expected).enumerated() {
        let isPaired = a.0.width > 1 && engine.isPaired(a.0, images: images)
        let values = isPaired ? b.1.map(bf16) : b.1
        #expect(
          largestDifference(a.1, values) < (isPaired ? 1e-30 : 1e-4),
          "\(engine.name): result \(index) on \(a.0), \(images) images")
      }
    }
  }

  @Test("What is not finite in either column of a pair shows")
  func notFinite() throws {
    let map = MapShape(channels: 1, height: 1, width: 2)
    for engine in Engine.onPairs() {
      for place in 0..<2 {
        var plain = [Float](repeating: 1, count: 16 * 2)
        plain[6 + place] = .infinity
        let tensor = try engine.activation(plain, map, images: 16).tensor
        #expect(!engine.isFinite(tensor, map: map, images: 16))
      }
    }
  }

  @Test("Maps and tiles of odd widths stay floats")
  func kept() {
    let engine = Engine(precision: .bf16)
    let lanes = engine.kernels.lanes
    func words(_ width: Int, _ images: Int) -> Int {
      engine.floats(MapShape(channels: 1, height: 2, width: width), images: images)
    }
    #expect(words(4, lanes) == 4 * lanes)
    #expect(words(5, lanes) == 10 * lanes)
    #expect(words(1, lanes) == 2 * lanes)
    // Two tiles of one row an image, and four of one value.
    #expect(words(4, lanes / 2) == 2 * lanes)
    #expect(words(2, lanes / 4) == lanes)
  }
}
