// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@testable import Training

@Suite struct PublishedDatasetTests {
  /// Serves the archive of a small CIFAR-10, with `extra` entries and with a bit changed where it is
  /// `damaged`, while `test` fetches it to `here` in the folder.
  private func serving(
    extra: [UInt8] = [], damaged: Bool = false,
    _ test: (DataFolder, LocalServer, PublishedDataset) throws -> Void
  ) throws {
    let (source, folder) = (try DataFolder(), try DataFolder())
    try CIFARFilesTests.writeTen(source)
    let files = CIFARFiles.ten.trainFiles + [CIFARFiles.ten.testFile]
    var tar = TarFile.entry("cifar-10-batches-bin/", kind: "5")
    for name in files {
      tar += TarFile.entry("cifar-10-batches-bin/" + name, try source.bytes(name))
    }
    // Random bytes, so that the archive is longer than a slow server's first piece.
    var random = SeededRandom(seed: 1)
    let noise = (0..<3000).map { _ in UInt8(random.below(256)) }
    tar += TarFile.entry("cifar-10-batches-bin/readme.html", noise)
    try folder.write(tar + extra + TarFile.end, "served/set.tar")
    try folder.compress("served/set.tar")
    var bytes = try folder.bytes("served/set.tar.gz")
    let download = description("set.tar.gz", bytes)
    if damaged { bytes[bytes.count / 2] ^= 1 }
    try folder.write(bytes, "served/set.tar.gz")
    let server = try LocalServer(folder: folder.path + "/served")
    let set = PublishedDataset(
      name: "ten", source: .cifar10, content: "", address: server.address("ranges", ""), terms: "",
      home: "https://example.org", folder: "cifar-10-batches-bin", downloads: [download],
      files: files)
    try withExtendedLifetime(server) { try test(folder, server, set) }
  }

  private func description(_ name: String, _ bytes: [UInt8]) -> PublishedDataset.File {
    var sum = SHA256()
    sum.add(bytes)
    return PublishedDataset.File(name: name, byteCount: bytes.count, sha256: sum.finish())
  }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  @Test func whatIsFetchedCanBeTrainedOn() throws {
    try serving { folder, _, set throws in
      let target = folder.path + "/here"
      #expect(!set.isPresent(in: target))
      var stages: [PublishedDataset.Progress] = []
      #expect(try set.fetch(to: target, progress: { stages.append($0) }))
      #expect(set.isPresent(in: target))
      #expect(stages.suffix(3) == [.downloading(bytes: set.byteCount), .checking, .unpacking])
      #expect(try names(target) == ["cifar-10-batches-bin"])
      #expect(try DatasetSource.cifar10.load(path: set.path(in: target)).train.count == 10)
    }
  }

  /// MNIST comes in four files, which training reads compressed as they are.
  @Test func takesFilesThatNeedNoUnpacking() throws {
    let folder = try DataFolder()
    let contents = (0..<4).map { index in (0...index).map { UInt8(10 * index + $0) } }
    for (index, bytes) in contents.enumerated() { try folder.write(bytes, "served/\(index).gz") }
    let server = try LocalServer(folder: folder.path + "/served")
    let downloads = contents.enumerated().map { description("\($0).gz", $1) }
    let set = PublishedDataset(
      name: "four", source: .idx, content: "", address: server.address("ranges", ""), terms: "",
      home: "", folder: "files", downloads: downloads, files: downloads.map(\.name))
    // The first one is here already, the second one half.
    try folder.write(contents[0], "here/four.part/0.gz")
    try folder.write(Array(contents[1].prefix(1)), "here/four.part/1.gz")
    var seen: [Int] = []
    let finished = try set.fetch(
      to: folder.path + "/here",
      progress: { if case .downloading(let bytes) = $0 { seen.append(bytes) } })
    #expect(finished)
    #expect(seen == seen.sorted() && seen.last == 10)
    for (index, bytes) in contents.enumerated() {
      #expect(try folder.bytes("here/files/\(index).gz") == bytes)
    }
    #expect(try names(folder.path + "/here") == ["files"])
    #expect(
      try server.requests() == ["/ranges/1.gz bytes=1-", "/ranges/2.gz -", "/ranges/3.gz -"])
  }

  @Test func goesOnWithAPart() throws {
    try serving { folder, server, set throws in
      let part = try folder.bytes("served/set.tar.gz").prefix(700)
      try folder.write(Array(part), "here/ten.part/set.tar.gz")
      #expect(try set.fetch(to: folder.path + "/here"))
      #expect(try server.requests() == ["/ranges/set.tar.gz bytes=700-"])
    }
  }

  @Test func stopsAndGoesOn() throws {
    try serving { folder, server, set throws in
      let target = folder.path + "/here"
      var isThere = false
      let finished = try set.fetch(
        to: target, from: server.address("slow", ""), shouldStop: { isThere },
        progress: { isThere = $0 == .downloading(bytes: 1000) })
      #expect(!finished)
      #expect(try names(target) == ["ten.part"])
      #expect(try set.fetch(to: target))
      #expect(try server.requests().last == "/ranges/set.tar.gz bytes=1000-")
    }
  }

  @Test func refusesAnotherFile() throws {
    try serving(damaged: true) { folder, _, set throws in
      let target = folder.path + "/here"
      let sum = set.downloads[0].sha256
      expectFault(.wrongChecksum, in: "set.tar.gz", saying: [sum, "beginning"]) {
        _ = try set.fetch(to: target)
      }
      #expect(try names(target) == ["ten.part"])
      #expect(try names(target + "/ten.part") == [".writer"])
    }
  }

  @Test func leavesNothingOfAnArchiveThatItRefuses() throws {
    let link = TarFile.entry("cifar-10-batches-bin/x", kind: "2", link: "/etc")
    try serving(extra: link) { folder, _, set throws in
      let target = folder.path + "/here"
      expectFault(.wrongArchive, in: "set.tar.gz", saying: ["type 2"]) {
        _ = try set.fetch(to: target)
      }
      #expect(try names(target) == ["ten.part"])
      #expect(try names(target + "/ten.part") == [".writer", "set.tar.gz"])
    }
  }

  @Test(arguments: ["folder", "empty folder", "file", "link", "link to nothing"])
  func leavesWhatStandsInItsPlace(what: String) throws {
    try serving { folder, server, set throws in
      let target = folder.path + "/here/cifar-10-batches-bin"
      try folder.write([1], "theirs/mine.txt")
      try folder.write([], "here/other")
      switch what {
      case "folder": try folder.write([1], "here/cifar-10-batches-bin/mine.txt")
      case "empty folder": #expect(mkdir(target, 0o777) == 0)
      case "file": try folder.write([1], "here/cifar-10-batches-bin")
      case "link": symlink(folder.path + "/theirs", target)
      default: symlink(folder.path + "/nothing", target)
      }
      func look() throws -> [String] {
        var status = stat()
        #expect(lstat(target, &status) == 0)
        let inside = (try? names(target)) ?? []
        return ["\(status.st_mode) \(status.st_ino)"] + inside
      }
      let before = try look()
      expectFault(.notWritten, in: target, saying: ["move it away", "--to"]) {
        _ = try set.fetch(to: folder.path + "/here")
      }
      #expect(try look() == before)
      #expect(try names(folder.path + "/theirs") == ["mine.txt"])
      // Refused before anything is downloaded.
      #expect(try names(folder.path + "/here") == ["cifar-10-batches-bin", "other"])
      #expect(try server.requests() == [])
    }
  }

  @Test func leavesAFolderThatHappensToBearTheNameOfAPart() throws {
    try serving { folder, server, set throws in
      for name in ["here/ten.part/mine.txt", "file/ten.part"] {
        try folder.write([1], name)
        let to = folder.path + "/" + name.split(separator: "/")[0]
        expectFault(.notWritten, in: "ten.part", saying: ["no fetch"]) { _ = try set.fetch(to: to) }
        #expect(try folder.bytes(name) == [1])
      }
      try FileManager.default.createDirectory(
        atPath: folder.path + "/link", withIntermediateDirectories: true)
      symlink(folder.path + "/here/ten.part", folder.path + "/link/ten.part")
      expectFault(.notWritten, in: "ten.part") { _ = try set.fetch(to: folder.path + "/link") }
      #expect(try names(folder.path + "/here/ten.part") == ["mine.txt"])
      #expect(try server.requests() == [])
    }
  }

  @Test func namesAFolderThatCannotBeWritten() throws {
    try serving { folder, _, set throws in
      try folder.write([], "file")
      expectFault(.unreadable, in: folder.path + "/file") {
        _ = try set.fetch(to: folder.path + "/file")
      }
    }
  }

  @Test func knowsTheOfficialFiles() {
    #expect(PublishedDataset.all.map(\.name) == ["cifar10", "cifar100", "mnist"])
    for set in PublishedDataset.all {
      for file in set.downloads {
        #expect(file.sha256.count == 64 && file.sha256.allSatisfy(\.isHexDigit))
      }
      #expect(set.address.hasPrefix("https://") && set.address.hasSuffix("/"))
    }
  }
}
