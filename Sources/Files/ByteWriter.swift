// SPDX-License-Identifier: Apache-2.0
/// Writes what `ByteReader` reads.
package struct ByteWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  /// Bytes as they are.
  package mutating func append(_ more: some Sequence<UInt8>) { bytes.append(contentsOf: more) }

  /// An unsigned integer, lowest byte first.
  package mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(_ value: Integer) {
    for place in 0..<Integer.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: value >> Integer(8 * place)))
    }
  }

  /// A 32-bit number.
  package mutating func number(_ value: Int) {
    precondition(UInt32(exactly: value) != nil, "\(value) does not fit 32 bits")
    integer(UInt32(value))
  }

  /// A 64-bit fraction of one.
  package mutating func fraction(_ value: Double) {
    precondition((0...1).contains(value), "\(value) is no fraction of one")
    integer(value.bitPattern)
  }

  /// A length and as many bytes of UTF-8, at most 4096.
  package mutating func text(_ text: String) {
    precondition(text.utf8.count <= 4096, "a name of \(text.utf8.count) bytes")
    number(text.utf8.count)
    append(text.utf8)
  }
}

/// The checksum FNV-1a of 64 bits (Fowler, Noll, Vo). Each step is a bijection of the state, so one
/// changed byte always changes the sum.
public func checksum(_ bytes: some Sequence<UInt8>) -> UInt64 {
  var sum: UInt64 = 0xcbf2_9ce4_8422_2325
  for byte in bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01b3 }
  return sum
}
