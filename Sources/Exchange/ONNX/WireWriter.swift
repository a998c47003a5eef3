// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Writes a message of Protocol Buffers, field by field: https://protobuf.dev/programming-guides/encoding.
///
/// Only what ONNX and TensorBoard need: numbers, floats, bytes, messages within messages.
struct WireWriter {
  private(set) var data = Data()

  /// A number; negative ones take ten bytes, as the format has it.
  mutating func number(_ field: Int, _ value: Int) {
    tag(field, .number)
    varint(UInt64(bitPattern: Int64(value)))
  }

  mutating func float(_ field: Int, _ value: Float) {
    tag(field, .fixed32)
    word(UInt64(value.bitPattern), bytes: 4)
  }

  mutating func double(_ field: Int, _ value: Double) {
    tag(field, .fixed64)
    word(value.bitPattern, bytes: 8)
  }

  mutating func bytes(_ field: Int, _ value: Data) {
    tag(field, .bytes)
    varint(UInt64(value.count))
    data.append(value)
  }

  mutating func text(_ field: Int, _ value: String) { bytes(field, Data(value.utf8)) }

  mutating func message(_ field: Int, _ build: (inout WireWriter) -> Void) {
    var inner = WireWriter()
    build(&inner)
    bytes(field, inner.data)
  }

  /// Numbers one behind the other under one tag.
  mutating func packed(_ field: Int, _ values: [Int]) {
    var inner = WireWriter()
    for value in values { inner.varint(UInt64(bitPattern: Int64(value))) }
    bytes(field, inner.data)
  }

  mutating func packed(_ field: Int, _ values: [Double]) {
    var inner = WireWriter()
    for value in values { inner.word(value.bitPattern, bytes: 8) }
    bytes(field, inner.data)
  }

  private mutating func tag(_ field: Int, _ kind: WireKind) {
    varint(UInt64(field) << 3 | UInt64(kind.rawValue))
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      data.append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    data.append(UInt8(rest))
  }

  private mutating func word(_ value: UInt64, bytes: Int) {
    for place in 0..<bytes { data.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * place))) }
  }
}

/// How the content of a field is written; groups (3 and 4) have long been out of use.
enum WireKind: Int {
  case number = 0
  case fixed64 = 1
  case bytes = 2
  case fixed32 = 5
}
