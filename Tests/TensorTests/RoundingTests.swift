// SPDX-License-Identifier: Apache-2.0
import Oracles
import Testing

@testable import Tensor

/// Rounding to 8-bit formats with a scale, on every table, against the list of all values of a format.
@Suite("Rounding to 8 bits")
struct RoundingTests {
  /// The magnitudes of a format by their codes, from its definition: sign, exponent field, fraction.
  /// Field 0 is subnormal. E4M3 gives up one code for NaN, E5M2 the last field for infinity and NaN.
  private static func magnitudes(_ format: EightBitFormat) -> [Double] {
    let (fractionBits, bias, codes) = format == .fp8e4m3 ? (3, 7, 0x7f) : (2, 15, 0x7c)
    return (0..<codes).map { code in
      let (field, fraction) = (code >> fractionBits, code & (1 << fractionBits - 1))
      let whole = field == 0 ? 0.0 : 1
      return (whole + Double(fraction) / Double(1 << fractionBits))
        * power(max(field, 1) - bias)
    }
  }

  private static func power(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
  }

  /// The value of the format that is nearest; of two, the one with the even code.
  private static func nearest(_ value: Double, _ magnitudes: [Double]) -> Double {
    let magnitude = abs(value)
    let code = magnitudes.indices.min {
      let (a, b) = (abs(magnitudes[$0] - magnitude), abs(magnitudes[$1] - magnitude))
      return a < b || (a == b && $0 % 2 == 0 && $1 % 2 == 1)
    }!
    return value < 0 ? -magnitudes[code] : magnitudes[code]
  }

  /// The values with the largest scale that fits the largest of them.
  private static func rounded(_ values: [Float], _ format: EightBitFormat) -> [Double] {
    let magnitudes = magnitudes(format)
    let largest = values.map { abs(Double($0)) }.max() ?? 0
    if largest == 0 { return values.map(Double.init) }
    let exponent = (-150...126).last { largest * power($0) <= magnitudes.last! }!
    return values.map { nearest(Double($0) * power(exponent), magnitudes) * power(-exponent) }
  }

  private static func engines(_ precision: Precision = .fp32) -> [Engine] {
    precision == .bf16
      ? Engine.onPairs()
      : Kernels.available.map { Engine(kernels: $0, threads: 2, precision: precision) }
  }

  /// Rounds one channel of as many rows of two as it takes, in 16 images.
  private func round(
    _ values: [Float], _ format: EightBitFormat, _ engine: Engine, _ scale: ScaleUnit = .channel
  ) throws -> [Float] {
    let images = 16
    let rows = (values.count + 2 * images - 1) / (2 * images)
    let map = MapShape(channels: 1, height: rows, width: 2)
    let all = values + [Float](repeating: 0, count: images * map.count - values.count)
    let tensor = try engine.activation(all, map, images: images)
    engine.round(tensor.tensor, to: format, scale: scale, map: map, images: images)
    #expect(tensor.isIntact)
    return Array(engine.plain(tensor.tensor, map, images: images).prefix(values.count))
  }

  @Test(
    "Every code stays; what lies between two goes to the nearer one, a tie to the even one",
    arguments: EightBitFormat.allCases, [Precision.fp32, .bf16])
  func codes(format: EightBitFormat, precision: Precision) throws {
    let magnitudes = Self.magnitudes(format)
    #expect(magnitudes.count == (format == .fp8e4m3 ? 127 : 124))
    #expect(magnitudes.last == (format == .fp8e4m3 ? 448 : 57344))
    #expect(magnitudes[1] == Self.power(format == .fp8e4m3 ? -9 : -16))
    // A value between two that BF16 holds too: its last place is at most an eighth of theirs.
    let between = zip(magnitudes, magnitudes.dropFirst()).flatMap { low, high in
      [0.25, 0.5, 0.75].map { (low + $0 * (high - low), low, high, $0) }
    }
    for engine in Self.engines(precision) {
      for sign in [1.0, -1] {
        let values = (magnitudes + between.map(\.0)).map { Float(sign * $0) }
        let found = try round(values, format, engine)
        #expect(found.prefix(magnitudes.count).elementsEqual(values.prefix(magnitudes.count)))
        for (index, (_, low, high, place)) in between.enumerated() {
          let code = place == 0.5 ? index / 3 + index / 3 % 2 : index / 3 + (place > 0.5 ? 1 : 0)
          let expected = [low, high][code - index / 3]
          #expect(Double(found[magnitudes.count + index]) == sign * expected, "\(engine.name)")
        }
      }
    }
  }

  @Test(
    "Random values of any size, against the nearest of all values",
    arguments: EightBitFormat.allCases, Array(UInt64(0)..<20))
  func random(format: EightBitFormat, seed: UInt64) throws {
    var random = SeededRandom(seed: seed, stream: 95)
    let scale = Float(Self.power(random.below(100) - 50))
    let values = (0..<400).map { _ -> Float in
      let spread = Float(Self.power(-random.below(14)))
      return (random.uniform() - 0.5) * scale * spread
    }
    let expected = Self.rounded(values, format)
    for engine in Self.engines() {
      #expect(try round(values, format, engine).map(Double.init) == expected, "\(engine.name)")
    }
  }

  @Test(
    "The scale is the largest that fits: no value is saturated",
    arguments: EightBitFormat.allCases)
  func scale(format: EightBitFormat) throws {
    let largest = Float(Self.magnitudes(format).last!)
    // The smallest value beside them, which a scale of twice as much would resolve.
    let small = Float(Self.magnitudes(format)[1])
    for engine in Self.engines() {
      for power in [Float(0x1p-60), 1, 0x1p60] {
        #expect(
          try round([largest, 0.5 * small, 0.75 * small].map { $0 * power }, format, engine)
            == [largest, 0, small].map { $0 * power })
        // One step of a float above the range: the last place is twice as large.
        #expect(
          try round([largest.nextUp, small].map { $0 * power }, format, engine)
            == [largest, 0].map { $0 * power })
        #expect(
          try round([largest / 2, small / 2].map { $0 * power }, format, engine)
            == [largest / 2, small / 2].map { $0 * power })
      }
    }
  }

  @Test("Zeros and the smallest floats change nothing; what is not finite stays, and with it all")
  func unscaled() throws {
    for engine in Self.engines() {
      for format in EightBitFormat.allCases {
        #expect(try round([0, -0.0, 0], format, engine) == [0, 0, 0])
        let smallest = Float.leastNormalMagnitude
        #expect(
          try round([smallest, -3 * smallest], format, engine) == [smallest, -3 * smallest])
        #expect(try round([.infinity, 0.3], format, engine) == [.infinity, 0.3])
        let found = try round([.nan, 0.3], format, engine)
        #expect(found[0].isNaN && found[1] == 0.3)
      }
    }
  }

  @Test(
    "A scale for each channel, or one for all; lanes without an image do not count",
    arguments: [ScaleUnit.channel, .tensor], [1, 5, 20])
  func units(scale: ScaleUnit, images: Int) throws {
    let map = MapShape(channels: 3, height: 4, width: 4)
    let sizes: [Float] = [1e-4, 1, 300]
    var random = SeededRandom(seed: UInt64(images), stream: 96)
    let plain = (0..<images * map.count).map {
      bf16((random.uniform() - 0.5) * sizes[$0 / map.pixels % map.channels])
    }
    var expected = [Double](repeating: 0, count: plain.count)
    let units = scale == .tensor ? [Array(0..<map.channels)] : (0..<map.channels).map { [$0] }
    for channels in units {
      let places = plain.indices.filter { channels.contains($0 / map.pixels % map.channels) }
      for (place, value) in zip(places, Self.rounded(places.map { plain[$0] }, .fp8e4m3)) {
        expected[place] = value
      }
    }
    for engine in Self.engines() + Self.engines(.bf16) {
      let tensor = try engine.activation(plain, map, images: images) { 1e9 }
      engine.round(tensor.tensor, to: .fp8e4m3, scale: scale, map: map, images: images)
      #expect(
        engine.plain(tensor.tensor, map, images: images).map(Double.init) == expected,
        "\(engine.name)")
      #expect(tensor.isIntact)
    }
  }
}
