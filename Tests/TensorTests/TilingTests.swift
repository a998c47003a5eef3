// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Tensor

/// Batches that do not fill the lanes: tiles of images in the lanes, without an effect on results.
@Suite("Tiles of small batches")
struct TilingTests {
  @Test("Tiles fill the lanes where the map allows it, and cover it")
  func grid() {
    func layout(_ side: Int, _ images: Int, lanes: Int = 16) -> BatchLayout {
      BatchLayout(
        MapShape(channels: 1, height: side, width: side), images: images, lanes: lanes)
    }
    for side in [32, 16, 8, 4] {
      #expect(layout(side, 1).tiles == 16 && layout(side, 1).rows == 4)
      #expect(layout(side, 3).tiles == 4 && layout(side, 8).tiles == 2)
      #expect(layout(side, 9).isWhole && layout(side, 40).isWhole)
    }
    #expect(layout(14, 1).tiles == 14 && layout(7, 1).tiles == 7 && layout(2, 1).tiles == 4)
    #expect(layout(1, 1).isWhole)
    for side in 1...40 {
      for images in 1...20 {
        for lanes in [4, 8, 16] {
          let found = layout(side, images, lanes: lanes)
          #expect(found.rows * found.height == side && found.columns * found.width == side)
          #expect(found.isWhole || found.usedLanes <= lanes)
          // A smaller batch never takes more memory than the one that a model was laid out for.
          #expect(found.floats <= layout(side, images + 1, lanes: lanes).floats)
        }
      }
    }
  }

  /// What an operation makes of a batch, image after image.
  private typealias Planar = [Float]

  private func run(
    _ planar: Planar, map: MapShape, output: MapShape, images: Int, kernels: Kernels,
    _ body: (Engine, Tensor, Tensor) -> Void
  ) -> Planar {
    let engine = Engine(kernels: kernels, threads: 2)
    let input = Tensor(count: engine.floats(map, images: images))
    let result = Tensor(count: engine.floats(output, images: images))
    engine.blockImages(Tensor(planar), into: input, map: map, images: images)
    body(engine, input, result)
    let found = Tensor(count: images * output.count)
    engine.unblockImages(result, into: found, map: output, images: images)
    return found.array()
  }

  /// The same images in a batch of 20, in which they are whole.
  private func check(
    _ map: MapShape, output: MapShape, seed: UInt64, _ comment: String,
    _ body: (Engine, Tensor, Tensor, Int) -> Void
  ) {
    for kernels in Kernels.available {
      for images in [1, 2, 3, 4, 5, 8] {
        var random = SeededRandom(seed: seed)
        let planar = (0..<images * map.count).map { _ in random.normal() }
        let more = planar + (0..<(20 - images) * map.count).map { _ in random.normal() }
        let small = run(planar, map: map, output: output, images: images, kernels: kernels) {
          body($0, $1, $2, images)
        }
        let large = run(more, map: map, output: output, images: 20, kernels: kernels) {
          body($0, $1, $2, 20)
        }
        let worst = zip(small, large).reduce(Float(0)) { largest, pair in
          let difference = abs(pair.0 - pair.1)
          return difference <= largest ? largest : difference
        }
        #expect(worst < 1e-5, "\(kernels), \(comment), \(images) images")
      }
    }
  }

  static let poolings: [(kind: PoolingGeometry.Kind, size: Int, stride: Int, padding: Int)] = [
    (.max, 2, 2, 0), (.max, 3, 2, 1), (.average, 3, 1, 1), (.average, 2, 2, 0), (.max, 2, 3, 1),
  ]

  @Test("Pooling and its gradient", arguments: 0..<poolings.count, [4, 8, 12, 14, 16])
  func pooling(index: Int, side: Int) throws {
    let (kind, size, stride, padding) = Self.poolings[index]
    let map = MapShape(channels: 3, height: side, width: 2 * side)
    let geometry = try #require(
      PoolingGeometry(kind: kind, input: map, size: size, stride: stride, padding: padding))
    check(map, output: geometry.output, seed: 1, "\(geometry)") { engine, input, output, images in
      engine.pool(geometry, input: input, output: output, winners: nil, images: images)
    }
    for accumulate in [false, true] {
      check(map, output: map, seed: 2, "\(geometry), gradient") { engine, input, result, images in
        let floats = engine.floats(geometry.output, images: images)
        let output = Tensor(count: floats)
        let winners = PoolingWinners(values: floats)
        engine.pool(geometry, input: input, output: output, winners: winners, images: images)
        result.fill(0.5)
        engine.poolGradient(
          geometry, outputGradient: output, inputGradient: result, winners: winners,
          accumulate: accumulate, images: images)
      }
    }
  }

  @Test("Means of planes, flattening, dropout, and their gradients", arguments: [4, 6, 7])
  func others(side: Int) {
    let map = MapShape(channels: 5, height: side, width: side + 1)
    let mean = MapShape(channels: 5, height: 1, width: 1)
    let flat = MapShape(channels: map.count, height: 1, width: 1)
    check(map, output: mean, seed: 3, "mean") { engine, input, output, images in
      engine.globalPool(input: input, output: output, map: map, images: images)
    }
    check(map, output: flat, seed: 5, "flatten") { engine, input, output, images in
      engine.flatten(input, into: output, map: map, images: images)
    }
    check(map, output: map, seed: 7, "dropout") { engine, input, output, images in
      engine.dropout(
        input, into: output, probability: 0.4, seed: 9, accumulate: false, map: map,
        images: images)
    }
    for accumulate in [false, true] {
      check(mean, output: map, seed: 4, "mean, gradient") { engine, input, output, images in
        output.fill(0.25)
        engine.globalPoolGradient(
          outputGradient: input, inputGradient: output, accumulate: accumulate, map: map,
          images: images)
      }
      check(flat, output: map, seed: 6, "flatten, gradient") { engine, input, output, images in
        output.fill(0.25)
        engine.flattenGradient(
          outputGradient: input, inputGradient: output, accumulate: accumulate, map: map,
          images: images)
      }
    }
  }

  @Test("Lanes without an image have no gradient", arguments: [1, 3, 5])
  func paddingLanes(images: Int) {
    let map = MapShape(channels: 2, height: 8, width: 8)
    let engine = Engine(threads: 1)
    let gradient = Tensor(count: engine.floats(map, images: images))
    gradient.fill(.nan)
    let upstream = Tensor(
      count: engine.floats(MapShape(channels: 2, height: 1, width: 1), images: images))
    upstream.fill(1)
    engine.globalPoolGradient(
      outputGradient: upstream, inputGradient: gradient, accumulate: false, map: map,
      images: images)
    let sum = gradient.array().reduce(0, +)
    // Every lane with an image receives a 64th a pixel, and there are as many as images fill.
    let tiled = engine.layout(map, images: images).tiles > 1
    if tiled { #expect(abs(sum - 2 * Float(images)) < 1e-4) }
  }
}
