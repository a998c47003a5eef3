// SPDX-License-Identifier: Apache-2.0
import Files

/// Reads a message of Protocol Buffers over a slice of a file, field by field. Nothing is copied, and
/// what a reader returns is never longer than what it read.
struct WireReader {
  /// The content of a field.
  enum Content {
    case number(UInt64)
    case fixed32(UInt32)
    case fixed64(UInt64)
    case bytes(ArraySlice<UInt8>)

    var kind: WireKind {
      switch self {
      case .number: .number
      case .fixed32: .fixed32
      case .fixed64: .fixed64
      case .bytes: .bytes
      }
    }
  }

  /// A field of a message.
  struct Field {
    let number: Int
    let content: Content
  }

  private let bytes: ArraySlice<UInt8>
  private var position: Int
  let file: String
  /// The message, for errors: `graph node 3`.
  let place: String

  init(_ bytes: ArraySlice<UInt8>, file: String, place: String) {
    self.bytes = bytes
    self.file = file
    self.place = place
    position = bytes.startIndex
  }

  func error(_ field: String = "", found value: String, allowed: String) -> InputError {
    let name = [place, field].filter { !$0.isEmpty }.joined(separator: " ")
    return InputError(file: file, field: name, value: value, allowed: allowed)
  }

  /// The next field; nil at the end.
  mutating func next() throws(InputError) -> Field? {
    if position == bytes.endIndex { return nil }
    let tag = try varint()
    let number = Int(truncatingIfNeeded: tag >> 3)
    guard tag <= UInt64(UInt32.max), number > 0 else {
      throw error(found: "a field of number \(tag >> 3)", allowed: "1 to \(UInt32.max >> 3)")
    }
    switch WireKind(rawValue: Int(tag & 7)) {
    case .number: return Field(number: number, content: .number(try varint()))
    case .fixed64: return Field(number: number, content: .fixed64(try word(8)))
    case .fixed32: return Field(number: number, content: .fixed32(UInt32(try word(4))))
    case .bytes:
      let length = try varint()
      guard length <= UInt64(bytes.endIndex - position) else {
        throw error(
          "field \(number)", found: "\(length) bytes",
          allowed: "at most the \(bytes.endIndex - position) that follow")
      }
      let end = position + Int(length)
      defer { position = end }
      return Field(number: number, content: .bytes(bytes[position..<end]))
    case nil:
      throw error("field \(number)", found: "the wire type \(tag & 7)", allowed: "0, 1, 2 or 5")
    }
  }

  /// A number of at most ten bytes, the tenth of which has one bit.
  mutating func varint() throws(InputError) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<10 {
      guard position < bytes.endIndex else {
        throw error(found: "a number that is cut off", allowed: "a whole one")
      }
      let byte = bytes[position]
      position += 1
      if index == 9 && byte > 1 { break }
      value |= UInt64(byte & 0x7f) << UInt64(7 * index)
      if byte < 0x80 { return value }
    }
    throw error(found: "a number of more than 64 bits", allowed: "at most ten bytes")
  }

  private mutating func word(_ count: Int) throws(InputError) -> UInt64 {
    guard bytes.endIndex - position >= count else {
      throw error(found: "a number that is cut off", allowed: "\(count) bytes")
    }
    var value: UInt64 = 0
    for place in 0..<count { value |= UInt64(bytes[position + place]) << UInt64(8 * place) }
    position += count
    return value
  }

  /// Whether all is read.
  var isAtEnd: Bool { position == bytes.endIndex }
}

extension WireReader {
  /// The content as a signed number.
  func number(_ field: Field, _ name: String) throws(InputError) -> Int {
    guard case .number(let value) = field.content else { throw misfit(field, name, .number) }
    return Int(truncatingIfNeeded: value)
  }

  func slice(_ field: Field, _ name: String) throws(InputError) -> ArraySlice<UInt8> {
    guard case .bytes(let value) = field.content else { throw misfit(field, name, .bytes) }
    return value
  }

  /// The content as text.
  func text(_ field: Field, _ name: String) throws(InputError) -> String {
    guard let text = String(validating: try slice(field, name), as: UTF8.self) else {
      throw error(name, found: "bytes that are no UTF-8", allowed: "text")
    }
    return text
  }

  func float(_ field: Field, _ name: String) throws(InputError) -> Float {
    guard case .fixed32(let bits) = field.content else { throw misfit(field, name, .fixed32) }
    return Float(bitPattern: bits)
  }

  /// A message within the message.
  func message(_ field: Field, _ place: String) throws(InputError) -> WireReader {
    WireReader(try slice(field, place), file: file, place: place)
  }

  /// The numbers of a repeated field, which may come alone or packed.
  func numbers(_ field: Field, _ name: String) throws(InputError) -> [Int] {
    if case .bytes(let slice) = field.content {
      var inner = WireReader(slice, file: file, place: place + " " + name)
      var values: [Int] = []
      while !inner.isAtEnd { values.append(Int(truncatingIfNeeded: try inner.varint())) }
      return values
    }
    return [try number(field, name)]
  }

  /// The floats of a repeated field, which may come alone or packed.
  func floats(_ field: Field, _ name: String) throws(InputError) -> [Float] {
    guard case .bytes(let slice) = field.content else { return [try float(field, name)] }
    guard slice.count % 4 == 0 else {
      throw error(name, found: "\(slice.count) bytes", allowed: "four for each number")
    }
    return slice.indices.filter { ($0 - slice.startIndex) % 4 == 0 }.map { first in
      Float(
        bitPattern: (0..<4).reduce(0) { $0 | UInt32(slice[first + $1]) << UInt32(8 * $1) })
    }
  }

  private func misfit(_ field: Field, _ name: String, _ kind: WireKind) -> InputError {
    error(name, found: "the wire type \(field.content.kind.rawValue)", allowed: "\(kind.rawValue)")
  }
}
