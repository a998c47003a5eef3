// SPDX-License-Identifier: Apache-2.0
import Oracles
import Testing

@testable import Tensor

/// Every table and packing against nested loops over dense weights, which know nothing of the lists
/// that the kernels read: a list that is wrong, or wrongly transposed, is wrong on one side only.
@Suite("Convolution kernels against plain loops over dense weights")
struct ConvolutionTests {
  static let seeds = Array(UInt64(0)..<120)

  @Test("Random layers, masks and batches", arguments: seeds)
  func randomLayers(seed: UInt64) throws {
    try check(ConvolutionCase(seed: seed), seed: seed)
  }

  @Test(
    "Lines that all keep the same taps, so that a pattern not mirrored for the gradients shows",
    arguments: [UInt16(1), 2, 3, 4, 5, 6, 7], [1, 2])
  func tapPatterns(pattern: UInt16, stride: Int) throws {
    for groups in [1, 3] {
      try check(ConvolutionCase(pattern: pattern, stride: stride, groups: groups), seed: 1)
    }
  }

  static let tiledWidths = [2, 4, 6, 8, 14, 16, 18, 32]

  @Test(
    "Layers of several tiles of filters, the last one ragged", arguments: tiledWidths,
    [Float(0.4), 1])
  func raggedTiles(width: Int, lineDensity: Float) throws {
    for stride in 1...2 {
      let scenario = ConvolutionCase(tiledWidth: width, stride: stride, lineDensity: lineDensity)
      try check(scenario, seed: UInt64(width))
      checkThreads(scenario, seed: UInt64(width))
    }
  }

  @Test(
    "Few images, in tiles that read rows and columns of their neighbours", arguments: [8, 16, 32],
    [1, 2, 4])
  func tiles(side: Int, images: Int) throws {
    for stride in 1...2 {
      try check(ConvolutionCase(side: side, stride: stride, images: images), seed: UInt64(side))
    }
  }

  @Test(
    "Dense layers, whose filters share tiles: groups of them ragged, shared out, and added to",
    arguments: [4, 6, 7, 8, 14, 16], [4, 5, 9])
  func denseLayers(width: Int, planes: Int) throws {
    for (stride, images) in [(1, 17), (2, 17), (1, 3), (2, 3)] {
      let geometry = try #require(
        ConvolutionGeometry(
          input: MapShape(channels: planes, height: 6, width: width), filters: planes, rows: 3,
          columns: 3, stride: stride, paddingRows: 1, paddingColumns: 1))
      let filters = PackedFilters(
        dense: geometry, packing: Packing(for: geometry, scattered: false))
      let scenario = ConvolutionCase(
        geometry: geometry,
        patterns: [UInt16](repeating: 7, count: 3 * planes * planes), filters: filters,
        images: images)
      try check(scenario, seed: UInt64(width))
      checkThreads(scenario, seed: UInt64(width))
    }
  }

  @Test(
    "Linear layers over several runs of blocks, ragged in channels, filters and batch",
    arguments: [1, 16, 17, 33, 130, 257, 530], [false, true])
  func linearLayers(images: Int, scattered: Bool) throws {
    for (channels, filters, density) in [(5, 7, Float(1)), (8, 4, 0.5), (13, 10, 0.3)] {
      let scenario = ConvolutionCase(
        linear: channels, filters: filters, images: images, scattered: scattered, density: density)
      #expect(scenario.filters.packing == (scattered ? .taps : .blocks4))
      try check(scenario, seed: UInt64(images))
      checkThreads(scenario, seed: UInt64(images))
    }
  }

  @Test(
    "Maps whose planes lie apart", arguments: ConvolutionCase.mapsApart,
    Array(ConvolutionCase.kernels.indices))
  func planesApart(sizes: [Int], kernel: Int) throws {
    let scenario = try ConvolutionCase(apart: sizes, kernel: ConvolutionCase.kernels[kernel])
    try check(scenario, seed: 3)
  }

  private func check(_ scenario: ConvolutionCase, seed: UInt64) throws {
    for kernels in Kernels.available { try check(scenario, seed: seed, kernels: kernels) }
  }

  private func check(_ scenario: ConvolutionCase, seed: UInt64, kernels: Kernels) throws {
    let engine = Engine(kernels: kernels, threads: 2)
    let (geometry, filters, images) = (scenario.geometry, scenario.filters, scenario.images)
    var random = SeededRandom(seed: seed, stream: 78)
    func values(_ count: Int) -> [Float] { (0..<count).map { _ in random.uniform() - 0.5 } }
    let plain = PlainConvolution(geometry, images: images)
    let inputs = engine.blockedLayout(geometry.input, images: images)
    let outputs = engine.blockedLayout(geometry.output, images: images)
    let dense = scenario.weights(&random)
    let x = values(images * geometry.input.count)
    let dy = values(images * geometry.output.count)
    let bias = random.below(2) == 0 ? nil : values(geometry.filters)
    let comment = Comment(rawValue: "\(kernels): \(scenario.testDescription)")

    // Padding images hold anything on the way forward, and have no gradient on the way back.
    let input = try GuardedTensor(inputs.blocked(x) { random.uniform() - 0.5 })
    let output = try GuardedTensor(count: outputs.count)
    let upstream = try GuardedTensor(outputs.blocked(dy) { 0 })
    let weights = Tensor(count: filters.weightCount)
    weights.store(filters.pack(dense))

    engine.forward(
      filters, weights, bias: bias.map { Tensor($0) }, input: input.tensor, output: output.tensor,
      images: images)
    let terms = Double(geometry.channelsPerGroup * geometry.rows * geometry.columns)
    #expect(
      largestDifference(
        outputs.plain(output.tensor.array()), plain.forward(input: x, weights: dense, bias: bias))
        < 1e-6 * (4 + terms), comment)
    #expect(output.isIntact && input.isIntact, comment)

    let expectedGradient = plain.inputGradient(outputGradient: dy, weights: dense)
    let gradientTerms = Double(geometry.filters * geometry.rows * geometry.columns)
    for accumulate in [false, true] {
      let before = accumulate ? values(images * geometry.input.count) : []
      let gradient = try GuardedTensor(count: inputs.count)
      if accumulate { gradient.tensor.store(inputs.blocked(before) { 0 }) }
      engine.inputGradient(
        filters, weights, outputGradient: upstream.tensor, inputGradient: gradient.tensor,
        accumulate: accumulate, images: images)
      let expected =
        accumulate ? zip(expectedGradient, before).map { $0 + Double($1) } : expectedGradient
      #expect(
        largestDifference(inputs.plain(gradient.tensor.array()), expected)
          < 1e-6 * (4 + gradientTerms), comment)
      #expect(gradient.isIntact && upstream.isIntact, comment)
    }

    let gradient = try GuardedTensor(count: filters.weightCount)
    let scratch = try GuardedTensor(count: max(1, engine.weightGradientScratch(filters)))
    engine.weightGradient(
      filters, input: input.tensor, outputGradient: upstream.tensor, gradient: gradient.tensor,
      scratch: scratch.tensor, images: images)
    let expectedWeights = plain.weightGradient(input: x, outputGradient: dy).enumerated()
      .map { scenario.isKept($0.offset) ? $0.element : 0 }
    let pixels = Double(geometry.output.pixels * images)
    let tolerance = 2e-6 * (8 + pixels.squareRoot() * 4)
    #expect(
      largestDifference(filters.expand(gradient.tensor), expectedWeights) < tolerance, comment)
    // Places of a block that is not full are no weights: nothing may move them.
    #expect(
      largestDifference(gradient.tensor.array(), filters.pack(filters.expand(gradient.tensor)))
        == 0, comment)
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
      let weights = Tensor(count: filters.weightCount)
      weights.store(filters.pack(scenario.weights(&random)))
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
