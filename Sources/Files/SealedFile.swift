// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The form of our own binary files: 8 letters that name the kind, a little-endian 32-bit version, the
/// content, and the checksum of all before it (`wordChecksum`, little-endian).
package struct SealedFile: Sendable {
  private let kind: [UInt8]
  /// What the file is, for errors: "a checkpoint".
  private let noun: String

  private static let checksumBytes = 8
  private static let headBytes = 12

  /// A kind of file.
  package init(kind: StaticString, noun: String) {
    self.kind = Array("\(kind)".utf8)
    self.noun = noun
    precondition(self.kind.count == 8, "eight letters name a kind of file")
  }

  /// The whole file.
  package func encoded(version: UInt32, _ content: Data) -> Data {
    var data = Data(kind)
    data.append(littleEndian: version)
    data.append(content)
    data.append(littleEndian: wordChecksum(data))
    return data
  }

  /// The version of a file and its content, once the checksum has been found right.
  ///
  /// - Parameters:
  ///   - versions: those that can be read.
  ///   - file: for errors.
  ///   - checksum: of all bytes before it in a file of a version.
  /// - Throws: `InputError` for a file of another kind or version, and for a damaged one.
  package func content(
    of data: Data, versions: ClosedRange<UInt32>, file: String,
    checksum: (UInt32, Data) -> UInt64 = { wordChecksum($1) }
  ) throws(InputError) -> (version: UInt32, content: Data) {
    func error(_ field: String, _ value: String, _ allowed: String) -> InputError {
      InputError(file: file, field: field, value: value, allowed: allowed)
    }
    guard data.starts(with: kind) else {
      throw error(
        "first bytes", "\(Array(data.prefix(kind.count)))",
        "\(String(decoding: kind, as: UTF8.self)), as in every file of \(noun)")
    }
    guard data.count >= Self.headBytes + Self.checksumBytes else {
      throw error("file", "\(data.count) bytes", "a whole file of \(noun)")
    }
    let version: UInt32 = data.littleEndian(at: 8)
    let found: UInt64 = data.littleEndian(at: data.count - Self.checksumBytes)
    let expected = checksum(version, data.dropLast(Self.checksumBytes))
    guard found == expected || !versions.contains(version) else {
      throw error(
        "checksum", String(found, radix: 16),
        String(expected, radix: 16) + " for a file that is whole and unchanged")
    }
    guard versions.contains(version) else {
      throw error("version", "\(version)", "\(versions.lowerBound) to \(versions.upperBound)")
    }
    return (version, data.dropFirst(Self.headBytes).dropLast(Self.checksumBytes))
  }
}

/// FNV-1a over 64-bit words (the last one padded with zeros): quick enough for files of hundreds of
/// megabytes, and any flipped bit changes it.
package func wordChecksum(_ data: some ContiguousBytes) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  data.withUnsafeBytes { bytes in
    var offset = 0
    while offset + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      hash = (hash ^ word) &* 0x100_0000_01b3
      offset += 8
    }
    var last: UInt64 = 0
    for index in offset..<bytes.count { last |= UInt64(bytes[index]) << (8 * (index - offset)) }
    hash = (hash ^ last) &* 0x100_0000_01b3
    hash = (hash ^ UInt64(bytes.count)) &* 0x100_0000_01b3
  }
  return hash
}

extension Data {
  /// A number that starts at a byte, counted from the first one.
  package func littleEndian<Integer: FixedWidthInteger>(at offset: Int) -> Integer {
    withUnsafeBytes {
      Integer(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }
  }

  /// Appends a number.
  package mutating func append(littleEndian value: some FixedWidthInteger) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}
