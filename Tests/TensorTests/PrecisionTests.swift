// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Tensor

/// Sums over feature maps against double precision: the error does not grow with the map.
@Suite("Sums over large maps")
struct PrecisionTests {
  static let sides = [32, 64, 128, 256, 512]

  /// Blocked values of one image and two channels, and the same by channel: values around 1 with
  /// a standard deviation of `spread`.
  private func maps(side: Int, spread: Float, kernels: Kernels)
    -> (engine: Engine, map: MapShape, tensor: Tensor, channels: [[Float]])
  {
    let engine = Engine(kernels: kernels, threads: 2)
    let map = MapShape(channels: 2, height: side, width: side)
    var random = SeededRandom(seed: UInt64(side))
    let planar = (0..<map.count).map { _ in 1 + spread * random.normal() }
    let tensor = Tensor(count: engine.floats(map, images: 1))
    engine.blockImages(Tensor(planar), into: tensor, map: map, images: 1)
    return (
      engine, map, tensor,
      [Array(planar.prefix(map.pixels)), Array(planar.suffix(map.pixels))]
    )
  }

  /// The largest distance of `found` from `expected`, relative to the latter's absolute terms.
  private func error(_ found: Tensor, _ expected: [Double], terms: [Double]) -> Double {
    var largest = 0.0
    for index in expected.indices {
      let distance = abs(Double(found[index]) - expected[index]) / terms[index]
      if !(distance <= largest) { largest = distance }
    }
    return largest
  }

  @Test("Batch statistics, channel sums and plane means", arguments: sides, [Float(0), 1e-3, 1])
  func sums(side: Int, spread: Float) {
    for kernels in Kernels.available {
      let (engine, map, tensor, channels) = maps(side: side, spread: spread, kernels: kernels)
      let pixels = Double(map.pixels)
      let sums = channels.map { $0.reduce(0) { $0 + Double($1) } }
      let magnitudes = channels.map { $0.reduce(0) { $0 + Double(abs($1)) } }
      let means = sums.map { $0 / pixels }
      let comment = Comment(rawValue: "\(kernels), \(side), spread \(spread)")

      let found = Tensor(count: 2)
      engine.channelSums(tensor, map: map, into: found, images: 1)
      #expect(error(found, sums, terms: magnitudes) < 2e-7, comment)

      let pooled = Tensor(
        count: engine.floats(MapShape(channels: 2, height: 1, width: 1), images: 1))
      engine.globalPool(input: tensor, output: pooled, map: map, images: 1)
      let poolMeans = Tensor([pooled[0], pooled[kernels.lanes]])
      #expect(error(poolMeans, means, terms: magnitudes.map { $0 / pixels }) < 2e-7, comment)

      let state = NormalizationState(channels: 2, epsilon: 1e-5)
      let output = Tensor(count: tensor.count)
      engine.normalize(
        state, input: tensor, residual: nil, output: output, activation: .none, map: map,
        images: 1)
      #expect(error(state.mean, means, terms: magnitudes.map { $0 / pixels }) < 1e-7, comment)
      // Of the mean that was rounded to single precision.
      let variances = channels.indices.map { channel in
        channels[channel].reduce(0) {
          let deviation = Double($1) - Double(state.mean[channel])
          return $0 + deviation * deviation
        } / pixels
      }
      if spread > 0 {
        #expect(error(state.variance, variances, terms: variances) < 1e-6, comment)
      } else {
        let planar = Tensor(count: map.count)
        engine.unblockImages(output, into: planar, map: map, images: 1)
        #expect(state.variance.array() == [0, 0] && planar.array().allSatisfy { $0 == 0 }, comment)
      }
    }
  }

  @Test("Gradients of scale and shift", arguments: sides)
  func normalizationGradient(side: Int) {
    for kernels in Kernels.available {
      let (engine, map, tensor, channels) = maps(side: side, spread: 1, kernels: kernels)
      let state = NormalizationState(channels: 2, epsilon: 1e-5)
      let output = Tensor(count: tensor.count)
      engine.normalize(
        state, input: tensor, residual: nil, output: output, activation: .none, map: map,
        images: 1)
      // Gradients of one sign, which add up.
      let upstream = Tensor(count: tensor.count)
      engine.blockImages(
        Tensor((0..<map.count).map { Float($0 % 7) * 0.1 + 0.1 }), into: upstream, map: map,
        images: 1)
      let (gamma, beta) = (Tensor(count: 2), Tensor(count: 2))
      engine.normalizeGradient(
        state, input: tensor, output: output, outputGradient: upstream, inputGradient: upstream,
        residualGradient: nil, accumulateResidual: false, gammaGradient: gamma,
        betaGradient: beta, activation: .none, map: map, images: 1)
      var (gammas, betas, terms) = ([Double](), [Double](), [Double]())
      for channel in 0..<2 {
        let inverse = 1 / (Double(state.variance[channel]) + 1e-5).squareRoot()
        var (gammaSum, betaSum, magnitude) = (0.0, 0.0, 0.0)
        for pixel in 0..<map.pixels {
          let gradient = Double(Float((channel * map.pixels + pixel) % 7) * 0.1 + 0.1)
          let normal = (Double(channels[channel][pixel]) - Double(state.mean[channel])) * inverse
          gammaSum += gradient * normal
          betaSum += gradient
          magnitude += abs(gradient * normal)
        }
        gammas.append(gammaSum)
        betas.append(betaSum)
        terms.append(magnitude)
      }
      let comment = Comment(rawValue: "\(kernels), \(side)")
      #expect(error(beta, betas, terms: betas) < 2e-7, comment)
      #expect(error(gamma, gammas, terms: terms) < 2e-7, comment)
    }
  }

  @Test("Weight gradients of every packing", arguments: sides)
  func weightGradients(side: Int) throws {
    for (rows, packing) in [(3, Packing.lines3), (3, .taps), (1, .taps), (1, .blocks4)] {
      let map = MapShape(channels: 1, height: side, width: side)
      let geometry = ConvolutionGeometry(
        input: map, filters: 1, rows: rows, columns: rows, paddingRows: rows / 2,
        paddingColumns: rows / 2)!
      let filters = PackedFilters(dense: geometry, packing: packing)
      for kernels in Kernels.available {
        let engine = Engine(kernels: kernels, threads: 2)
        // All terms are equal: every rounding of a chain of additions goes the same way.
        let ones = Tensor(count: engine.floats(map, images: 1))
        engine.blockImages(
          Tensor([Float](repeating: 0.3, count: map.count)), into: ones, map: map, images: 1)
        let gradient = Tensor(count: filters.weightCount)
        engine.weightGradient(
          filters, input: ones, outputGradient: ones, gradient: gradient,
          scratch: Tensor(count: max(1, engine.weightGradientScratch(filters))), images: 1)
        let dense = filters.expand(gradient)
        let centre = Double(dense[dense.count / 2])
        let expected = Double(Float(0.3)) * Double(Float(0.3)) * Double(map.pixels)
        #expect(
          abs(centre / expected - 1) < 2e-5, "\(kernels), \(packing), \(side): \(centre)")
      }
    }
  }

  @Test("A pruned filter's bias vanishes in the normalisation behind it", arguments: sides)
  func constantChannel(side: Int) {
    for kernels in Kernels.available {
      let engine = Engine(kernels: kernels, threads: 2)
      let map = MapShape(channels: 1, height: side, width: side)
      let geometry = ConvolutionGeometry(
        input: map, filters: 2, rows: 3, columns: 3, paddingRows: 1, paddingColumns: 1)!
      let filters = PackedFilters(
        geometry: geometry, packing: .lines3, patterns: [0, 0, 0, 7, 7, 7])
      let weights = Tensor(count: filters.weightCount)
      let input = Tensor(count: engine.floats(map, images: 2))
      let output = Tensor(count: engine.floats(geometry.output, images: 2))
      engine.forward(
        filters, weights, bias: Tensor([0.7, 0]), input: input, output: output, images: 2)
      let state = NormalizationState(channels: 2, epsilon: 1e-5)
      state.beta.store([0.25, 0])
      engine.normalize(
        state, input: output, residual: nil, output: output, activation: .none,
        map: geometry.output, images: 2)
      let planar = Tensor(count: 2 * geometry.output.count)
      engine.unblockImages(output, into: planar, map: geometry.output, images: 2)
      // Exactly: (0.7 - mean) * 1/sqrt(epsilon) would show an error of the mean 316-fold.
      #expect(planar.array().prefix(map.pixels).allSatisfy { $0 == 0.25 }, "\(kernels), \(side)")
    }
  }
}
