// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Training

@Suite("Convolution layers")
struct ConvolutionLayerTests {
  @Test("An observed pass counts the zeros of real images, in input and gradient")
  func observation() throws {
    let map = MapShape(channels: 3, height: 5, width: 4)
    // Fewer images than a block has lanes: padding must not count.
    let harness = try LayerHarness(map: map, images: 3) { network, values in
      try network.convolution("conv", values[0], filters: 2, kernel: 3, padding: 1)
    }
    var random = SeededRandom(seed: 4)
    func someZeros(_ count: Int, oneIn chance: Int) -> [Float] {
      (0..<count).map { _ in random.below(chance) == 0 ? 0 : 1 + random.uniform() }
    }
    let input = someZeros(3 * map.count, oneIn: 2)
    let upstream = someZeros(3 * 2 * map.pixels, oneIn: 5)
    _ = harness.forward([input])
    _ = harness.backward(upstream)
    let layer = try #require(harness.layer as? ConvolutionLayer)
    #expect(layer.observation == nil)

    layer.backward(
      PassSettings(
        engine: harness.model.engine, images: 3, training: true, seed: 1, denseGradients: false,
        observes: true))
    let found = try #require(layer.observation)
    func zeros(_ values: [Float]) -> Double {
      Double(values.count { $0 == 0 }) / Double(values.count)
    }
    #expect(found.inputSparsity == zeros(input))
    #expect(found.gradientSparsity == zeros(upstream))
    #expect(layer.denseGradient == nil)
    layer.dropObservation()
    #expect(layer.observation == nil)
  }
}
