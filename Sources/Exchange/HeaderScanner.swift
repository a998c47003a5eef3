// SPDX-License-Identifier: Apache-2.0
import Files

/// Reads the text headers of safetensors (JSON) and npy (a Python literal): braces, commas, whole
/// numbers, quoted text. What it returns is never longer than what it read.
struct HeaderScanner {
  private let bytes: ArraySlice<UInt8>
  private let file: String
  private var position: Int

  init(_ bytes: ArraySlice<UInt8>, file: String) {
    self.bytes = bytes
    self.file = file
    position = bytes.startIndex
  }

  func error(_ field: String, found value: String, allowed: String) -> InputError {
    InputError(file: file, field: field, value: value, allowed: allowed)
  }

  /// What comes next, for errors.
  var found: String {
    guard let byte = next else { return "the end of the header" }
    return (0x21..<0x7f).contains(byte)
      ? "'\(Character(UnicodeScalar(byte)))'" : "the byte \(byte)"
  }

  private var next: UInt8? { position < bytes.endIndex ? bytes[position] : nil }

  private mutating func skipSpaces() {
    while let byte = next, byte == 0x20 || (0x09...0x0d).contains(byte) { position += 1 }
  }

  /// Takes a character if it comes next.
  mutating func accept(_ character: Unicode.Scalar) -> Bool {
    skipSpaces()
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// Takes a character that must come next.
  mutating func expect(_ character: Unicode.Scalar, _ field: String) throws(InputError) {
    if !accept(character) { throw error(field, found: found, allowed: "'\(character)'") }
  }

  /// Takes the end of the header, after spaces.
  mutating func expectEnd(_ field: String) throws(InputError) {
    skipSpaces()
    if next != nil { throw error(field, found: found, allowed: "nothing more") }
  }

  /// Takes a word of letters.
  mutating func word(_ field: String) throws(InputError) -> String {
    skipSpaces()
    let start = position
    while let byte = next, (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) {
      position += 1
    }
    if start == position { throw error(field, found: found, allowed: "a word") }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  /// Takes `null` if it comes next.
  mutating func acceptsNull() throws(InputError) -> Bool {
    skipSpaces()
    guard next == UInt8(ascii: "n") else { return false }
    let word = try word("null")
    guard word == "null" else { throw error("value", found: word, allowed: "null") }
    return true
  }

  /// Passes over a value of JSON.
  mutating func skipValue(_ field: String, depth: Int = 0) throws(InputError) {
    guard depth < 64 else { throw error(field, found: "values in values", allowed: "64 at most") }
    skipSpaces()
    switch next {
    case UInt8(ascii: "\""): _ = try text(field)
    case UInt8(ascii: "["):
      _ = accept("[")
      if accept("]") { return }
      repeat { try skipValue(field, depth: depth + 1) } while accept(",")
      try expect("]", field)
    case UInt8(ascii: "{"):
      _ = accept("{")
      if accept("}") { return }
      repeat {
        _ = try text(field)
        try expect(":", field)
        try skipValue(field, depth: depth + 1)
      } while accept(",")
      try expect("}", field)
    default:
      // A number, true, false or null.
      let start = position
      while let byte = next, "+-.0123456789abcdefghijklmnopqrstuvwxyzE".utf8.contains(byte) {
        position += 1
      }
      if start == position { throw error(field, found: found, allowed: "a value") }
    }
  }

  /// Takes a whole number from 0 to 2^48.
  mutating func number(_ field: String) throws(InputError) -> Int {
    skipSpaces()
    var value = 0
    var digits = 0
    while let byte = next, (0x30...0x39).contains(byte) {
      value = value * 10 + Int(byte - 0x30)
      digits += 1
      position += 1
      guard value <= 1 << 48 else {
        throw error(field, found: "a number above 2^48", allowed: "0 to 2^48")
      }
    }
    if digits == 0 { throw error(field, found: found, allowed: "a whole number") }
    return value
  }

  /// Takes a list of whole numbers between two brackets; a comma may follow the last.
  ///
  /// - Parameter long: whether an `L` may follow a number, as in Python 2.
  mutating func numbers(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ field: String, long: Bool = false
  ) throws(InputError) -> [Int] {
    try expect(open, field)
    var values: [Int] = []
    while !accept(close) {
      values.append(try number(field))
      if long { _ = accept("L") }
      if !accept(",") {
        try expect(close, field)
        return values
      }
    }
    return values
  }

  /// Takes quoted text with the escapes of JSON.
  mutating func text(quote: Unicode.Scalar = "\"", _ field: String) throws(InputError) -> String {
    try expect(quote, field)
    var content: [UInt8] = []
    while let byte = next {
      position += 1
      switch byte {
      case UInt8(ascii: quote):
        guard let text = String(validating: content, as: UTF8.self) else {
          throw error(field, found: "bytes that are no UTF-8", allowed: "text")
        }
        return text
      case UInt8(ascii: "\\"): content += try escape(field)
      case ..<0x20: throw error(field, found: "the byte \(byte) in a text", allowed: "no controls")
      default: content.append(byte)
      }
    }
    throw error(field, found: "a text without an end", allowed: "a closing '\(quote)'")
  }

  /// Takes quoted text as Python writes it: in either kind of quotes, of Python 2 perhaps with a `u`.
  mutating func pythonText(_ field: String) throws(InputError) -> String {
    _ = accept("u")
    return try text(quote: next == UInt8(ascii: "\"") ? "\"" : "'", field)
  }

  private mutating func escape(_ field: String) throws(InputError) -> [UInt8] {
    let plain: [UInt8: UInt8] = [
      0x22: 0x22, 0x5c: 0x5c, 0x2f: 0x2f, 0x62: 0x08, 0x66: 0x0c, 0x6e: 0x0a, 0x72: 0x0d,
      0x74: 0x09,
    ]
    guard let byte = next else { return [] }
    position += 1
    if let byte = plain[byte] { return [byte] }
    guard byte == UInt8(ascii: "u") else {
      throw error(field, found: "an escape that JSON does not have", allowed: "\\n, \\u0041, …")
    }
    var unit = try codeUnit(field)
    if (0xd800..<0xdc00).contains(unit), accept("\\"), accept("u") {
      let low = try codeUnit(field)
      guard (0xdc00..<0xe000).contains(low) else {
        throw error(field, found: "half of a character", allowed: "two halves")
      }
      unit = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(unit) else {
      throw error(field, found: "half of a character", allowed: "two halves")
    }
    return Array(String(Character(scalar)).utf8)
  }

  private mutating func codeUnit(_ field: String) throws(InputError) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
        throw error(field, found: found, allowed: "four hexadecimal digits")
      }
      position += 1
      unit = unit << 4 | UInt32(digit)
    }
    return unit
  }
}
