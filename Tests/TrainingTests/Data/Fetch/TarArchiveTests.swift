// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Testing

@testable import Training

@Suite struct TarArchiveTests {
  private func unpack(_ bytes: [UInt8], in folder: DataFolder) throws {
    try folder.write(bytes, "archive.tar")
    try TarArchive(path: folder.path + "/archive.tar", home: "https://example.org")
      .unpack(to: folder.path + "/out")
  }

  private func refuses(_ bytes: [UInt8], saying words: [String]) throws {
    let folder = try DataFolder()
    expectFault(.wrongArchive, in: "archive.tar", saying: words) {
      try unpack(bytes, in: folder)
    }
    // In any case nothing was written outside of the target.
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(Set(names).isSubset(of: ["archive.tar", "out"]))
  }

  @Test func unpacksWhatTheSystemPacks() throws {
    let folder = try DataFolder()
    let long = String(repeating: "d", count: 90) + "/" + String(repeating: "e", count: 90)
    let files: [String: [UInt8]] = [
      "set/one.bin": (0..<2_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) },
      "set/empty": [], "set/block": [UInt8](repeating: 7, count: 512), "set/\(long)": [1],
    ]
    for (name, bytes) in files { try folder.write(bytes, name) }
    for format in ["ustar", "gnu", "pax"] {
      // GNU writes a long name in a separate entry, which no data set needs.
      let what = format == "ustar" ? ["set"] : ["set/one.bin", "set/empty", "set/block"]
      let archive = folder.path + "/\(format).tar.gz"
      let process = try Process.run(
        URL(fileURLWithPath: "/usr/bin/env"),
        arguments: ["tar", "--format=\(format)", "-C", folder.path, "-czf", archive] + what)
      process.waitUntilExit()
      try #require(process.terminationStatus == 0)
      try TarArchive(path: archive, home: "").unpack(to: folder.path + "/" + format)
      for (name, bytes) in files where format == "ustar" || !name.contains("ddd") {
        #expect(try folder.bytes("\(format)/\(name)") == bytes, "\(format) \(name)")
      }
    }
  }

  @Test func refusesPathsThatLeaveTheFolder() throws {
    for name in ["/etc/evil", "../evil", "a/../../evil", "a/..", "//evil", "a/./../b", "a\u{1}b"] {
      for kind: Character in ["0", "5"] {
        try refuses(
          TarFile.entry(name, [1], kind: kind) + TarFile.end, saying: [name.debugDescription])
      }
    }
    try refuses(TarFile.entry("evil", [1], prefix: "..") + TarFile.end, saying: ["../evil"])
    try refuses(TarFile.entry("evil", [1], prefix: "/srv") + TarFile.end, saying: ["/srv/evil"])
    try refuses(TarFile.entry("./", [1]) + TarFile.end, saying: ["without a name"])
  }

  @Test func refusesLinksAndDevices() throws {
    for kind: Character in ["1", "2", "3", "4", "6", "7", "L", "K", "S", "V"] {
      try refuses(
        TarFile.entry("a", kind: kind, link: "/etc") + TarFile.entry("a/passwd", [1]) + TarFile.end,
        saying: ["a link or a device", "type \(kind)"])
    }
  }

  @Test func refusesTheSameFileTwice() throws {
    try refuses(
      TarFile.entry("a", [1]) + TarFile.entry("./a", [2]) + TarFile.end, saying: ["a twice"])
  }

  @Test func refusesEveryTruncationAndDamagedHeaders() throws {
    let whole =
      TarFile.entry("d", kind: "5") + TarFile.entry("d/a", [1, 2, 3]) + TarFile.entry("b", [4])
    for count in Array(stride(from: 0, to: whole.count, by: 37)) + [whole.count] {
      try refuses(Array(whole.prefix(count)), saying: ["its end within"])
    }
    for place in stride(from: 0, to: 512, by: 3) {
      var damaged = whole + TarFile.end
      damaged[512 + place] ^= 0x55
      try refuses(damaged, saying: ["checksum"])
    }
  }

  @Test func refusesAbsurdSizes() throws {
    for size in ["77777777777", "99999999999", "-0000000001", "\u{7f}"] {
      let folder = try DataFolder()
      expectFault(.wrongArchive, in: "archive.tar") {
        try unpack(TarFile.entry("a", [1], size: size) + TarFile.end, in: folder)
      }
    }
  }
}
