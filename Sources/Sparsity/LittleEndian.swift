/// A mask file that cannot be used.
public struct MaskError: Error, CustomStringConvertible, Equatable {
  /// The file.
  public let file: String
  /// The field.
  public let field: String
  /// What was found and what is allowed.
  public let problem: String

  /// File, field and problem.
  public var description: String { "\(file): \(field): \(problem)" }
}

/// Reads little-endian values from bytes that may be anything.
struct ByteReader {
  private let bytes: [UInt8]
  private let file: String
  private(set) var offset = 0

  init(_ bytes: [UInt8], file: String) {
    self.bytes = bytes
    self.file = file
  }

  var remaining: Int { bytes.count - offset }

  func error(_ field: String, _ problem: String) -> MaskError {
    MaskError(file: file, field: field, problem: problem)
  }

  mutating func bytes(_ count: Int, _ field: String) throws(MaskError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= remaining else {
      throw error(field, "needs \(count) bytes, the file has \(remaining) left")
    }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(
    _ type: Integer.Type, _ field: String
  ) throws(MaskError) -> Integer {
    var value: Integer = 0
    for (place, byte) in try bytes(Integer.bitWidth / 8, field).enumerated() {
      value |= Integer(byte) << Integer(8 * place)
    }
    return value
  }

  /// A 32-bit number within a range.
  mutating func count(_ field: String, in range: ClosedRange<Int>) throws(MaskError) -> Int {
    let value = Int(try integer(UInt32.self, field))
    guard range.contains(value) else {
      throw error(
        field, "\(value) is not allowed; \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  mutating func text(_ field: String) throws(MaskError) -> String {
    let length = try count(field + " length", in: 0...4096)
    guard let text = String(validating: try bytes(length, field), as: UTF8.self) else {
      throw error(field, "is not UTF-8")
    }
    return text
  }

  mutating func bits(_ count: Int, _ field: String) throws(MaskError) -> Bits {
    let words = (count + 63) / 64
    guard words <= remaining / 8 else {
      throw error(field, "needs \(words * 8) bytes, the file has \(remaining) left")
    }
    var values: [UInt64] = []
    values.reserveCapacity(words)
    for _ in 0..<words { values.append(try integer(UInt64.self, field)) }
    guard let bits = Bits(count: count, words: values) else {
      throw error(field, "has bits past the end set")
    }
    return bits
  }
}

/// Writes little-endian values.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  mutating func integer<Integer: FixedWidthInteger & UnsignedInteger>(_ value: Integer) {
    for place in 0..<Integer.bitWidth / 8 {
      bytes.append(UInt8(truncatingIfNeeded: value >> Integer(8 * place)))
    }
  }

  mutating func count(_ value: Int) { integer(UInt32(value)) }

  mutating func text(_ text: String) {
    count(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  mutating func bits(_ bits: Bits) {
    for word in bits.words { integer(word) }
  }

  mutating func append(_ more: [UInt8]) { bytes.append(contentsOf: more) }
}

/// FNV-1a, 64 bits.
func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
  bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
}
