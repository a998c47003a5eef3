#if Pictures
  import Foundation
  import Testing

  @testable import Training

  @Suite struct PictureCacheTests {
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

    private func expectSame(_ first: Dataset, _ second: Dataset) {
      for (one, other) in [(first.train, second.train), (first.test, second.test)] {
        #expect(one.pixels == other.pixels && one.labels == other.labels)
      }
      #expect(first.leftOut == second.leftOut)
    }

    private func files(_ cache: DataFolder) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: cache.path).sorted()
    }

    /// Changes the first byte of the pixels that are kept, so that reading them shows.
    private func mark(_ cache: DataFolder) throws {
      for name in try files(cache) {
        var bytes = try cache.bytes(name)
        bytes[bytes.count - 1] ^= 0xff
        try cache.write(bytes, name)
      }
    }

    @Test func keepsWhatWasDecodedAndReadsIt() throws {
      let (folder, cache) = (try pictures(), try DataFolder())
      let decoded = try load(folder, cache: cache)
      #expect(try files(cache).count == 2)
      expectSame(decoded, try load(folder, cache: cache))
      expectSame(decoded, try DatasetSource.folder.load(path: folder.path, imageSize: 8))
      try mark(cache)
      #expect(try load(folder, cache: cache).train.pixels != decoded.train.pixels)
    }

    @Test func decodesAnewWhenAFileOrTheSizeChanges() throws {
      let (folder, cache) = (try pictures(), try DataFolder())
      _ = try load(folder, cache: cache)
      // A repaired file, a file less: as many files are kept as before.
      let good = PictureFile.png(width: 9, height: 9, colour: [7, 7, 7])
      try folder.write(good, "train/b/bad.png")
      let repaired = try load(folder, cache: cache)
      #expect(repaired.leftOut.isEmpty)
      expectSame(repaired, try DatasetSource.folder.load(path: folder.path, imageSize: 8))
      try FileManager.default.removeItem(atPath: folder.path + "/train/a/0.png")
      let less = try load(folder, cache: cache)
      expectSame(less, try DatasetSource.folder.load(path: folder.path, imageSize: 8))
      #expect(try files(cache).count == 2)
      let larger = try load(folder, cache: cache, side: 16)
      #expect(larger.train.width == 16)
      #expect(try files(cache).count == 4)
    }

    @Test func aDamagedCacheIsOnlySlow() throws {
      let (folder, cache) = (try pictures(), try DataFolder())
      let decoded = try load(folder, cache: cache)
      let kept = try files(cache).map { ($0, try cache.bytes($0)) }
      for size in [0, 5, 8, 40, kept[0].1.count - 1] {
        for (name, bytes) in kept { try cache.write(Array(bytes.prefix(size)), name) }
        expectSame(decoded, try load(folder, cache: cache))
      }
      for (name, bytes) in kept { try cache.write(bytes + [0], name) }
      expectSame(decoded, try load(folder, cache: cache))
      // A folder where nothing can be written.
      try cache.write([], "file")
      let nowhere = try DatasetSource.folder.load(
        path: folder.path, imageSize: 8, cacheFolder: cache.path + "/file")
      expectSame(decoded, nowhere)
    }
  }
#endif
