// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Training

@Suite struct PictureFolderTests {
  /// Ten pictures of each of two classes, red cats and blue dogs; the brightness tells them apart.
  private func pets(_ split: String, _ count: Int = 10, in folder: DataFolder) throws {
    for index in 0..<count {
      let bright = UInt8(100 + 5 * index)
      try folder.write(
        PictureFile.png(width: 9, height: 12, colour: [bright, 0, 0]), "\(split)/cat/c\(index).png")
      try folder.write(
        PictureFile.png(width: 12, height: 9, colour: [0, 0, bright]), "\(split)/dog/d\(index).PNG")
    }
  }

  @Test func listsClassesAndFilesInOrder() throws {
    let folder = try DataFolder()
    try pets("train", in: folder)
    try pets("val", 2, in: folder)
    try folder.write([], "train/.hidden/x.png")
    try folder.write([], "train/notes.txt")
    try folder.write([], "train/cat/notes.txt")
    try folder.write([], "train/cat/.DS_Store")
    let list = try PictureFolder(path: folder.path)
    #expect(list.classNames == ["cat", "dog"])
    #expect(list.train.count == 20 && list.test.count == 4)
    #expect(list.test.map(\.label) == [0, 0, 1, 1])
    #expect(list.train.allSatisfy { $0.path.contains($0.label == 0 ? "/cat/" : "/dog/") })
    #expect(list.leftOut.map(\.path) == [folder.path + "/train/cat/notes.txt"])
    // The first half is not all of one class.
    #expect(Set(list.train.prefix(10).map(\.label)) == [0, 1])
  }

  @Test func holdsOutTheSameFifthOfEachClass() throws {
    let (folder, other) = (try DataFolder(), try DataFolder())
    for folder in [folder, other] { try pets("train", in: folder) }
    let list = try PictureFolder(path: folder.path)
    #expect(list.test.map(\.label) == [0, 0, 1, 1] && list.train.count == 16)
    #expect(Set(list.train).isDisjoint(with: list.test))
    let names = [list, try PictureFolder(path: other.path)].map {
      ($0.train + $0.test).map { ($0.path as NSString).lastPathComponent }
    }
    #expect(names[0] == names[1])
  }

  @Test(arguments: PictureFolder.testFolders)
  func testsWithWhatOthersCallIt(name: String) throws {
    let folder = try DataFolder()
    try pets("train", in: folder)
    try pets(name, 3, in: folder)
    let list = try PictureFolder(path: folder.path)
    #expect(list.train.count == 20 && list.test.count == 6 && list.remarks.isEmpty)
    #expect(list.test.allSatisfy { $0.path.hasPrefix(folder.path + "/" + name) })
  }

  @Test func saysWhichFolderItDoesNotTestWith() throws {
    let folder = try DataFolder()
    try pets("train", in: folder)
    // Pictures without classes, as competitions hand them out.
    try folder.write([], "test/1.png")
    let held = try PictureFolder(path: folder.path)
    #expect(held.test.count == 4)
    #expect(held.remarks.count == 1 && held.remarks[0].hasPrefix(folder.path + "/test is not used"))
    try pets("valid", 3, in: folder)
    try pets("test", 2, in: folder)
    let list = try PictureFolder(path: folder.path)
    #expect(list.test.count == 6)
    #expect(
      list.remarks == [
        "\(folder.path)/test is not used; \(folder.path)/valid is what is tested with"
      ])
  }

  @Test func foldersBelowAClassBelongToIt() throws {
    let folder = try DataFolder()
    try pets("train", 2, in: folder)
    try folder.write([], "train/cat/indoor/sofa/a.png")
    try folder.write([], "train/cat/indoor/b.jpg")
    try folder.write([], "train/dog/x.png/c.png")
    // Ways in a circle end.
    symlink("..", folder.path + "/train/cat/up")
    symlink("indoor", folder.path + "/train/cat/same")
    try pets("val", 1, in: folder)
    let list = try PictureFolder(path: folder.path)
    let names = list.train.map { $0.path.dropFirst(folder.path.count + 7) }
    #expect(
      Set(names) == [
        "cat/c0.png", "cat/c1.png", "cat/indoor/b.jpg", "cat/indoor/sofa/a.png",
        "cat/same/b.jpg", "cat/same/sofa/a.png", "dog/d0.PNG", "dog/d1.PNG", "dog/x.png/c.png",
        "cat/up/dog/d0.PNG", "cat/up/dog/d1.PNG", "cat/up/dog/x.png/c.png",
      ])
    #expect(list.leftOut.map(\.path) == [folder.path + "/train/cat/up/cat"])
  }

  @Test func namesWhatIsMissing() throws {
    let folder = try DataFolder()
    expectFault(.missing, in: folder.path + "/train", saying: ["named after their classes"]) {
      _ = try PictureFolder(path: folder.path)
    }
    try folder.write([], "train/cat/a.png")
    expectFault(.wrongCount, in: "train", saying: ["1 folders", "2 to"]) {
      _ = try PictureFolder(path: folder.path)
    }
    try folder.write([], "train/dog/a.gif")
    expectFault(.missing, in: "train/dog", saying: [".png, .jpg or .jpeg"]) {
      _ = try PictureFolder(path: folder.path)
    }
    try folder.write([], "train/dog/a.jpg")
    expectFault(.missing, in: folder.path, saying: ["to test with"]) {
      _ = try PictureFolder(path: folder.path)
    }
    try folder.write([], "val/cow/a.png")
    expectFault(.wrongLabel, in: "val/cow", saying: ["cat, dog"]) {
      _ = try PictureFolder(path: folder.path)
    }
  }

  @Test(.enabled(if: Picture.isTested)) func readsScalesAndLabels() throws {
    let folder = try DataFolder()
    try pets("train", in: folder)
    try pets("val", 3, in: folder)
    var parts: [Double] = []
    let data = try DatasetSource.folder.load(path: folder.path, imageSize: 16) {
      parts.append($0)
    }
    #expect(parts == parts.sorted() && parts.last == 1)
    #expect((data.train.channels, data.train.height, data.train.width) == (3, 16, 16))
    #expect(data.train.count == 20 && data.test.count == 6 && data.leftOut.isEmpty)
    #expect(data.train.classNames == ["cat", "dog"])
    #expect(data.augmentation == Augmentation(padding: 2, flips: true))
    let test = try data.test.pixels
    for index in 0..<data.test.count {
      let pixel = (0..<3).map { test[index * 768 + $0 * 256 + 17] }
      let bright = UInt8(100 + 5 * (index % 3))
      #expect(pixel == (data.test.labels[index] == 0 ? [bright, 0, 0] : [0, 0, bright]))
    }
    let few = try DatasetSource.folder.load(path: folder.path, trainCount: 4, testCount: 1)
    #expect(few.train.count == 4 && few.test.count == 1 && few.train.width == 32)
    #expect(few.train.classNames == ["cat", "dog"])
  }

  @Test(.enabled(if: Picture.isTested)) func leavesOutBrokenFilesAndNamesThem() throws {
    let folder = try DataFolder()
    try pets("train", in: folder)
    try pets("val", 1, in: folder)
    try folder.write([1, 2, 3], "train/cat/bad.jpg")
    try folder.write([], "val/dog/empty.png")
    try folder.write([], "train/dog/folder.png/inside.txt")
    let pipe = folder.path + "/train/dog/pipe.png"
    #expect(mkfifo(pipe, 0o600) == 0)
    let data = try DatasetSource.folder.load(path: folder.path)
    #expect(data.train.count == 20 && data.test.count == 2)
    let reasons = Dictionary(
      uniqueKeysWithValues: data.leftOut.map {
        (String($0.path.dropFirst(folder.path.count)), $0.reason)
      })
    #expect(
      reasons == [
        "/train/cat/bad.jpg": "neither a PNG nor a JPEG file",
        "/val/dog/empty.png": "an empty file",
        "/train/dog/folder.png/inside.txt": "not a .png, .jpg or .jpeg file",
        "/train/dog/pipe.png": "no regular file",
      ])
  }

  @Test(.enabled(if: Picture.isTested)) func refusesASplitOfBrokenFiles() throws {
    let folder = try DataFolder()
    try pets("train", in: folder)
    try folder.write([9], "val/cat/a.png")
    try folder.write([9], "val/dog/b.png")
    expectFault(.unreadable, in: "val/cat/a.png", saying: ["neither", "2", "test split"]) {
      _ = try DatasetSource.folder.load(path: folder.path)
    }
  }

  @Test(.enabled(if: Picture.isTested)) func aNetworkLearnsFromThem() throws {
    let folder = try DataFolder()
    try pets("train", 20, in: folder)
    var configuration = TrainingConfiguration()
    configuration.model = .mlp
    configuration.width = 0.1
    configuration.data = .folder
    configuration.batch = 8
    configuration.epochs = 5
    configuration.learningRate = 0.02
    configuration.pruning.granularity = .dense
    configuration.pruning.balanced = .none
    let data = try DatasetSource.folder.load(path: folder.path, imageSize: 8)
    let trainer = try Trainer(configuration, data: data, engine: .init(threads: 1), folder: nil)
    #expect(try trainer.run())
    #expect(trainer.progress.testAccuracy == 1)
  }

  @Test(.enabled(if: !Picture.isReadable)) func tellsWhatToInstall() throws {
    let folder = try DataFolder()
    try pets("train", in: folder)
    expectFault(.notBuilt, in: folder.path, saying: ["libpng-dev", "swift build"]) {
      _ = try DatasetSource.folder.load(path: folder.path)
    }
  }
}
