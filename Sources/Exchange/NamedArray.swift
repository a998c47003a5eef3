// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// Values with a name and a shape, the last axis fastest.
public struct NamedArray: Sendable, Equatable {
  /// For example `layer1.0.conv1.weight`.
  public var name: String
  /// Sizes of the axes; none for a single value.
  public var shape: [Int]
  /// As many as the product of the shape.
  public var values: [Float]

  /// An array.
  public init(name: String, shape: [Int], values: [Float]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values for \(shape)")
    self.name = name
    self.shape = shape
    self.values = values
  }
}

/// The product of sizes that come from a file; nil where it is above 2^48.
func elementCount(_ shape: [Int]) -> Int? {
  var product = 1
  for size in shape {
    let (count, overflow) = product.multipliedReportingOverflow(by: size)
    guard !overflow, count <= 1 << 48 else { return nil }
    product = count
  }
  return product
}

/// The value of the 16 bits of an IEEE half.
func float(half bits: UInt16) -> Float {
  let sign = UInt32(bits & 0x8000) << 16
  let exponent = UInt32(bits >> 10 & 0x1f)
  let fraction = UInt32(bits & 0x3ff)
  switch exponent {
  case 0:
    let magnitude = Float(fraction) * 0x1p-24
    return sign == 0 ? magnitude : -magnitude
  case 31: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
  default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
  }
}

extension Data {
  /// Unsigned numbers of `bytes` bytes each, lowest byte first unless `bigEndian`.
  func words(bytes width: Int, bigEndian: Bool = false) -> [UInt64] {
    let all = [UInt8](self)
    return (0..<all.count / width).map { index in
      var word: UInt64 = 0
      for place in 0..<width {
        let byte = all[index * width + (bigEndian ? place : width - 1 - place)]
        word = word << 8 | UInt64(byte)
      }
      return word
    }
  }

  /// Little-endian 32-bit floats.
  var floats: [Float] {
    let tensor = Tensor(count: count / 4)
    tensor.store(bytes: self)
    return tensor.array()
  }
}
