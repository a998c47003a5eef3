// SPDX-License-Identifier: Apache-2.0
import Processor

/// Bits that a bench reads as one hexadecimal number: fields from the least significant on.
struct HexNumber {
  private var digits: [UInt8] = []
  /// Bits of a digit that is not complete.
  private var rest: UInt64 = 0
  private var restBits = 0

  private static let characters = Array("0123456789abcdef".utf8)

  /// Nothing.
  init() {}

  /// Fields of one width.
  init(_ values: some Sequence<UInt64>, width: Int) {
    for value in values { append(value, width: width) }
  }

  /// Appends the low `width` bits of a field, at most 60.
  mutating func append(_ value: UInt64, width: Int) {
    if width > 60 {
      append(value, width: 32)
      append(value >> 32, width: width - 32)
      return
    }
    rest |= (value & (1 << UInt64(width) - 1)) << UInt64(restBits)
    restBits += width
    while restBits >= 4 {
      digits.append(Self.characters[Int(rest & 15)])
      rest >>= 4
      restBits -= 4
    }
  }

  /// The number, most significant digit first.
  var text: String {
    let last = restBits > 0 ? [Self.characters[Int(rest & 15)]] : []
    return String(decoding: last + digits.reversed(), as: UTF8.self)
  }
}

/// A number in hexadecimal digits.
func hex(_ value: some BinaryInteger) -> String { String(value, radix: 16) }

/// A number in as many hexadecimal digits.
func hex(_ value: some BinaryInteger, digits: Int) -> String {
  let text = hex(value)
  return String(repeating: "0", count: max(0, digits - text.count)) + text
}
