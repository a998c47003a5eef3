// SPDX-License-Identifier: Apache-2.0
import Foundation
import HostileFiles
import Testing

@testable import Files

@Suite("Zip files")
struct ZipFileTests {
  /// Every content of every member.
  private func readAll(_ data: Data) throws(InputError) {
    let zip = try ZipFile(data, file: "test")
    for member in zip.members {
      let bytes = try zip.bytes(of: member)
      // Deflate cannot shrink more.
      #expect(bytes.count <= 1033 * data.count)
    }
  }

  private func encoded(_ members: [(String, String)]) -> Data {
    ZipFile.encoded(members.map { ($0.0, Data($0.1.utf8)) })
  }

  private func error(_ data: Data) -> InputError? {
    #expect(throws: InputError.self) { try readAll(data) }
  }

  /// The file with bytes of its directory changed, found from the end.
  private func changed(_ data: Data, entry: Int, _ bytes: [UInt8]) throws -> Data {
    var data = data
    let mark = Data([0x50, 0x4b, 1, 2])
    let start = try #require(data.range(of: mark, options: .backwards)).lowerBound
    data.replaceSubrange(start + entry..<start + entry + bytes.count, with: bytes)
    return data
  }

  @Test("Members are restored, also with a comment at the end")
  func roundTrip() throws {
    var data = encoded([("a.npy", "first"), ("folder/b", ""), ("é", "third")])
    // A comment that looks like an end.
    let comment = Data([0x50, 0x4b, 5, 6] + [UInt8](repeating: 0, count: 20))
    data[data.count - 2] = UInt8(comment.count)
    let zip = try ZipFile(data + comment, file: "test")
    #expect(zip.members.map(\.name) == ["a.npy", "folder/b", "é"])
    let contents = try zip.members.map { String(decoding: try zip.bytes(of: $0), as: UTF8.self) }
    #expect(contents == ["first", "", "third"])
  }

  @Test("Names that would leave a folder are refused")
  func names() {
    for name in [
      "../a", "/a", "a/../b", "a\\b", "a//b", ".", "a/.", "", "a\u{0}b", "a\nb", "...",
    ] {
      #expect(
        error(encoded([(name, "x")]))?.field.contains("name") == true, "\(name.debugDescription)")
    }
    #expect(error(encoded([("a", "x"), ("a", "y")]))?.value == "the name twice")
  }

  @Test("Bombs and lies of the directory are refused before memory is taken")
  func lies() throws {
    let data = encoded([("a", "content"), ("b", "more")])
    let cases: [(entry: Int, bytes: [UInt8], field: String)] = [
      (8, [1, 0], "member 'b'"),  // encrypted
      (10, [12, 0], "method"), (16, [1, 2, 3, 4], "checksum"),
      (20, [255, 255, 255, 255], "length"),
      (24, [255, 255, 255, 127], "length"), (28, [255, 255], "member 1"),
      (42, [0, 0, 0, 0], "another name"), (42, [255, 255, 255, 255], "offset"),
      (42, [1, 0, 0, 0], "offset"),
    ]
    for (entry, bytes, field) in cases {
      let error = try error(changed(data, entry: entry, bytes))
      #expect(error?.description.contains(field) == true, "\(entry): \(error as Any)")
    }
    // A deflated member that claims two gigabytes.
    var bomb = try changed(data, entry: 10, [8, 0])
    bomb = try changed(bomb, entry: 24, [255, 255, 255, 127])
    #expect(error(bomb)?.field == "member 'b' length")
  }

  @Test("A member that covers the next one, as bombs have it, is refused")
  func overlap() throws {
    var data = encoded([("a", "x"), ("b", "y")])
    let covered = data[31..<64]  // the content of a, and all of b
    let checksum = crc32(covered)
    let entry = try #require(data.range(of: Data([0x50, 0x4b, 1, 2]))).lowerBound
    for (offset, number) in [(16, checksum), (20, 33), (24, 33)] {
      for place in 0..<4 { data[entry + offset + place] = UInt8(number >> (8 * place) & 0xff) }
    }
    #expect(error(data)?.field == "member 'b' offset")
  }

  @Test("Every truncation and every changed byte is read or refused, never worse")
  func hostile() throws {
    let small = encoded([("a", "content"), ("b", "")])
    let (_, refused) = attack(small, values: [0, 1, 8, 9, 255]) { data throws(InputError) in
      try readAll(data)
    }
    #expect(refused > small.count, "\(refused)")
    for length in 0..<small.count { #expect(error(small.prefix(length)) != nil, "\(length)") }

    // Some places of one with deflated members.
    var changed = try corpus("deflated.npz")
    for index in stride(from: 0, to: changed.count, by: 23) {
      changed[index] ^= 0x55
      do throws(InputError) { try readAll(changed) } catch {
        #expect(error.file == "test" && !error.field.isEmpty)
      }
      #expect(error(changed.prefix(index)) != nil, "\(index)")
      changed[index] ^= 0x55
    }
  }
}
