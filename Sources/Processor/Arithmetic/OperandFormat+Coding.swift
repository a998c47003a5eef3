// SPDX-License-Identifier: Apache-2.0
/// What the multiplier and the adder compute.
///
/// Operands are rounded from FP32 once, to the nearest value of the format and on a tie to the one
/// whose last fraction bit is 0. The rule for overflow is the same in all formats, the
/// non-saturating one of the OCP 8-bit floating point specification: what rounds beyond the largest
/// finite value becomes an infinity, in FP8 E4M3, which has none, the NaN. Every NaN becomes the one
/// canonical NaN of the format.
///
/// A product of two decoded operands is that of FP32. It is exact in FP16 and both FP8 formats; in
/// BF16 its significand is exact too (8 by 8 bits are 16), and what leaves the range of FP32 is
/// rounded to nearest, to subnormals or to an infinity. Sums are FP32, rounded to nearest, ties to
/// even, with subnormals.
extension HardwareDescription.OperandFormat {
  /// Fraction bits of a code.
  public var fractionBits: Int {
    switch self {
    case .bf16: 7
    case .fp16: 10
    case .fp8e4m3: 3
    case .fp8e5m2: 2
    }
  }

  /// Exponent bits of a code.
  public var exponentBits: Int { bits - 1 - fractionBits }

  /// What is added to an exponent to store it.
  var bias: Int { 1 << (exponentBits - 1) - 1 }

  /// The code of the largest finite value.
  var largestFinite: UInt16 { self == .fp8e4m3 ? 0x7E : infinity - 1 }

  /// The code of the canonical NaN.
  var nan: UInt16 { self == .fp8e4m3 ? 0x7F : infinity | 1 << UInt16(fractionBits - 1) }

  /// The code with all exponent bits set and no fraction: infinity, but for FP8 E4M3.
  private var infinity: UInt16 { (1 << UInt16(exponentBits) - 1) << UInt16(fractionBits) }

  private var sign: UInt16 { 1 << UInt16(bits - 1) }

  /// The code of a value, rounded to nearest even, in the low `bits` bits.
  public func encode(_ value: Float) -> UInt16 {
    if value.isNaN { return nan }
    let sign = value.sign == .minus ? self.sign : 0
    let beyond = self == .fp8e4m3 ? nan : sign | infinity
    if value.isInfinite { return beyond }
    let exponentField = Int(value.exponentBitPattern)
    let hidden: UInt32 = exponentField == 0 ? 0 : 1 << 23
    let significand = value.significandBitPattern | hidden
    let exponent = max(exponentField, 1) - 127
    let least = 1 - bias
    // The last place of the result is worth 2^(stored - fractionBits), that of `significand`
    // 2^(exponent - 23).
    let stored = max(exponent, least)
    let shift = stored - exponent + 23 - fractionBits
    if shift > 24 { return sign }  // less than half of the smallest subnormal
    let odd = significand >> UInt32(shift) & 1
    let rounded = (significand + (1 << UInt32(shift - 1) - 1) + odd) >> UInt32(shift)
    // A hidden bit, and a carry out of the fraction, step the exponent field by themselves.
    let magnitude = (stored - least) << fractionBits + Int(rounded)
    return magnitude > Int(largestFinite) ? beyond : sign | UInt16(magnitude)
  }

  /// The value of a code, exactly.
  public func decode(_ code: UInt16) -> Float {
    let magnitude = code & (sign - 1)
    if magnitude > largestFinite {
      if magnitude != infinity || self == .fp8e4m3 { return .nan }
      return code & sign == 0 ? .infinity : -.infinity
    }
    let fraction = magnitude & (1 << UInt16(fractionBits) - 1)
    let field = Int(magnitude >> UInt16(fractionBits))
    // A subnormal has the exponent of field 1 and no hidden bit.
    let significand = Float(field == 0 ? fraction : fraction | 1 << UInt16(fractionBits))
    let exponent = max(field, 1) - bias - fractionBits
    // Scaling by two factors, as 2^exponent alone may be below the normal numbers.
    let value = significand * Self.power(exponent / 2) * Self.power(exponent - exponent / 2)
    return code & sign == 0 ? value : -value
  }

  private static func power(_ exponent: Int) -> Float {
    Float(sign: .plus, exponentBitPattern: UInt(exponent + 127), significandBitPattern: 0)
  }

  /// The product of two codes, in FP32.
  public func product(_ first: UInt16, _ second: UInt16) -> Float {
    decode(first) * decode(second)
  }

  /// The value rounded to the format.
  public func rounded(_ value: Float) -> Float { decode(encode(value)) }
}

extension Float {
  /// The value with the one NaN that the machine writes, 0x7FC00000.
  var canonical: Float { isNaN ? .nan : self }
}
