import Foundation
import Testing

@testable import Training

@Suite struct DatasetArchiveTests {
  /// Serves the archive of a small CIFAR-10, with `extra` entries and with a bit changed where it is
  /// `damaged`, while `test` fetches it to `here` in the folder.
  private func serving(
    extra: [UInt8] = [], damaged: Bool = false,
    _ test: (DataFolder, LocalServer, DatasetArchive) throws -> Void
  ) throws {
    let (source, folder) = (try DataFolder(), try DataFolder())
    try CIFARFilesTests.writeTen(source)
    let files = CIFARFiles.ten.trainFiles + [CIFARFiles.ten.testFile]
    var tar = TarFile.entry("cifar-10-batches-bin/", kind: "5")
    for name in files {
      tar += TarFile.entry("cifar-10-batches-bin/" + name, try source.bytes(name))
    }
    try folder.write(tar + extra + TarFile.end, "served/set.tar")
    try folder.compress("served/set.tar")
    var bytes = try folder.bytes("served/set.tar.gz")
    var sum = SHA256()
    sum.add(bytes)
    if damaged { bytes[bytes.count / 2] ^= 1 }
    try folder.write(bytes, "served/set.tar.gz")
    let server = try LocalServer(folder: folder.path + "/served")
    let archive = DatasetArchive(
      source: .cifar10, content: "", address: server.address("ranges", "set.tar.gz"),
      byteCount: bytes.count, sha256: sum.finish(), terms: "", folder: "cifar-10-batches-bin",
      home: "https://example.org", files: files)
    try withExtendedLifetime(server) { try test(folder, server, archive) }
  }

  private func names(_ path: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path).sorted()
  }

  @Test func whatIsFetchedCanBeTrainedOn() throws {
    try serving { folder, _, archive in
      let target = folder.path + "/here"
      #expect(!archive.isPresent(in: target))
      var stages: [DatasetArchive.Progress] = []
      #expect(try archive.fetch(to: target, progress: { stages.append($0) }))
      #expect(archive.isPresent(in: target))
      #expect(stages.suffix(3) == [.downloading(bytes: archive.byteCount), .checking, .unpacking])
      #expect(try names(target) == ["cifar-10-batches-bin"])
      #expect(try DatasetSource.cifar10.load(path: target).train.count == 10)
    }
  }

  @Test func goesOnWithAPart() throws {
    try serving { folder, server, archive in
      let part = try folder.bytes("served/set.tar.gz").prefix(700)
      try folder.write(Array(part), "here/cifar10.tar.gz.part")
      #expect(try archive.fetch(to: folder.path + "/here"))
      #expect(try server.requests() == ["/ranges/set.tar.gz bytes=700-"])
    }
  }

  @Test func stopsAndGoesOn() throws {
    try serving { folder, server, archive in
      let target = folder.path + "/here"
      let slow = server.address("slow", "set.tar.gz")
      var isThere = false
      let finished = try archive.fetch(
        to: target, from: slow, shouldStop: { isThere },
        progress: { isThere = $0 == .downloading(bytes: 1000) })
      #expect(!finished)
      #expect(try names(target) == ["cifar10.tar.gz.part"])
      #expect(try archive.fetch(to: target))
      #expect(try server.requests().last == "/ranges/set.tar.gz bytes=1000-")
    }
  }

  @Test func refusesAnotherFile() throws {
    try serving(damaged: true) { folder, _, archive in
      let target = folder.path + "/here"
      expectFault(.wrongChecksum, in: "set.tar.gz", saying: [archive.sha256, "anew"]) {
        _ = try archive.fetch(to: target)
      }
      #expect(try names(target) == [])
    }
  }

  @Test func leavesNothingOfAnArchiveThatItRefuses() throws {
    let link = TarFile.entry("cifar-10-batches-bin/x", kind: "2", link: "/etc")
    try serving(extra: link) { folder, _, archive in
      let target = folder.path + "/here"
      expectFault(.wrongArchive, in: "cifar10.tar.gz", saying: ["type 2"]) {
        _ = try archive.fetch(to: target)
      }
      #expect(try names(target) == [])
    }
  }

  @Test func namesAFolderThatCannotBeWritten() throws {
    try serving { folder, _, archive in
      try folder.write([], "file")
      expectFault(.unreadable, in: folder.path + "/file") {
        _ = try archive.fetch(to: folder.path + "/file")
      }
    }
  }

  @Test func knowsTheOfficialArchives() {
    #expect(DatasetArchive.all.map(\.source) == [.cifar10, .cifar100])
    for archive in DatasetArchive.all {
      #expect(archive.sha256.count == 64 && archive.sha256.allSatisfy(\.isHexDigit))
      #expect(archive.address.hasPrefix("https://www.cs.toronto.edu/~kriz/"))
    }
  }
}
