// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Tensor

/// A random layer, mask and batch.
struct ConvolutionCase: Sendable {
  let geometry: ConvolutionGeometry
  let filters: PackedFilters
  let images: Int

  init(seed: UInt64) {
    var random = SeededRandom(seed: seed, stream: 77)
    var geometry: ConvolutionGeometry?
    while geometry == nil {
      let groups = [1, 1, 1, 1, 2, 3][random.below(6)]
      let channels = groups * (1 + random.below(7))
      let depthwise = random.below(8) == 0
      let input = MapShape(
        channels: channels, height: 1 + random.below(random.below(2) == 0 ? 9 : 34),
        width: 1 + random.below(random.below(2) == 0 ? 9 : 34))
      let kind = random.below(4)
      switch kind {
      case 0, 1:
        geometry = ConvolutionGeometry(
          input: input, filters: depthwise ? channels * 2 : groups * (1 + random.below(9)), rows: 3,
          columns: 3, stride: 1 + random.below(2), paddingRows: 1, paddingColumns: 1,
          groups: depthwise ? channels : groups)
      case 2:
        geometry = ConvolutionGeometry(
          input: input, filters: groups * (1 + random.below(9)), rows: 1, columns: 1,
          stride: 1 + random.below(2), groups: groups)
      default:
        geometry = ConvolutionGeometry(
          input: input, filters: groups * (1 + random.below(9)), rows: 1 + random.below(7),
          columns: 1 + random.below(7), stride: 1 + random.below(4), paddingRows: random.below(4),
          paddingColumns: random.below(4), groups: groups)
      }
    }
    self.geometry = geometry!
    // Every second batch is too small to fill the lanes with images.
    images = 1 + random.below(random.below(2) == 0 ? 8 : 40)

    // Line density x tap density, from empty over sub-structured and unstructured to dense.
    let lineDensity: Float = [0, 0.1, 0.5, 1][random.below(4)]
    let tapDensity: Float = [0.4, 0.8, 1][random.below(3)]
    let lines = self.geometry.filters * self.geometry.channelsPerGroup * self.geometry.rows
    var patterns = [UInt16](repeating: 0, count: lines)
    for line in patterns.indices where random.uniform() < lineDensity {
      for column in 0..<self.geometry.columns where random.uniform() < tapDensity {
        patterns[line] |= 1 << column
      }
    }
    filters = PackedFilters(
      geometry: self.geometry,
      packing: Packing(for: self.geometry, scattered: random.below(4) == 0),
      patterns: patterns)
  }

  /// A 3x3 layer whose filters fill no whole number of the weight gradient's tiles, with more than
  /// one pass over the pixels: what waits between passes belongs to its tile alone.
  init(tiledWidth width: Int, stride: Int, lineDensity: Float) {
    let geometry = ConvolutionGeometry(
      input: MapShape(channels: 3, height: 12, width: width), filters: 67, rows: 3, columns: 3,
      stride: stride, paddingRows: 1, paddingColumns: 1)!
    self.geometry = geometry
    images = 17
    var random = SeededRandom(seed: UInt64(width), stream: 77)
    let patterns = (0..<geometry.filters * 3 * geometry.rows).map { _ in
      random.uniform() < lineDensity ? UInt16(7) : 0
    }
    filters = PackedFilters(
      geometry: geometry, packing: Packing(for: geometry, scattered: false), patterns: patterns)
  }
}

/// A tensor of random values between guards that must stay as they are and must not be read: they
/// are not numbers.
struct GuardedTensor {
  let tensor: Tensor
  private let whole: Tensor
  private static let margin = 1024

  /// Without values, for what is written before it is read.
  init(count: Int) throws {
    let margin = Self.margin
    let storage = try Storage(bytes: (count + 2 * margin + 16) * 4)
    whole = Tensor(storage: storage, byteOffset: 0, count: count + 2 * margin)
    whole.fill(.nan)
    tensor = Tensor(storage: storage, byteOffset: margin * 4, count: count)
  }

  init(count: Int, random: inout SeededRandom) throws {
    try self.init(count: count)
    tensor.store((0..<count).map { _ in random.uniform() - 0.5 })
  }

  var isIntact: Bool {
    let values = whole.array()
    return values.prefix(Self.margin).allSatisfy(\.isNaN)
      && values.suffix(Self.margin).allSatisfy(\.isNaN)
  }
}

func largestDifference(_ a: Tensor, _ b: Tensor, count: Int) -> Float {
  zip(a.array().prefix(count), b.array().prefix(count)).reduce(0) { largest, pair in
    let difference = abs(pair.0 - pair.1)
    return difference <= largest ? largest : difference
  }
}

@Suite("Convolution kernels against plain loops")
struct ConvolutionTests {
  static let seeds = Array(UInt64(0)..<120)

  @Test("Every table and packing gives what plain loops give", arguments: seeds)
  func kernelsEqualReference(seed: UInt64) throws {
    for kernels in Kernels.available {
      try check(ConvolutionCase(seed: seed), seed: seed, kernels: kernels)
    }
  }

  static let tiledWidths = [2, 4, 6, 8, 14, 16, 18, 32]

  @Test(
    "Layers of several tiles of filters, the last one ragged", arguments: tiledWidths,
    [Float(0.4), 1])
  func raggedTiles(width: Int, lineDensity: Float) throws {
    for stride in 1...2 {
      let scenario = ConvolutionCase(tiledWidth: width, stride: stride, lineDensity: lineDensity)
      for kernels in Kernels.available {
        try check(scenario, seed: UInt64(width), kernels: kernels)
      }
      checkThreads(scenario, seed: UInt64(width))
    }
  }

  private func check(_ scenario: ConvolutionCase, seed: UInt64, kernels: Kernels) throws {
    let engine = Engine(kernels: kernels, threads: 2)
    let (geometry, filters, images) = (scenario.geometry, scenario.filters, scenario.images)
    var random = SeededRandom(seed: seed, stream: 78)
    let inputCount = engine.floats(geometry.input, images: images)
    let outputCount = engine.floats(geometry.output, images: images)
    let input = try GuardedTensor(count: inputCount)
    let output = try GuardedTensor(count: outputCount, random: &random)
    let upstream = try GuardedTensor(count: outputCount)
    // Lanes without an image hold zeros in gradients, or they would count in those of weights.
    for (tensor, map) in [(input, geometry.input), (upstream, geometry.output)] {
      engine.blockImages(
        Tensor((0..<images * map.count).map { _ in random.uniform() - 0.5 }),
        into: tensor.tensor, map: map, images: images)
    }
    let expected = Tensor(count: outputCount)
    func difference(_ a: Tensor, _ b: Tensor, _ map: MapShape) -> Float {
      let planar = [a, b].map { tensor in
        let planar = Tensor(count: images * map.count)
        engine.unblockImages(tensor, into: planar, map: map, images: images)
        return planar
      }
      return largestDifference(planar[0], planar[1], count: images * map.count)
    }
    let weights = ConvolutionWeights(for: filters)
    weights.values.store(
      filters.pack((0..<geometry.weights).map { _ in random.uniform() - 0.5 }))
    engine.transpose(filters, weights)
    let bias =
      random.below(2) == 0
      ? nil : Tensor((0..<geometry.filters).map { _ in random.uniform() - 0.5 })
    let terms = Float(geometry.channelsPerGroup * geometry.rows * geometry.columns)
    let comment = Comment(
      rawValue: "\(kernels) \(geometry) \(filters.packing) \(images) images")

    engine.forward(
      filters, weights, bias: bias, input: input.tensor, output: output.tensor, images: images)
    engine.forward(
      filters, weights, bias: bias, input: input.tensor, output: expected, images: images,
      path: .reference)
    #expect(
      difference(output.tensor, expected, geometry.output) < 1e-6 * (4 + terms), comment)
    #expect(output.isIntact && input.isIntact, comment)

    for accumulate in [false, true] {
      let gradient = try GuardedTensor(count: inputCount, random: &random)
      let expectedGradient = Tensor(gradient.tensor.array())
      engine.inputGradient(
        filters, weights, outputGradient: upstream.tensor, inputGradient: gradient.tensor,
        accumulate: accumulate, images: images)
      engine.inputGradient(
        filters, weights, outputGradient: upstream.tensor, inputGradient: expectedGradient,
        accumulate: accumulate, images: images, path: .reference)
      let filterTerms = Float(geometry.filters * geometry.rows * geometry.columns)
      #expect(
        difference(gradient.tensor, expectedGradient, geometry.input)
          < 1e-6 * (4 + filterTerms), comment)
      #expect(gradient.isIntact && upstream.isIntact, comment)
    }

    let gradient = try GuardedTensor(count: filters.weightCount, random: &random)
    let expectedGradient = Tensor(count: filters.weightCount)
    let scratch = try GuardedTensor(count: max(1, engine.weightGradientScratch(filters)))
    engine.weightGradient(
      filters, input: input.tensor, outputGradient: upstream.tensor, gradient: gradient.tensor,
      scratch: scratch.tensor, images: images)
    engine.weightGradient(
      filters, input: input.tensor, outputGradient: upstream.tensor, gradient: expectedGradient,
      scratch: scratch.tensor, images: images, path: .reference)
    let pixels = Float(geometry.output.pixels * images)
    #expect(
      largestDifference(gradient.tensor, expectedGradient, count: filters.weightCount)
        < 2e-6 * (8 + pixels.squareRoot() * 4), comment)
    #expect(gradient.isIntact && scratch.isIntact, comment)
  }

  @Test("The same bits for 1, 2, 3 and 4 threads", arguments: Array(seeds.prefix(24)))
  func threadsDoNotChangeBits(seed: UInt64) {
    checkThreads(ConvolutionCase(seed: seed), seed: seed)
  }

  private func checkThreads(_ scenario: ConvolutionCase, seed: UInt64) {
    let (geometry, filters, images) = (scenario.geometry, scenario.filters, scenario.images)
    var results: [[[Float]]] = []
    for threads in 1...4 {
      let engine = Engine(threads: threads)
      var random = SeededRandom(seed: seed, stream: 79)
      let input = Tensor(
        (0..<engine.floats(geometry.input, images: images)).map { _ in random.uniform() - 0.5 })
      let upstream = Tensor(
        (0..<engine.floats(geometry.output, images: images)).map { _ in random.uniform() - 0.5 })
      let weights = ConvolutionWeights(for: filters)
      weights.values.store(
        filters.pack((0..<geometry.weights).map { _ in random.uniform() - 0.5 }))
      engine.transpose(filters, weights)
      let output = Tensor(count: upstream.count)
      let inputGradient = Tensor(count: input.count)
      let gradient = Tensor(count: filters.weightCount)
      engine.forward(filters, weights, bias: nil, input: input, output: output, images: images)
      engine.inputGradient(
        filters, weights, outputGradient: upstream, inputGradient: inputGradient,
        accumulate: false, images: images)
      engine.weightGradient(
        filters, input: input, outputGradient: upstream, gradient: gradient,
        scratch: Tensor(count: max(1, engine.weightGradientScratch(filters))), images: images)
      results.append([output.array(), inputGradient.array(), gradient.array()])
    }
    #expect(results.dropFirst().allSatisfy { $0 == results[0] })
  }
}
