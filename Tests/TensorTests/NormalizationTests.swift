// SPDX-License-Identifier: Apache-2.0
import Oracles
import Testing

@testable import Tensor

/// Batch normalisation with residual and activation against a naive version in double precision, on
/// every instruction set, with batches that leave lanes of the last block to padding.
@Suite("Normalisation kernels against a naive version")
struct NormalizationTests {
  struct Naive {
    var output: [Double] = []
    var inputGradient: [Double] = []
    var residualGradient: [Double] = []
    var gammaGradient: [Double] = []
    var betaGradient: [Double] = []
  }

  /// Planar arrays `[image][channel][pixel]`.
  private func naive(
    _ x: [Float], _ residual: [Float]?, _ upstream: [Float], gamma: [Float], beta: [Float],
    activation: Activation, map: MapShape, images: Int, rounds: Bool
  ) -> Naive {
    let (channels, pixels) = (map.channels, map.pixels)
    var result = Naive()
    result.output = [Double](repeating: 0, count: x.count)
    result.inputGradient = result.output
    result.residualGradient = result.output
    for channel in 0..<channels {
      let places = (0..<images).flatMap { image in
        (0..<pixels).map { (image * channels + channel) * pixels + $0 }
      }
      let count = Double(places.count)
      let mean = places.reduce(0.0) { $0 + Double(x[$1]) } / count
      let variance = places.reduce(0.0) { $0 + (Double(x[$1]) - mean) * (Double(x[$1]) - mean) }
      let inverse = 1 / (variance / count + 1e-5).squareRoot()
      var (gradientSum, productSum) = (0.0, 0.0)
      var masked = [Int: Double]()
      for place in places {
        let normal = (Double(x[place]) - mean) * inverse
        var y = normal * Double(gamma[channel]) + Double(beta[channel])
        if let residual { y += Double(residual[place]) }
        let clamped = min(max(y, Double(activation.lower)), Double(activation.upper))
        result.output[place] = clamped
        // The gradient goes by the output as it is held.
        let held = rounds ? Double(bf16(Float(y))) : y
        let inside = held > Double(activation.lower) && held < Double(activation.upper)
        let gradient = inside ? Double(upstream[place]) : 0
        masked[place] = gradient
        result.residualGradient[place] = gradient
        gradientSum += gradient
        productSum += gradient * normal
      }
      for place in places {
        let normal = (Double(x[place]) - mean) * inverse
        result.inputGradient[place] =
          Double(gamma[channel]) * inverse
          * (masked[place]! - gradientSum / count - normal * productSum / count)
      }
      result.gammaGradient.append(productSum)
      result.betaGradient.append(gradientSum)
    }
    return result
  }

  @Test("Forward and gradients", arguments: Array(UInt64(0)..<24))
  func normalization(seed: UInt64) {
    for engine in Kernels.available.map({ Engine(kernels: $0, threads: 2) }) + Engine.onPairs() {
      var random = SeededRandom(seed: seed)
      let map = MapShape(
        channels: 1 + random.below(9), height: seed % 6 == 5 ? 16 : 1 + random.below(12),
        width: seed % 6 == 5 ? 16 : 1 + random.below(12))
      // A variance of two values or fewer is no measure of precision.
      let images = 2 + random.below(40)
      let activation = Activation.allCases[random.below(3)]
      let hasResidual = random.below(2) == 0
      let count = images * map.count
      let isPaired = engine.isPaired(map, images: images)
      // A third of the cases has a variance below epsilon, so that it counts.
      let size: Float = seed % 3 == 0 ? 0.003 : 2
      func values() -> [Float] {
        (0..<count).map { _ in
          let value = size * (2 * random.uniform() - 1)
          return isPaired ? bf16(value) : value
        }
      }
      let (x, residual, upstream) = (values(), hasResidual ? values() : nil, values())
      let state = NormalizationState(channels: map.channels, epsilon: 1e-5)
      let gamma = (0..<map.channels).map { _ in random.uniform() + 0.5 }
      let beta = (0..<map.channels).map { _ in random.uniform() }
      state.gamma.store(gamma)
      state.beta.store(beta)

      func blocked(_ planar: [Float]) -> Tensor {
        let tensor = Tensor(count: engine.floats(map, images: images))
        engine.blockImages(Tensor(planar), into: tensor, map: map, images: images)
        return tensor
      }
      func planar(_ tensor: Tensor) -> [Float] {
        let values = Tensor(count: count)
        engine.unblockImages(tensor, into: values, map: map, images: images)
        return values.array()
      }
      let input = blocked(x)
      let output = Tensor(count: input.count)
      let residualTensor = residual.map(blocked)
      engine.normalize(
        state, input: input, residual: residualTensor, output: output, activation: activation,
        map: map, images: images)
      let gradient = blocked(upstream)
      // The residual's gradient replaces the upstream one, or is added to what another layer left.
      let accumulates = hasResidual && random.below(2) == 0
      let before = accumulates ? values() : [Float](repeating: 0, count: count)
      let residualGradient = hasResidual ? (accumulates ? blocked(before) : gradient) : nil
      let inputGradient = hasResidual && !accumulates ? Tensor(count: input.count) : gradient
      let gammaGradient = Tensor(count: map.channels)
      let betaGradient = Tensor(count: map.channels)
      engine.normalizeGradient(
        state, input: input, output: output, outputGradient: gradient,
        inputGradient: inputGradient, residualGradient: residualGradient,
        accumulateResidual: accumulates, gammaGradient: gammaGradient, betaGradient: betaGradient,
        activation: activation, map: map, images: images)

      let expected = naive(
        x, residual, upstream, gamma: gamma, beta: beta, activation: activation, map: map,
        images: images, rounds: isPaired)
      func check(
        _ found: [Float], _ expected: [Double], isMap: Bool = true, _ what: String
      ) {
        let slack = 2e-5 * max(1, largestMagnitude(expected))
        #expect(
          isMap && isPaired
            ? isRounded(found, expected, slack: slack)
            : largestDifference(found, expected) < slack,
          "\(what): \(engine.name), \(map), \(images) images, \(activation)")
      }
      check(planar(output), expected.output, "output")
      check(planar(inputGradient), expected.inputGradient, "input gradient")
      // Padded images get zeros, which keeps them out of every weight's gradient.
      if !isPaired {
        let layout = engine.blockedLayout(map, images: images)
        let withoutPadding = layout.blocked(planar(inputGradient)) { 0 }
        #expect(
          inputGradient.array() == withoutPadding, "\(engine.name), \(map), \(images) images")
      }
      if let residualGradient {
        check(
          planar(residualGradient),
          zip(expected.residualGradient, before).map { $0 + Double($1) }, "residual gradient")
      }
      check(gammaGradient.array(), expected.gammaGradient, isMap: false, "gamma gradient")
      check(betaGradient.array(), expected.betaGradient, isMap: false, "beta gradient")
    }
  }

  @Test("Images survive the layout and back", arguments: Array(UInt64(0)..<12))
  func layout(seed: UInt64) throws {
    for kernels in Kernels.available {
      var random = SeededRandom(seed: seed)
      let map = MapShape(
        channels: 1 + random.below(5), height: seed % 3 == 2 ? 32 : 1 + random.below(20),
        width: seed % 3 == 2 ? 16 : 1 + random.below(20))
      let images = 1 + random.below(40)
      let engine = Engine(kernels: kernels, threads: 3)
      // Values that are not numbers lie on both sides of the images.
      let guarded = try GuardedTensor(
        (0..<images * map.count).map { _ in random.uniform() + 1 })
      let planar = guarded.tensor
      let blocked = Tensor(count: engine.floats(map, images: images))
      blocked.fill(.nan)
      engine.blockImages(planar, into: blocked, map: map, images: images)
      let layout = engine.blockedLayout(map, images: images)
      #expect(blocked.count == layout.count)
      #expect(blocked.array().count { $0 == 0 } == layout.unused, "padding is zero")
      let back = try GuardedTensor(count: planar.count)
      engine.unblockImages(blocked, into: back.tensor, map: map, images: images)
      #expect(back.tensor.array() == planar.array())
      #expect(back.isIntact && guarded.isIntact)
      #expect(layout.plain(blocked.array()) == planar.array())
    }
  }

  @Test("Dropout drops the same values on every instruction set, about as many as asked")
  func dropout() {
    let map = MapShape(channels: 7, height: 5, width: 9)
    let images = 37
    var results: [[Float]] = []
    for kernels in Kernels.available {
      let engine = Engine(kernels: kernels, threads: 2)
      let ones = Tensor([Float](repeating: 1, count: images * map.count))
      let blocked = Tensor(count: engine.floats(map, images: images))
      engine.blockImages(ones, into: blocked, map: map, images: images)
      engine.dropout(
        blocked, into: blocked, probability: 0.3, seed: 99, accumulate: false, map: map,
        images: images)
      let planar = Tensor(count: images * map.count)
      engine.unblockImages(blocked, into: planar, map: map, images: images)
      results.append(planar.array())
    }
    let others = results.filter { $0 != results[0] }
    #expect(others.isEmpty)
    let dropped = Double(results[0].count { $0 == 0 }) / Double(results[0].count)
    #expect(abs(dropped - 0.3) < 0.02)
    let kept = results[0].filter { $0 != 0 }
    #expect(largestDifference(kept, [Float](repeating: 1 / 0.7, count: kept.count)) < 1e-6)
  }
}
