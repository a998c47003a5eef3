// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor

@Suite struct OperandFormatCodingTests {
  typealias Format = HardwareDescription.OperandFormat

  /// Finite values of a format from its definition, in double, by their code: sign, then
  /// 2^(1-bias)·fraction/2^m or 2^(field-bias)·(1 + fraction/2^m).
  private func finite(_ format: Format) -> [(code: UInt16, value: Double)] {
    let (exponent, fraction, bias, end): (Int, Int, Int, Int) =
      switch format {
      case .bf16: (8, 7, 127, 255 << 7)
      case .fp16: (5, 10, 15, 31 << 10)
      case .fp8e4m3: (4, 3, 7, 127)
      case .fp8e5m2: (5, 2, 15, 31 << 2)
      }
    var values: [(UInt16, Double)] = []
    for magnitude in 0..<end {
      let field = magnitude >> fraction
      let part = Double(magnitude & (1 << fraction - 1)) / Double(1 << fraction)
      let power = Double(sign: .plus, exponent: max(field, 1) - bias, significand: 1)
      let value = power * (field == 0 ? part : 1 + part)
      values.append((UInt16(magnitude), value))
      values.append((UInt16(magnitude | 1 << (exponent + fraction)), -value))
    }
    return values
  }

  @Test("codes have the values of their format, and values their codes", arguments: Format.allCases)
  func roundTrip(format: Format) {
    var known = Set<UInt16>()
    var wrong = 0
    for (code, value) in finite(format) {
      let decoded = format.decode(code)
      let right = Double(decoded) == value && decoded.sign == value.sign
      if !right || format.encode(decoded) != code { wrong += 1 }
      known.insert(code)
    }
    #expect(wrong == 0)
    for code in 0..<UInt32(1) << UInt32(format.bits) where !known.contains(UInt16(code)) {
      let decoded = format.decode(UInt16(code))
      if decoded.isInfinite {
        if format.encode(decoded) != UInt16(code) { wrong += 1 }
      } else if !decoded.isNaN || format.encode(decoded) != format.nan {
        wrong += 1
      }
    }
    #expect(wrong == 0)
    #expect(format.nan == [.bf16: 0x7FC0, .fp16: 0x7E00, .fp8e4m3: 0x7F, .fp8e5m2: 0x7E][format])
  }

  /// Rounding from the definition: of the values around, the nearest, and of two as near the one
  /// with an even code.
  @Test("rounding is to the nearest, ties to even", arguments: Format.allCases)
  func rounding(format: Format) {
    let values = finite(format).filter { $0.code < 1 << UInt16(format.bits - 1) }
      .sorted { $0.value < $1.value }
    let last = values[values.count - 1]
    // The place of the value after the largest.
    let beyond = 2 * last.value - values[values.count - 2].value
    let overflow: UInt16 = format == .fp8e4m3 ? 0x7F : last.code + 1
    func nearest(_ value: Double, _ low: Int) -> UInt16 {
      let high = low + 1 < values.count ? values[low + 1] : (overflow, beyond)
      let (below, above) = (value - values[low].value, high.1 - value)
      if below != above { return below < above ? values[low].code : high.0 }
      return values[low].code & 1 == 0 ? values[low].code : high.0
    }
    var random = SeededRandom(seed: 5)
    var wrong = 0
    for low in values.indices {
      let high = low + 1 < values.count ? values[low + 1].value : beyond
      let middle = Float((values[low].value + high) / 2)
      var probes = [middle, middle.nextUp, middle.nextDown]
      for _ in 0..<2 {
        let share = Double(random.uniform())
        probes.append(Float(values[low].value + (high - values[low].value) * share))
      }
      for probe in probes where probe.isFinite && Double(probe) < beyond {
        let code = nearest(Double(probe), low)
        if format.encode(probe) != code { wrong += 1 }
        let negative = format.encode(-probe)
        let isNaN = format == .fp8e4m3 && code == overflow
        if negative != (isNaN ? code : code | 1 << UInt16(format.bits - 1)) { wrong += 1 }
      }
    }
    #expect(wrong == 0)
    for huge in [Float(beyond), .greatestFiniteMagnitude, .infinity]
    where huge.isInfinite || Double(huge) >= beyond {
      #expect(format.encode(huge) == overflow)
    }
    #expect(format.encode(.leastNonzeroMagnitude) == 0)
    #expect(format.encode(-.leastNonzeroMagnitude) == 1 << UInt16(format.bits - 1))
    #expect(format.encode(.signalingNaN) == format.nan)
  }

  #if !(os(macOS) && arch(x86_64))
    @Test func fp16IsTheFloat16OfSwift() {
      var random = SeededRandom(seed: 6)
      var wrong = 0
      for _ in 0..<50_000 {
        // All exponents around the range of FP16.
        let bits = UInt32(truncatingIfNeeded: random.next())
        let exponent = UInt32(95 + random.below(55))
        let value = Float(bitPattern: bits & 0x807F_FFFF | exponent << 23)
        if Format.fp16.encode(value) != Float16(value).bitPattern { wrong += 1 }
      }
      #expect(wrong == 0)
    }
  #endif

  @Test("products are exact, but for the range of FP32 in BF16", arguments: Format.allCases)
  func products(format: Format) {
    var random = SeededRandom(seed: 7)
    var wrong = 0
    var rounded = 0
    for _ in 0..<50_000 {
      let mask = UInt64(1) << UInt64(format.bits) - 1
      let a = UInt16(random.next() & mask)
      let b = UInt16(random.next() & mask)
      let exact = Double(format.decode(a)) * Double(format.decode(b))  // 16 to 22 bits: exact
      let product = format.product(a, b)
      if exact.isNaN {
        if !product.isNaN { wrong += 1 }
      } else if Double(product) != exact {
        rounded += 1
        if format != .bf16 || product.bitPattern != Float(exact).bitPattern { wrong += 1 }
      }
    }
    #expect(wrong == 0)
    #expect((rounded > 0) == (format == .bf16))
  }
}
