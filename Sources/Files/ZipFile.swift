// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A zip file whose members are stored or deflated, read in memory: what `numpy.savez` writes.
///
/// Format: APPNOTE.TXT of PKWARE, without encryption, several disks and sizes of 4 GiB and more.
package struct ZipFile: Sendable {
  /// A file in the file.
  package struct Member: Sendable {
    package let name: String
    /// Bytes after decompression, by the directory.
    package let byteCount: Int
    fileprivate let isDeflated: Bool
    fileprivate let checksum: UInt32
    fileprivate let bytes: Range<Int>
  }

  /// Deflate shrinks 1,032 times at most.
  private static let mostShrinking = 1032

  package let file: String
  package let members: [Member]
  private let content: [UInt8]

  /// Reads and checks the directory.
  ///
  /// - Throws: `InputError` naming the file and the field.
  package init(_ data: Data, file: String) throws(InputError) {
    self.file = file
    content = [UInt8](data)
    let reader = Reader(bytes: content, file: file)
    members = try reader.members()
    var end = 0
    for member in members.sorted(by: { $0.bytes.lowerBound < $1.bytes.lowerBound }) {
      guard member.bytes.lowerBound >= end else {
        throw InputError(
          file: file, field: "member '\(member.name)' offset", value: "\(member.bytes.lowerBound)",
          allowed: "\(end) or more, where the member before it ends")
      }
      end = member.bytes.upperBound
    }
  }

  /// The content of a member.
  ///
  /// - Throws: `InputError` for damaged data.
  package func bytes(of member: Member) throws(InputError) -> [UInt8] {
    let packed = content[member.bytes]
    let result: [UInt8]
    if member.isDeflated {
      do throws(Inflate.Fault) {
        result = try Inflate.bytes(packed, count: member.byteCount)
      } catch {
        throw InputError(
          file: file, field: "member '\(member.name)' data", value: error.found,
          allowed: "deflated data of \(member.byteCount) bytes")
      }
    } else {
      result = Array(packed)
    }
    let found = crc32(result)
    guard found == member.checksum else {
      throw InputError(
        file: file, field: "member '\(member.name)' checksum",
        value: String(member.checksum, radix: 16),
        allowed: String(found, radix: 16) + " for these bytes")
    }
    return result
  }

  /// The bytes of a file with these members, stored. The same members give the same bytes.
  package static func encoded(_ members: [(name: String, bytes: Data)]) -> Data {
    var data = Data()
    var directory = Data()
    precondition(members.count < 0xffff, "\(members.count) members of a zip file")
    func common(_ name: String, _ bytes: Data) -> Data {
      // Version 2.0, names in UTF-8, stored, 1 January 1980.
      var part = Data()
      for word in [20, 1 << 11, 0, 0, 0x21] { part.append(word, bytes: 2) }
      part.append(Int(crc32(bytes)), bytes: 4)
      for size in [bytes.count, bytes.count] { part.append(size, bytes: 4) }
      for size in [name.utf8.count, 0] { part.append(size, bytes: 2) }
      return part
    }
    for (name, bytes) in members {
      let offset = data.count
      precondition(offset + bytes.count < 0xffff_0000, "a zip file of 4 GiB or more")
      data.append(Reader.localMark, bytes: 4)
      data.append(common(name, bytes))
      data.append(contentsOf: name.utf8)
      data.append(bytes)
      directory.append(Reader.entryMark, bytes: 4)
      directory.append(20, bytes: 2)
      directory.append(common(name, bytes))
      for word in [0, 0, 0] { directory.append(word, bytes: 2) }
      for word in [0, offset] { directory.append(word, bytes: 4) }
      directory.append(contentsOf: name.utf8)
    }
    let start = data.count
    data.append(directory)
    data.append(Reader.endMark, bytes: 4)
    for word in [0, 0, members.count, members.count] { data.append(word, bytes: 2) }
    for word in [directory.count, start] { data.append(word, bytes: 4) }
    data.append(0, bytes: 2)
    return data
  }

  /// Finds the members by the directory at the end of the file.
  private struct Reader {
    static let localMark = 0x0403_4b50
    static let entryMark = 0x0201_4b50
    static let endMark = 0x0605_4b50
    private static let endLength = 22
    private static let entryLength = 46
    private static let localLength = 30

    let bytes: [UInt8]
    let file: String

    func error(_ field: String, _ value: String, _ allowed: String) -> InputError {
      InputError(file: file, field: field, value: value, allowed: allowed)
    }

    private func number(_ offset: Int, _ width: Int) -> Int {
      var value = 0
      for place in 0..<width { value |= Int(bytes[offset + place]) << (8 * place) }
      return value
    }

    /// The offset of the directory's end record: its comment reaches to the end of the file.
    private func end() throws(InputError) -> Int {
      var offset = bytes.count - Self.endLength
      let first = max(0, offset - 0xffff)
      while offset >= first {
        if number(offset, 4) == Self.endMark,
          offset + Self.endLength + number(offset + 20, 2) == bytes.count
        {
          return offset
        }
        offset -= 1
      }
      throw error("end of the directory", "none", "a zip file that is whole")
    }

    func members() throws(InputError) -> [Member] {
      let end = try end()
      guard number(end + 4, 2) == 0, number(end + 6, 2) == 0 else {
        throw error("disk", "\(number(end + 4, 2))", "0: a file of one part")
      }
      let count = number(end + 10, 2)
      let length = number(end + 12, 4)
      var offset = number(end + 16, 4)
      guard count == number(end + 8, 2), offset + length == end,
        count * Self.entryLength <= length
      else {
        throw error(
          "directory", "\(count) members in \(length) bytes at \(offset)",
          "what ends at \(end), below 4 GiB")
      }
      let directory = offset..<end
      var names = Set<String>()
      var members: [Member] = []
      for index in 0..<count {
        let member = try self.member(&offset, directory, index: index)
        if !names.insert(member.name).inserted {
          throw error("member '\(member.name)'", "the name twice", "unique names")
        }
        members.append(member)
      }
      guard offset == directory.upperBound else {
        throw error("directory", "\(directory.upperBound - offset) bytes more", "none")
      }
      return members
    }

    private func member(_ offset: inout Int, _ directory: Range<Int>, index: Int)
      throws(InputError) -> Member
    {
      let start = offset
      guard start + Self.entryLength <= directory.upperBound, number(start, 4) == Self.entryMark
      else { throw error("member \(index)", "no entry of the directory", "one") }
      let nameLength = number(start + 28, 2)
      offset += Self.entryLength + nameLength + number(start + 30, 2) + number(start + 32, 2)
      guard offset <= directory.upperBound else {
        throw error("member \(index)", "an entry beyond the directory", "one inside it")
      }
      let nameStart = start + Self.entryLength
      let name = try self.name(bytes[nameStart..<nameStart + nameLength], index: index)
      let field = "member '\(name)'"
      let method = number(start + 10, 2)
      guard method == 0 || method == 8 else {
        throw error(field + " method", "\(method)", "0 (stored) or 8 (deflated)")
      }
      guard number(start + 8, 2) & 1 == 0 else {
        throw error(field, "encrypted data", "none")
      }
      let packed = number(start + 20, 4)
      let size = number(start + 24, 4)
      let local = number(start + 42, 4)
      guard local + Self.localLength <= directory.lowerBound,
        number(local, 4) == Self.localMark
      else { throw error(field + " offset", "\(local)", "where the member starts") }
      let data = local + Self.localLength + number(local + 26, 2) + number(local + 28, 2)
      guard data + packed <= directory.lowerBound else {
        throw error(field + " length", "\(packed)", "the bytes before the directory")
      }
      let localName = local + Self.localLength
      guard number(local + 26, 2) == nameLength,
        bytes[localName..<localName + nameLength] == bytes[nameStart..<nameStart + nameLength]
      else { throw error(field, "another name where it starts", "the same") }
      guard method == 8 ? size <= (packed + 1) * ZipFile.mostShrinking : size == packed else {
        throw error(field + " length", "\(size) bytes from \(packed)", "what these can hold")
      }
      return Member(
        name: name, byteCount: size, isDeflated: method == 8,
        checksum: UInt32(number(start + 16, 4)), bytes: data..<data + packed)
    }

    /// A relative path that stays where it is; that of a folder ends with a slash.
    private func name(_ raw: ArraySlice<UInt8>, index: Int) throws(InputError) -> String {
      let slash = UInt8(ascii: "/")
      let path = raw.last == slash ? raw.dropLast() : raw
      let parts = path.split(separator: slash, omittingEmptySubsequences: false)
      guard let name = String(validating: raw, as: UTF8.self),
        !raw.contains(where: { $0 < 0x20 || $0 == UInt8(ascii: "\\") }),
        !parts.contains(where: { $0.isEmpty || $0.allSatisfy { $0 == UInt8(ascii: ".") } })
      else {
        throw error(
          "member \(index) name", String(decoding: raw, as: UTF8.self),
          "a relative path without ., .. and \\")
      }
      return name
    }
  }
}

extension Data {
  /// Appends the lowest bytes of a number, lowest first.
  fileprivate mutating func append(_ number: Int, bytes: Int) {
    for place in 0..<bytes { append(UInt8(truncatingIfNeeded: number >> (8 * place))) }
  }
}
