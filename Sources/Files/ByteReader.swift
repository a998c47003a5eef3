// SPDX-License-Identifier: Apache-2.0
/// Reads little-endian values from bytes that may be anything.
///
/// Nothing is allocated for a size that the remaining bytes cannot fill.
package struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private let file: String
  private var position: Int

  package init(_ bytes: ArraySlice<UInt8>, file: String) {
    self.bytes = bytes
    self.file = file
    position = bytes.startIndex
  }

  /// Bytes not read yet.
  package var remaining: Int { bytes.endIndex - position }

  package func error(_ field: String, found value: String, allowed: String) -> InputError {
    InputError(file: file, field: field, value: value, allowed: allowed)
  }

  /// The next `count` bytes.
  package mutating func take(_ count: Int, _ field: String) throws(InputError) -> ArraySlice<UInt8>
  {
    guard count >= 0, count <= remaining else {
      throw error(field, found: "\(remaining) bytes left", allowed: "\(count) bytes")
    }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// An unsigned integer, lowest byte first.
  package mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(
    _ type: Integer.Type, _ field: String
  ) throws(InputError) -> Integer {
    var value: Integer = 0
    for byte in try take(Integer.bitWidth / 8, field).reversed() {
      value = value << 8 | Integer(byte)
    }
    return value
  }

  /// A 32-bit number within a range.
  package mutating func number(_ field: String, in range: ClosedRange<Int>) throws(InputError)
    -> Int
  {
    let value = Int(try integer(UInt32.self, field))
    guard range.contains(value) else {
      throw error(
        field, found: "\(value)", allowed: "\(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  /// A 64-bit fraction of one.
  package mutating func fraction(_ field: String) throws(InputError) -> Double {
    let value = Double(bitPattern: try integer(UInt64.self, field))
    guard (0...1).contains(value) else {
      throw error(field, found: "\(value)", allowed: "0 to 1")
    }
    return value
  }

  /// A length and as many bytes of UTF-8.
  package mutating func text(_ field: String) throws(InputError) -> String {
    let length = try number(field + " length", in: 0...4096)
    let encoded = try take(length, field)
    guard let text = String(validating: encoded, as: UTF8.self) else {
      throw error(field, found: "\(length) bytes that are no text", allowed: "UTF-8")
    }
    return text
  }
}
