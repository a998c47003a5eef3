// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Training

@Suite struct DownloadTests {
  private let bytes = (0..<4500).map { UInt8(truncatingIfNeeded: $0 &* 13 >> 2) }

  /// Serves the file `data` in a way while `test` downloads `name` to the file `here`.
  private func serving(
    _ way: String, _ name: String = "data", size: Int? = nil,
    _ test: (DataFolder, LocalServer, Download) throws -> Void
  ) throws {
    let folder = try DataFolder()
    try folder.write(bytes, "data")
    let server = try LocalServer(folder: folder.path)
    var download = Download(
      address: server.address(way, name), file: folder.path + "/here", size: size ?? bytes.count,
      home: "https://example.org")
    download.firstPause = .milliseconds(20)
    try withExtendedLifetime(server) { try test(folder, server, download) }
  }

  private func run(_ download: Download) throws -> Bool {
    try download.run(shouldStop: { false }, progress: { _ in })
  }

  @Test(arguments: ["whole", "ranges", "moved"])
  func bringsAFile(way: String) throws {
    try serving(way) { folder, server, download throws in
      var seen: [Int] = []
      #expect(try download.run(shouldStop: { false }, progress: { seen.append($0) }))
      #expect(try folder.bytes("here") == bytes)
      #expect(seen == seen.sorted() && seen.last == bytes.count)
      #expect(try server.requests().first == "/\(way)/data -")
    }
  }

  @Test func asksOnlyForWhatIsMissing() throws {
    try serving("ranges") { folder, server, download throws in
      try folder.write(Array(bytes.prefix(1234)), "here")
      #expect(try run(download))
      #expect(try folder.bytes("here") == bytes)
      #expect(try run(download))
      #expect(try server.requests() == ["/ranges/data bytes=1234-"])
    }
  }

  @Test func goesOnWhenTheConnectionBreaks() throws {
    try serving("breaks") { folder, server, download throws in
      #expect(try run(download))
      #expect(try folder.bytes("here") == bytes)
      let ranges = (1...4).map { "/breaks/data bytes=\($0)000-" }
      #expect(try server.requests() == ["/breaks/data -"] + ranges)
    }
  }

  @Test func givesUpOnAServerThatAlwaysCuts() throws {
    try serving("cuts") { folder, server, download throws in
      let start = ContinuousClock.now
      expectFault(.failedDownload, in: "/cuts/data", saying: ["80 bytes", "8 tries", "resumes"]) {
        _ = try run(download)
      }
      // Each pause is twice the one before.
      #expect(ContinuousClock.now - start > .milliseconds(20 * (1 + 2 + 4 + 8 + 16 + 32 + 32)))
      #expect(try server.requests().count == 8)
      #expect(try folder.bytes("here") == Array(bytes.prefix(80)))
    }
  }

  @Test func stopsWithinAPause() throws {
    try serving("cuts") { _, server, download throws in
      var patient = download
      patient.firstPause = .seconds(600)
      let finished = try patient.run(shouldStop: { patient.bytesHere >= 10 }, progress: { _ in })
      #expect(!finished)
      #expect(try server.requests().count == 1)
    }
  }

  @Test func startsAgainWhereAServerCannotGoOn() throws {
    try serving("whole") { folder, _, download throws in
      try folder.write([9, 9, 9], "here")
      #expect(try run(download))
      #expect(try folder.bytes("here") == bytes)
      // More than there can be.
      try folder.write([UInt8](repeating: 1, count: 5000), "here")
      #expect(try run(download))
      #expect(try folder.bytes("here") == bytes)
    }
  }

  @Test func stopsWhenAskedAndKeepsWhatHasCome() throws {
    try serving("slow") { folder, _, download throws in
      let finished = try download.run(
        shouldStop: { download.bytesHere >= 1000 }, progress: { _ in })
      #expect(!finished)
      #expect(try folder.bytes("here") == Array(bytes.prefix(1000)))
    }
  }

  @Test func namesAMissingFileAndAMissingServer() throws {
    try serving("ranges", "nothing") { _, server, download throws in
      expectFault(.failedDownload, in: "/ranges/nothing", saying: ["404"]) { _ = try run(download) }
      _ = try server.requests()
      expectFault(.failedDownload, in: "127.0.0.1", saying: ["connect"]) { _ = try run(download) }
    }
  }

  @Test func refusesAFileOfAnotherSize() throws {
    try serving("ranges", size: 4600) { folder, _, download throws in
      for here in [0, 100, 4500, 4550] {
        try folder.write(Array(bytes.prefix(here)), "here")
        expectFault(.failedDownload, in: "data", saying: ["4,500 bytes and no more", "4,600"]) {
          _ = try run(download)
        }
        #expect(download.bytesHere == 0)
      }
    }
    try serving("ranges", size: 4400) { _, _, download throws in
      expectFault(.failedDownload, in: "data", saying: ["more than 4,400"]) {
        _ = try run(download)
      }
    }
  }

  @Test func readsNoFilesOfThisMachine() throws {
    let folder = try DataFolder()
    try folder.write(bytes, "data")
    let download = Download(
      address: "file://" + folder.path + "/data", file: folder.path + "/here", size: 4500,
      home: "https://example.org")
    expectFault(.failedDownload, in: "file://", saying: ["not supported"]) {
      _ = try run(download)
    }
  }

  @Test func namesAMissingProgram() throws {
    let folder = try DataFolder()
    var download = Download(
      address: "http://127.0.0.1/", file: folder.path + "/here", size: 1,
      home: "https://example.org")
    download.curl = "no-such-curl"
    expectFault(.failedDownload, in: "127.0.0.1", saying: ["no-such-curl", "program curl"]) {
      _ = try run(download)
    }
  }
}
