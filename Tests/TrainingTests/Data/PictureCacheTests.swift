// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Training

@Suite(.enabled(if: Picture.isTested)) struct PictureCacheTests {
  /// Pictures of two classes, one file of them broken.
  private func pictures() throws -> DataFolder {
    let folder = try DataFolder()
    for index in 0..<6 {
      let bright = UInt8(40 * index)
      try folder.write(
        PictureFile.png(width: 5, height: 5, colour: [bright, 0, 0]), "train/a/\(index).png")
      try folder.write(
        PictureFile.png(width: 5, height: 5, colour: [0, 0, bright]), "train/b/\(index).png")
    }
    try folder.write([1], "train/b/bad.png")
    return folder
  }

  private func load(_ folder: DataFolder, cache: DataFolder, side: Int = 8) throws -> Dataset {
    try DatasetSource.folder.load(path: folder.path, imageSize: side, cacheFolder: cache.path)
  }

  private func expectSame(_ first: Dataset, _ second: Dataset) throws {
    for (one, other) in [(first.train, second.train), (first.test, second.test)] {
      #expect(try one.pixels == other.pixels && one.labels == other.labels)
    }
    #expect(first.mean == second.mean && first.deviation == second.deviation)
    #expect(first.leftOut == second.leftOut)
  }

  private func files(_ cache: DataFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: cache.path).sorted()
  }

  /// Which files they are; one that is made anew is another.
  private func identities(_ cache: DataFolder) throws -> [Int] {
    try files(cache).map { name in
      let attributes = try FileManager.default.attributesOfItem(atPath: cache.path + "/" + name)
      return try #require(attributes[.systemFileNumber] as? Int)
    }
  }

  @Test func keepsWhatWasDecodedAndReadsIt() throws {
    let (folder, cache) = (try pictures(), try DataFolder())
    let decoded = try load(folder, cache: cache)
    let names = try files(cache)
    #expect(names.count == 2)
    let folderName = (folder.path as NSString).lastPathComponent
    #expect(
      names[0].hasPrefix("\(folderName.prefix(40))-test-8x8-")
        && names[0].hasSuffix(".pictures"))
    let before = try identities(cache)
    try expectSame(decoded, try load(folder, cache: cache))
    #expect(try identities(cache) == before)
    // However the folder is spelt.
    let other = try DatasetSource.folder.load(
      path: folder.path + "/../" + folderName, imageSize: 8, cacheFolder: cache.path)
    #expect(other.leftOut.map(\.path) == [folder.path + "/../\(folderName)/train/b/bad.png"])
    #expect(try identities(cache) == before && other.train.pixels == decoded.train.pixels)
    try expectSame(decoded, try DatasetSource.folder.load(path: folder.path, imageSize: 8))
  }

  @Test func decodesAnewWhenAFileOrTheSizeChanges() throws {
    let (folder, cache) = (try pictures(), try DataFolder())
    _ = try load(folder, cache: cache)
    // A repaired file, a file less: as many files are kept as before.
    let good = PictureFile.png(width: 9, height: 9, colour: [7, 7, 7])
    try folder.write(good, "train/b/bad.png")
    let repaired = try load(folder, cache: cache)
    #expect(repaired.leftOut.isEmpty)
    try expectSame(repaired, try DatasetSource.folder.load(path: folder.path, imageSize: 8))
    try FileManager.default.removeItem(atPath: folder.path + "/train/a/0.png")
    let less = try load(folder, cache: cache)
    try expectSame(less, try DatasetSource.folder.load(path: folder.path, imageSize: 8))
    #expect(try files(cache).count == 2)
    let larger = try load(folder, cache: cache, side: 16)
    #expect(larger.train.width == 16)
    #expect(try files(cache).count == 4)
    // A try with few pictures leaves the file of all of them in its place.
    let before = try identities(cache)
    _ = try DatasetSource.folder.load(
      path: folder.path, trainCount: 3, imageSize: 16, cacheFolder: cache.path)
    #expect(try Set(identities(cache)).isSuperset(of: before) && files(cache).count == 5)
  }

  @Test func aLinkThatLeadsElsewhereCounts() throws {
    let (folder, cache) = (try pictures(), try DataFolder())
    let link = folder.path + "/train/a/link.png"
    var sums: [Int] = []
    for (name, colour) in [("one", UInt8(10)), ("two", 200)] {
      let target = folder.path + "/" + name
      try folder.write(PictureFile.png(width: 5, height: 5, colour: [colour, 0, 0]), name)
      let date = Date(timeIntervalSince1970: 1e9)
      try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: target)
      try? FileManager.default.removeItem(atPath: link)
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      let data = try load(folder, cache: cache)
      sums.append(try (data.train.pixels + data.test.pixels).reduce(0) { $0 + Int($1) })
    }
    #expect(sums[1] - sums[0] == 190 * 64)
  }

  @Test func aDamagedFileIsMadeAnew() throws {
    let (folder, cache) = (try pictures(), try DataFolder())
    let decoded = try load(folder, cache: cache)
    let kept = try files(cache).map { ($0, try cache.bytes($0)) }
    // What `decoded` has open stays as it is.
    func replace(_ name: String, _ bytes: [UInt8]) throws {
      try FileManager.default.removeItem(atPath: cache.path + "/" + name)
      try cache.write(bytes, name)
    }
    for size in [0, 5, 8, 40, kept[0].1.count - 1] {
      for (name, bytes) in kept { try replace(name, Array(bytes.prefix(size))) }
      try expectSame(decoded, try load(folder, cache: cache))
      for (name, bytes) in kept { #expect(try cache.bytes(name) == bytes) }
    }
    // A changed pixel is found when it is used; the next time all is well.
    let (name, bytes) = kept[0]
    try replace(name, [bytes[0] ^ 1] + bytes.dropFirst())
    let damaged = try load(folder, cache: cache)
    expectFault(.wrongChecksum, in: name) { _ = try damaged.test.pixels }
    try expectSame(decoded, try load(folder, cache: cache))
  }

  @Test func saysWhatToDoWhereItCannotBeWritten() throws {
    let (folder, cache) = (try pictures(), try DataFolder())
    try cache.write([], "file")
    expectFault(
      .notWritten, in: cache.path + "/file/", saying: ["XDG_CACHE_HOME", "image-size"]
    ) {
      _ = try DatasetSource.folder.load(
        path: folder.path, imageSize: 8, cacheFolder: cache.path + "/file")
    }
    let list = try PictureFolder(path: folder.path)
    let full = PictureCache(
      folder: cache.path, source: folder.path, split: "train", side: 8, entries: list.train)
    let needed = list.train.count * 192
    expectFault(.notWritten, in: full.path, saying: ["\(grouped(needed)) bytes free for"]) {
      _ = try full.make(freeBytes: needed - 1) { _ in }
    }
    #expect(try full.make(freeBytes: needed) { _ in }.index.labels.isEmpty)
  }

  /// Training from memory, from a new file and from one that was there gives the same bits, and so
  /// does a run that a damaged file stops and that goes on.
  @Test func theBitsOfATrainingDoNotDependOnIt() throws {
    let (folder, cache, runs) = (try pictures(), try DataFolder(), try DataFolder())
    var configuration = TrainingConfiguration()
    configuration.model = .mlp
    configuration.width = 0.1
    configuration.data = .folder
    configuration.batch = 4
    configuration.epochs = 6
    configuration.warmUpEpochs = 0
    configuration.pruning.granularity = .dense
    configuration.pruning.balanced = .none
    func trainer(_ data: Dataset, threads: Int, _ run: RunFolder? = nil) throws -> Trainer {
      try Trainer(
        configuration, data: data, engine: .init(threads: threads), folder: run,
        checkpoint: run.flatMap { try? $0.latestCheckpoint() })
    }
    let new = try load(folder, cache: cache)
    let kept = try load(folder, cache: cache)
    func inMemory(_ set: ImageSet) throws -> ImageSet {
      ImageSet(
        channels: 3, height: 8, width: 8, classNames: set.classNames, pixels: try set.pixels,
        labels: set.labels)
    }
    let memory = Dataset(
      name: "folder", train: try inMemory(new.train), test: try inMemory(new.test),
      augmentation: new.augmentation)
    let bits = try [(new, 1), (kept, 2), (memory, 1)].map { data, threads in
      let trainer = try trainer(data, threads: threads)
      #expect(try trainer.run())
      return trainer.model.blobs().map(\.bytes)
    }
    #expect(bits[0] == bits[1] && bits[0] == bits[2])

    let run = RunFolder(URL(fileURLWithPath: runs.path + "/run"))
    // In a scope of its own: a trainer keeps the lock of its folder as long as it lives.
    do {
      let stopped = try trainer(kept, threads: 1, run)
      let name = try #require(try files(cache).first { $0.contains("-train-") })
      var bytes = try cache.bytes(name)
      #expect(throws: DatasetError.self) {
        _ = try stopped.run(report: { event in
          guard case .epoch(let report) = event, report.epoch == 3 else { return }
          for image in 0..<kept.train.count { bytes[image * 192] ^= 1 }
          let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: cache.path + "/" + name))
          try handle.write(contentsOf: Data(bytes))
        })
      }
      #expect(stopped.progress.epoch == 3)
    }
    let resumed = try trainer(try load(folder, cache: cache), threads: 1, run)
    #expect(resumed.progress.epoch == 3)
    #expect(try resumed.run())
    #expect(resumed.model.blobs().map(\.bytes) == bits[0])
  }
}
