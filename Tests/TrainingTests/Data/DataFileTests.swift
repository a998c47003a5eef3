// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Training

@Suite struct DataFileTests {
  static func open(_ folder: DataFolder, _ name: String) throws -> DataFile {
    try DataFile(
      path: folder.path + "/" + name, expected: "a test", home: "https://example.org")
  }

  @Test func readsPieceByPiece() throws {
    let folder = try DataFolder()
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    try folder.write(bytes, "plain")
    let plain = try Self.open(folder, "plain")
    #expect(try plain.read(4) == Array(bytes.prefix(4)))
    #expect(try plain.readRest(bytes.count - 4) == Array(bytes.dropFirst(4)))
    try folder.compress("plain")
    let compressed = try Self.open(folder, "plain.gz")
    #expect(try compressed.read(4) == Array(bytes.prefix(4)))
    #expect(try compressed.readRest(bytes.count - 4) == Array(bytes.dropFirst(4)))
  }

  @Test func refusesDamagedCompression() throws {
    let folder = try DataFolder()
    try folder.write((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }, "data")
    try folder.compress("data")
    let whole = try folder.bytes("data.gz")
    var wrongSum = whole
    wrongSum[whole.count - 6] ^= 1
    var wrongStart = whole
    wrongStart[0] = 0
    let damaged = [
      [], Array(whole.prefix(5)), Array(whole.prefix(whole.count / 2)), Array(whole.dropLast()),
      wrongSum, wrongStart,
    ]
    for bytes in damaged {
      try folder.write(bytes, "data.gz")
      expectFault(.wrongCompression, in: "data.gz", saying: ["undamaged"]) {
        let file = try Self.open(folder, "data.gz")
        _ = try file.read(4)
        _ = try file.read(5000)
      }
    }
  }

  @Test func readsNoMoreOfABombThanItAsksFor() throws {
    let folder = try DataFolder()
    try folder.write([UInt8](repeating: 0, count: 40_000_000), "data")
    try folder.compress("data")
    let bomb = try folder.bytes("data.gz")
    // Gzip streams one behind the other decompress to 1.2 GB.
    try folder.write((0..<30).flatMap { _ in bomb }, "data.gz")
    expectFault(.wrongSize, in: "data.gz", saying: ["more", "exactly 1,000 bytes"]) {
      _ = try Self.open(folder, "data.gz").readRest(1000)
    }
  }

  @Test func refusesMoreThanCompressionCanHold() throws {
    let folder = try DataFolder()
    try folder.write([1, 2, 3], "data")
    try folder.compress("data")
    expectFault(.wrongSize, in: "data.gz", saying: ["room for", "at most"]) {
      _ = try Self.open(folder, "data.gz").readRest(1 << 30)
    }
  }

  @Test func refusesHugeFilesAndFolders() throws {
    let folder = try DataFolder()
    try folder.write([], "huge")
    let handle = try #require(FileHandle(forWritingAtPath: folder.path + "/huge"))
    try handle.truncate(atOffset: 1 << 40)
    try handle.close()
    expectFault(.wrongSize, in: "huge", saying: ["1,073,741,824"]) {
      _ = try Self.open(folder, "huge")
    }
    try folder.write([], "folder/file")
    expectFault(.unreadable, in: "folder") { _ = try Self.open(folder, "folder") }
    expectFault(.missing, in: "none") { _ = try Self.open(folder, "none") }
  }

  @Test func followsLinks() throws {
    let folder = try DataFolder()
    try folder.write([5, 6], "data")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/link", withDestinationPath: folder.path + "/data")
    #expect(try Self.open(folder, "link").readRest(2) == [5, 6])
  }

  @Test func groupsDigits() {
    #expect([0, 999, 1000, -1_234_567].map(grouped) == ["0", "999", "1,000", "-1,234,567"])
  }
}
