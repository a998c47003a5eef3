// SPDX-License-Identifier: Apache-2.0
import Oracles
import Testing

@testable import Tensor

/// Pooling, activations, dropout, sums and counts against plain loops, on every instruction set: with
/// batches that leave lanes to padding, and with gradients that replace what their memory held (not a
/// number, then) and gradients that are added to it.
@Suite("Kernels over planes against plain loops")
struct PlaneKernelTests {
  /// A batch of random images in plain order and in the layout of a table.
  struct PlaneCase {
    let map: MapShape
    let images: Int
    let engine: Engine
    var random: SeededRandom

    init(seed: UInt64, kernels: Kernels) {
      random = SeededRandom(seed: seed, stream: 5)
      map = MapShape(
        channels: 1 + random.below(5), height: seed % 4 == 3 ? 16 : 3 + random.below(9),
        width: seed % 4 == 3 ? 16 : 3 + random.below(9))
      images = 1 + random.below(random.below(2) == 0 ? 8 : 40)
      engine = Engine(kernels: kernels, threads: 2)
    }

    func layout(_ map: MapShape) -> BlockedLayout {
      engine.blockedLayout(map, images: images)
    }

    mutating func values(_ map: MapShape) -> [Float] {
      (0..<images * map.count).map { _ in 16 * random.uniform() - 8 }
    }

    func tensor(_ plain: [Float], _ map: MapShape) -> Tensor {
      Tensor(layout(map).blocked(plain) { 0 })
    }

    /// What a gradient kernel leaves: over memory of NaN where it replaces, with what it held before
    /// taken off where it adds.
    mutating func gradient(
      _ map: MapShape, accumulate: Bool, _ run: (Tensor, Bool) -> Void
    ) -> [Double] {
      let target = Tensor(count: layout(map).count)
      let before = accumulate ? values(map) : [Float](repeating: 0, count: images * map.count)
      if accumulate {
        target.store(layout(map).blocked(before) { 0 })
      } else {
        target.fill(.nan)
      }
      run(target, accumulate)
      return zip(layout(map).plain(target.array()), before).map { Double($0) - Double($1) }
    }
  }

  static func forEachCase(_ seed: UInt64, _ body: (inout PlaneCase, Comment) throws -> Void)
    rethrows
  {
    for kernels in Kernels.available {
      var example = PlaneCase(seed: seed, kernels: kernels)
      try body(
        &example,
        Comment(rawValue: "\(kernels), \(example.map), \(example.images) images, seed \(seed)"))
    }
  }

  /// Rounded so that sums of what a test adds up stay apart from rounding.
  static func difference(_ found: [Double], _ expected: [Double]) -> Double {
    largestDifference(found.map(Float.init), expected)
  }

  @Test(
    "Pooling", arguments: Array(UInt64(0)..<12), [PoolingGeometry.Kind.max, .average])
  func pooling(seed: UInt64, kind: PoolingGeometry.Kind) throws {
    try Self.forEachCase(seed) { example, comment in
      let (map, images, engine) = (example.map, example.images, example.engine)
      let size = 1 + example.random.below(3)
      let geometry = try #require(
        PoolingGeometry(
          kind: kind, input: map, size: size, stride: 1 + example.random.below(3),
          padding: example.random.below(size)))
      let x = example.values(map)
      let dy = example.values(geometry.output)
      let output = Tensor(count: example.layout(geometry.output).count)
      output.fill(.nan)
      let winners = kind == .max ? PoolingWinners(values: output.count) : nil
      engine.pool(
        geometry, input: example.tensor(x, map), output: output, winners: winners, images: images)
      let plain = plainPooling(geometry, x, dy, images: images)
      #expect(
        largestDifference(example.layout(geometry.output).plain(output.array()), plain.output)
          < 1e-5, comment)
      let upstream = example.tensor(dy, geometry.output)
      for accumulate in [false, true] {
        let found = example.gradient(map, accumulate: accumulate) {
          engine.poolGradient(
            geometry, outputGradient: upstream, inputGradient: $0, winners: winners,
            accumulate: $1, images: images)
        }
        #expect(Self.difference(found, plain.gradient) < 1e-5, comment)
      }
    }
  }

  private func plainPooling(
    _ geometry: PoolingGeometry, _ x: [Float], _ dy: [Float], images: Int
  ) -> (output: [Double], gradient: [Double]) {
    let (map, output) = (geometry.input, geometry.output)
    var found: [Double] = []
    var gradient = [Double](repeating: 0, count: x.count)
    for plane in 0..<images * map.channels {
      for p in 0..<output.height {
        for q in 0..<output.width {
          var inside: [Int] = []
          for r in 0..<geometry.size {
            for s in 0..<geometry.size {
              let row = p * geometry.stride + r - geometry.padding
              let column = q * geometry.stride + s - geometry.padding
              if (0..<map.height).contains(row), (0..<map.width).contains(column) {
                inside.append((plane * map.height + row) * map.width + column)
              }
            }
          }
          let upstream = Double(dy[found.count])
          if geometry.kind == .max {
            let winner = inside.max { x[$0] < x[$1] }
            found.append(winner.map { Double(x[$0]) } ?? -.infinity)
            if let winner { gradient[winner] += upstream }
          } else {
            let share = 1 / Double(geometry.size * geometry.size)
            found.append(share * inside.reduce(0) { $0 + Double(x[$1]) })
            for place in inside { gradient[place] += share * upstream }
          }
        }
      }
    }
    return (found, gradient)
  }

  @Test("A window that reaches into the padding has its winner inside the map")
  func poolingWinnersOfPadding() throws {
    let map = MapShape(channels: 1, height: 2, width: 2)
    let geometry = try #require(
      PoolingGeometry(kind: .max, input: map, size: 2, stride: 2, padding: 1))
    #expect(geometry.output == map)
    for kernels in Kernels.available {
      let engine = Engine(kernels: kernels, threads: 1)
      // As many images as lanes, so that none is cut into tiles.
      let images = kernels.lanes
      let layout = engine.blockedLayout(map, images: images)
      let output = Tensor(count: layout.count)
      let winners = PoolingWinners(values: layout.count)
      let upstream = (0..<4 * images).map { Float(1 + $0) }
      let lowest = [Float](repeating: -.infinity, count: 4 * images)
      engine.pool(
        geometry, input: Tensor(layout.blocked(lowest) { 0 }), output: output, winners: winners,
        images: images)
      let gradient = Tensor(count: layout.count)
      engine.poolGradient(
        geometry, outputGradient: Tensor(layout.blocked(upstream) { 0 }),
        inputGradient: gradient, winners: winners, accumulate: false,
        images: images)
      #expect(layout.plain(gradient.array()) == upstream)
    }
  }

  @Test("Outputs of a pooling are as many as windows fit the padded map")
  func poolingSizes() throws {
    for (side, size, stride, padding, outputs) in [
      (7, 3, 2, 1, 4), (8, 3, 2, 1, 4), (6, 2, 2, 0, 3), (5, 5, 1, 2, 5), (4, 3, 3, 1, 2),
    ] {
      let geometry = try #require(
        PoolingGeometry(
          kind: .max, input: MapShape(channels: 2, height: side, width: side + stride), size: size,
          stride: stride, padding: padding))
      #expect(geometry.output == MapShape(channels: 2, height: outputs, width: outputs + 1))
    }
  }

  @Test("Of equal values the first wins, as in PyTorch, and NaN over all")
  func poolingTies() throws {
    let map = MapShape(channels: 1, height: 2, width: 2)
    let geometry = try #require(PoolingGeometry(kind: .max, input: map, size: 2, stride: 2))
    for (values, winner) in [
      ([Float](repeating: 3, count: 4), 0), ([0, 5, 5, 1], 1), ([1, .nan, 9, 2], 1),
      ([-.infinity, -.infinity, -4, -7], 2),
    ] {
      for kernels in Kernels.available {
        let engine = Engine(kernels: kernels, threads: 1)
        let layout = engine.blockedLayout(map, images: 1)
        let result = engine.blockedLayout(geometry.output, images: 1)
        let output = Tensor(count: result.count)
        let winners = PoolingWinners(values: result.count)
        engine.pool(
          geometry, input: Tensor(layout.blocked(values) { 0 }), output: output, winners: winners,
          images: 1)
        let gradient = Tensor(count: layout.count)
        let upstream = Tensor([Float](repeating: 1, count: result.count))
        engine.poolGradient(
          geometry, outputGradient: upstream, inputGradient: gradient, winners: winners,
          accumulate: false, images: 1)
        #expect(layout.plain(gradient.array()) == (0..<4).map { $0 == winner ? 1 : 0 }, "\(values)")
      }
    }
  }

  @Test("The mean of planes", arguments: Array(UInt64(0)..<8))
  func globalPooling(seed: UInt64) {
    Self.forEachCase(seed) { example, comment in
      let (map, images, engine) = (example.map, example.images, example.engine)
      let flat = MapShape(channels: map.channels, height: 1, width: 1)
      let x = example.values(map)
      let dy = example.values(flat)
      let output = Tensor(count: example.layout(flat).count)
      output.fill(.nan)
      engine.globalPool(input: example.tensor(x, map), output: output, map: map, images: images)
      let means = (0..<images * map.channels).map { plane in
        (0..<map.pixels).reduce(0) { $0 + Double(x[plane * map.pixels + $1]) } / Double(map.pixels)
      }
      #expect(
        largestDifference(example.layout(flat).plain(output.array()), means) < 1e-5, comment)
      let upstream = example.tensor(dy, flat)
      for accumulate in [false, true] {
        let found = example.gradient(map, accumulate: accumulate) {
          engine.globalPoolGradient(
            outputGradient: upstream, inputGradient: $0, accumulate: $1, map: map, images: images)
        }
        let expected = x.indices.map { Double(dy[$0 / map.pixels]) / Double(map.pixels) }
        #expect(Self.difference(found, expected) < 1e-5, comment)
      }
    }
  }

  @Test(
    "Activations, at their bounds too", arguments: Array(UInt64(0)..<6), Activation.allCases)
  func activations(seed: UInt64, activation: Activation) {
    Self.forEachCase(seed) { example, comment in
      let (map, images, engine) = (example.map, example.images, example.engine)
      var x = example.values(map)
      for place in x.indices where place % 5 == 0 { x[place] = [0, 6, -0.0][place / 5 % 3] }
      let dy = example.values(map)
      let output = Tensor(count: example.layout(map).count)
      engine.activate(
        activation, input: example.tensor(x, map), output: output, map: map,
        images: images)
      func inside(_ value: Float) -> Bool {
        switch activation {
        case .none: true
        case .relu: value > 0
        case .relu6: value > 0 && value < 6
        }
      }
      let expected = x.map { value -> Double in
        switch activation {
        case .none: Double(value)
        case .relu: Double(max(value, 0))
        case .relu6: Double(min(max(value, 0), 6))
        }
      }
      #expect(largestDifference(example.layout(map).plain(output.array()), expected) == 0, comment)
      let upstream = example.tensor(dy, map)
      for accumulate in [false, true] {
        let found = example.gradient(map, accumulate: accumulate) {
          engine.activationGradient(
            activation, output: output, outputGradient: upstream, inputGradient: $0,
            accumulate: $1, map: map, images: images)
        }
        let gradient = zip(x, dy).map { inside($0) ? Double($1) : 0 }
        #expect(Self.difference(found, gradient) < 2e-6, comment)
      }
    }
  }

  @Test("Dropout, forward and added to a gradient", arguments: Array(UInt64(0)..<6))
  func dropout(seed: UInt64) {
    Self.forEachCase(seed) { example, comment in
      let (map, images, engine) = (example.map, example.images, example.engine)
      let x = example.values(map).map { $0 == 0 ? 1 : $0 }
      let input = example.tensor(x, map)
      var found: [[Double]] = []
      for accumulate in [false, true] {
        found.append(
          example.gradient(map, accumulate: accumulate) {
            engine.dropout(
              input, into: $0, probability: 0.25, seed: seed, accumulate: $1, map: map,
              images: images)
          })
      }
      let expected = zip(found[0], x).map { $0 == 0 ? 0 : Double($1) / 0.75 }
      for values in found { #expect(Self.difference(values, expected) < 5e-6, comment) }
      #expect(x.count < 50 || Set(found[0].map { $0 == 0 }).count == 2, comment)
    }
  }

  @Test("Sums, counts of zeros, and squares", arguments: Array(UInt64(0)..<8))
  func reductions(seed: UInt64) {
    Self.forEachCase(seed) { example, comment in
      let (map, images, engine) = (example.map, example.images, example.engine)
      var x = example.values(map)
      for place in x.indices where place % 3 == 0 { x[place] = place % 2 == 0 ? 0 : -0.0 }
      // Padding images, which hold anything, must not count.
      var padding = false
      let input = Tensor(
        example.layout(map).blocked(x) {
          padding.toggle()
          return padding ? 0 : 7
        })
      func channel(_ place: Int) -> Int { place / map.pixels % map.channels }
      var sums = [Double](repeating: 0, count: map.channels)
      var zeros = [Int](repeating: 0, count: map.channels)
      for (place, value) in x.enumerated() {
        sums[channel(place)] += Double(value)
        if value == 0 { zeros[channel(place)] += 1 }
      }
      let found = Tensor(count: map.channels)
      engine.channelSums(input, map: map, into: found, images: images)
      #expect(relativeDifference(found.array(), sums) < 1e-5, comment)
      #expect(engine.zeroCounts(input, map: map, images: images) == zeros, comment)
      let squares = x.reduce(0) { $0 + Double($1) * Double($1) }
      #expect(abs(engine.squareSum(Tensor(x)) - squares) < 1e-9 * (1 + squares), comment)
      let doubled = Tensor(count: input.count)
      engine.add(input, input, into: doubled, map: map, images: images)
      engine.add(input, to: doubled, map: map, images: images)
      #expect(doubled.array() == input.array().map { $0 + $0 + $0 }, comment)
    }
  }

  @Test("Evaluation scales by channel, adds and clamps", arguments: Array(UInt64(0)..<6))
  func affine(seed: UInt64) {
    Self.forEachCase(seed) { example, comment in
      let (map, images, engine) = (example.map, example.images, example.engine)
      let x = example.values(map)
      let residual = seed % 2 == 0 ? example.values(map) : nil
      let scale = (0..<map.channels).map { Float($0) - 1.5 }
      let shift = (0..<map.channels).map { 0.5 * Float($0) - 1 }
      let output = Tensor(count: example.layout(map).count)
      engine.affine(
        scale: Tensor(scale), shift: Tensor(shift), input: example.tensor(x, map),
        residual: residual.map { example.tensor($0, map) }, output: output, activation: .relu6,
        map: map, images: images)
      let expected = x.indices.map { place -> Double in
        let channel = place / map.pixels % map.channels
        let value =
          Double(x[place]) * Double(scale[channel]) + Double(shift[channel])
          + Double(residual?[place] ?? 0)
        return min(max(value, 0), 6)
      }
      #expect(
        largestDifference(example.layout(map).plain(output.array()), expected) < 1e-5, comment)
    }
  }
}
