// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Floating-point formats of 8 bits (OCP 8-bit floating point specification), for what is stored with
/// a scale.
public enum EightBitFormat: String, Codable, Sendable, CaseIterable {
  /// 4 exponent bits, 3 fraction bits; up to 448, no infinities.
  case fp8e4m3 = "fp8-e4m3"
  /// 5 exponent bits, 2 fraction bits; up to 57344.
  case fp8e5m2 = "fp8-e5m2"

  var fractionBits: Int32 { self == .fp8e4m3 ? 3 : 2 }
  /// The exponent of the smallest normal value; values below it have the same last place.
  var leastExponent: Int32 { self == .fp8e4m3 ? -6 : -14 }
  /// The exponent of the largest value, which is 1.75 times that power of two in both formats.
  private var largestExponent: Int32 { self == .fp8e4m3 ? 8 : 15 }
  var largest: Float { 1.75 * Float(1 << largestExponent) }

  /// The largest exponent whose power of two scales a value of these bits to at most `largest`; nil for
  /// what is no finite number, zero, or too small for a scale to matter.
  func scaleExponent(ofLargest bits: Int32) -> Int32? {
    let exponentBits = bits >> 23
    guard (1..<255).contains(exponentBits) else { return nil }
    let exponent = largestExponent - (exponentBits - 127)
    let isAbove = bits & 0x7f_ffff > 0x60_0000
    return min(exponent - (isAbove ? 1 : 0), 126)
  }
}

/// What has one scale.
public enum ScaleUnit: Sendable {
  /// Each channel, over the batch.
  case channel
  /// The map of the batch.
  case tensor
}

extension Engine {
  /// Rounds the values of a map to what an 8-bit format holds with a scale.
  ///
  /// The scale is the largest power of two that takes no value of the batch out of the format's range.
  /// Values are rounded to nearest, ties to even. What has no finite largest value stays as it is, so
  /// that a diverged training is noticed.
  public func round(
    _ tensor: Tensor, to format: EightBitFormat, scale: ScaleUnit, map: MapShape, images: Int
  ) {
    check(tensor, map, images: images)
    onFloats(.write(tensor, map, adds: true), images: images) { floats in
      var bits = largestBits(floats, map: map, images: images)
      if scale == .tensor {
        bits = [Int32](repeating: bits.max() ?? 0, count: map.channels)
      }
      let exponents = bits.map { format.scaleExponent(ofLargest: $0) ?? .min }
      exponents.withUnsafeBufferPointer { exponents in
        run(
          ck_round_args(
            planes: planes(map, images: images), values: floats.pointer,
            exponents: exponents.baseAddress, largest: format.largest,
            fraction_bits: format.fractionBits, least_exponent: format.leastExponent),
          kernels.table.pointee.round)
      }
    }
  }

  /// The bits of the largest magnitude of each channel of a map of floats, over the batch's images;
  /// those of infinity and NaN are above all others.
  func largestBits(_ floats: Tensor, map: MapShape, images: Int) -> [Int32] {
    var bits = [Int32](repeating: 0, count: map.channels)
    bits.withUnsafeMutableBufferPointer { buffer in
      run(
        ck_largest_args(
          planes: planes(map, images: images), input: floats.pointer, bits: buffer.baseAddress),
        kernels.table.pointee.largest)
    }
    return bits
  }
}
