// SPDX-License-Identifier: Apache-2.0

import Foundation
import Tensor

extension ONNXGraph.Element {
  /// Whether values are floats.
  var isFloat: Bool { [.float32, .float16, .bfloat16, .float64].contains(self) }

  /// A number as near to this one as a float of the type comes.
  func rounded(_ value: Double) -> Double {
    switch self {
    case .float32: return Double(Float(value))
    case .float16: return Double(Float16(value))
    case .bfloat16:
      let bits = Float(value).bitPattern
      // Half of the last place, less one where that place is even.
      let nearest = value.isNaN ? bits : bits &+ 0x7fff &+ (bits >> 16 & 1)
      return Double(Float(bitPattern: nearest & 0xffff_0000))
    default: return value
    }
  }

  /// The whole numbers of the type; nil for floats.
  var integerRange: ClosedRange<Int>? {
    switch self {
    case .uint4: 0...15
    case .int4: -8...7
    case .uint8: 0...255
    case .int8: -128...127
    case .uint16: 0...65535
    case .int16: -32768...32767
    case .uint32: 0...4_294_967_295
    case .int32: -2_147_483_648...2_147_483_647
    case .bool: 0...1
    // The upper half of uint64 does not fit; no layer needs it.
    case .int64, .uint64: Int.min...Int.max
    case .float32, .float16, .bfloat16, .float64: nil
    }
  }

  /// A whole number with the bits that the type keeps.
  func wrapped(_ value: Int) -> Int {
    switch self {
    case .uint4: value & 15
    case .int4: (value & 15 ^ 8) - 8
    case .uint8: Int(UInt8(truncatingIfNeeded: value))
    case .int8: Int(Int8(truncatingIfNeeded: value))
    case .uint16: Int(UInt16(truncatingIfNeeded: value))
    case .int16: Int(Int16(truncatingIfNeeded: value))
    case .uint32: Int(UInt32(truncatingIfNeeded: value))
    case .int32: Int(Int32(truncatingIfNeeded: value))
    case .bool: value == 0 ? 0 : 1
    default: value
    }
  }
}

extension ONNXGraph.Constant {
  /// Number of values.
  var count: Int { shape.reduce(1, *) }

  /// The values of a type of floats as floats; nil for other types and where they are missing.
  var floats: [Float]? {
    if missing != nil { return nil }
    return switch element {
    case .float32: Data(bytes).floats
    case .float16: Data(bytes).words(bytes: 2).map { float(half: UInt16($0)) }
    case .bfloat16: Data(bytes).words(bytes: 2).map { Float(bitPattern: UInt32($0) << 16) }
    case .float64: Data(bytes).words(bytes: 8).map { Float(Double(bitPattern: $0)) }
    default: nil
    }
  }

  /// The values of a type of whole numbers; none for other types and where they are missing.
  var integers: [Int] {
    guard missing == nil, let element, !element.isFloat else { return [] }
    if element == .int4 || element == .uint4 {
      let nibbles = bytes.flatMap { [Int($0 & 15), Int($0 >> 4)] }
      return nibbles.prefix(count).map(element.wrapped)
    }
    return Data(bytes).words(bytes: element.byteCount).map {
      element.wrapped(Int(truncatingIfNeeded: $0))
    }
  }
}
