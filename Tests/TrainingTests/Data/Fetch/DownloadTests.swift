import Foundation
import Testing

@testable import Training

@Suite struct DownloadTests {
  private let bytes = (0..<4500).map { UInt8(truncatingIfNeeded: $0 &* 13 >> 2) }

  /// A folder with `data`, which is served, and a download of it to `here`.
  private func prepare(_ way: String, _ name: String = "data", size: Int? = nil) throws -> (
    folder: DataFolder, server: LocalServer, download: Download
  ) {
    let folder = try DataFolder()
    try folder.write(bytes, "data")
    let server = try LocalServer(folder: folder.path)
    let download = Download(
      address: server.address(way, name), file: folder.path + "/here", size: size ?? bytes.count,
      home: "https://example.org")
    return (folder, server, download)
  }

  private func run(_ download: Download) throws -> Bool {
    try download.run(shouldStop: { false }, progress: { _ in })
  }

  @Test func bringsAFile() throws {
    for way in ["whole", "ranges", "moved"] {
      let (folder, server, download) = try prepare(way)
      var seen: [Int] = []
      #expect(try download.run(shouldStop: { false }, progress: { seen.append($0) }))
      #expect(try folder.bytes("here") == bytes)
      #expect(seen == seen.sorted() && seen.last == bytes.count)
      #expect(try server.requests().first == "/\(way)/data -")
    }
  }

  @Test func asksOnlyForWhatIsMissing() throws {
    let (folder, server, download) = try prepare("ranges")
    try folder.write(Array(bytes.prefix(1234)), "here")
    #expect(try run(download))
    #expect(try folder.bytes("here") == bytes)
    #expect(try run(download))
    #expect(try server.requests() == ["/ranges/data bytes=1234-"])
  }

  @Test func goesOnWhenTheConnectionBreaks() throws {
    let (folder, server, download) = try prepare("breaks")
    #expect(try run(download))
    #expect(try folder.bytes("here") == bytes)
    let ranges = (1...4).map { "/breaks/data bytes=\($0)000-" }
    #expect(try server.requests() == ["/breaks/data -"] + ranges)
  }

  @Test func startsAgainWhereAServerCannotGoOn() throws {
    let (folder, _, download) = try prepare("whole")
    try folder.write([9, 9, 9], "here")
    #expect(try run(download))
    #expect(try folder.bytes("here") == bytes)
    // More than there can be.
    try folder.write([UInt8](repeating: 1, count: 5000), "here")
    #expect(try run(download))
    #expect(try folder.bytes("here") == bytes)
  }

  @Test func stopsWhenAskedAndKeepsWhatHasCome() throws {
    let (folder, _, download) = try prepare("slow")
    let finished = try download.run(
      shouldStop: { download.bytesHere >= 1000 }, progress: { _ in })
    #expect(!finished)
    #expect(try folder.bytes("here") == Array(bytes.prefix(1000)))
  }

  @Test func namesWhatIsWrong() throws {
    let (_, server, missing) = try prepare("ranges", "nothing")
    expectFault(.failedDownload, in: "/ranges/nothing", saying: ["404"]) { _ = try run(missing) }
    let (folder, _, short) = try prepare("ranges", size: 4600)
    expectFault(.failedDownload, in: "data", saying: ["4,500 bytes and no more", "4,600"]) {
      _ = try run(short)
    }
    #expect(short.bytesHere == 0)
    try folder.write([UInt8](repeating: 0, count: 4550), "here")
    expectFault(.failedDownload, in: "data", saying: ["4,500 bytes and no more"]) {
      _ = try run(short)
    }
    let (_, _, long) = try prepare("ranges", size: 4400)
    expectFault(.failedDownload, in: "data", saying: ["more than 4,400"]) { _ = try run(long) }
    _ = try server.requests()
    expectFault(.failedDownload, in: "127.0.0.1", saying: ["connect"]) { _ = try run(missing) }
    let file = Download(
      address: "file://" + folder.path + "/data", file: folder.path + "/there", size: 4500,
      home: "")
    expectFault(.failedDownload, in: "file://") { _ = try run(file) }
    var program = missing
    program.curl = "no-such-curl"
    expectFault(.failedDownload, in: "nothing", saying: ["no-such-curl", "the program curl"]) {
      _ = try run(program)
    }
  }
}
