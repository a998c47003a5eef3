// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Training

@Suite struct IDXFilesTests {
  static func header(_ sides: [Int]) -> [UInt8] {
    [0, 0, 8, UInt8(sides.count)]
      + sides.flatMap { side in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: side >> $0) } }
  }

  /// Four training images of 2x3 and two test images, with consecutive pixels.
  static func write(_ folder: DataFolder, separator: String = "-") throws {
    for (stem, count) in [("train", 4), ("t10k", 2)] {
      let pixels = (0..<UInt8(count * 6)).map { $0 }
      try folder.write(
        header([count, 2, 3]) + pixels, "\(stem)-images\(separator)idx3-ubyte")
      try folder.write(
        header([count]) + [2, 0, 1, 9].prefix(count), "\(stem)-labels\(separator)idx1-ubyte")
    }
  }

  static let names = [
    "train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
  ]

  static func expectSmallSet(_ data: Dataset) throws {
    #expect((data.train.channels, data.train.height, data.train.width) == (1, 2, 3))
    #expect(data.train.labels == [2, 0, 1, 9] && data.test.labels == [2, 0])
    #expect(try data.train.pixels == (0..<24).map { $0 } && data.test.count == 2)
    #expect(data.train.classNames == (0..<10).map(String.init))
    #expect(!data.augmentation.flips)
  }

  @Test(arguments: ["-", "."])
  func readsBothSpellings(separator: String) throws {
    let folder = try DataFolder()
    try Self.write(folder, separator: separator)
    try Self.expectSmallSet(DatasetSource.idx.load(path: folder.path))
  }

  @Test func readsCompressedFiles() throws {
    let folder = try DataFolder()
    try Self.write(folder)
    for name in Self.names { try folder.compress(name) }
    try Self.expectSmallSet(DatasetSource.idx.load(path: folder.path))
  }

  @Test func namesMissingFiles() throws {
    for name in Self.names {
      let folder = try DataFolder()
      try Self.write(folder)
      try FileManager.default.removeItem(atPath: folder.path + "/" + name)
      expectFault(.missing, in: name, saying: [name + ".gz"]) {
        _ = try DatasetSource.idx.load(path: folder.path)
      }
    }
  }

  @Test func refusesTruncationAtEveryByte() throws {
    let folder = try DataFolder()
    try Self.write(folder)
    for name in ["train-images-idx3-ubyte", "t10k-labels-idx1-ubyte"] {
      let whole = try folder.bytes(name)
      for size in 0..<whole.count {
        try folder.write(Array(whole.prefix(size)), name)
        expectFault(size < 4 ? .wrongMagic : .wrongSize, in: name) {
          _ = try DatasetSource.idx.load(path: folder.path)
        }
      }
      try folder.write(whole + [0], name)
      expectFault(.wrongSize, in: name, saying: ["more"]) {
        _ = try DatasetSource.idx.load(path: folder.path)
      }
      try folder.write(whole, name)
    }
  }

  @Test func refusesAWrongMagic() throws {
    let folder = try DataFolder()
    try Self.write(folder)
    for (byte, value) in [(0, UInt8(1)), (1, 1), (2, 13), (3, 1)] {
      var bytes = Self.header([4, 2, 3])
      bytes[byte] = value
      try folder.write(bytes, Self.names[0])
      expectFault(.wrongMagic, in: Self.names[0], saying: ["[0, 0, 8, 3]"]) {
        _ = try DatasetSource.idx.load(path: folder.path)
      }
    }
  }

  @Test(arguments: [
    [0, 2, 3], [4, 0, 3], [4, 2, 0], [4, 1025, 1], [4, 1, 5000],
    [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [2_000_000, 28, 28],
  ])
  func refusesAbsurdSizes(sides: [Int]) throws {
    let folder = try DataFolder()
    try Self.write(folder)
    try folder.write(Self.header(sides), Self.names[0])
    expectFault(.wrongDimensions, in: Self.names[0]) {
      _ = try DatasetSource.idx.load(path: folder.path)
    }
  }

  @Test func refusesSplitsThatDoNotMatch() throws {
    let folder = try DataFolder()
    try Self.write(folder)
    try folder.write(Self.header([3]) + [0, 1, 2], Self.names[1])
    expectFault(.wrongCount, in: Self.names[1], saying: ["3 labels", "expected 4"]) {
      _ = try DatasetSource.idx.load(path: folder.path)
    }
    try Self.write(folder)
    try folder.write(Self.header([2]) + [1, 10], Self.names[3])
    expectFault(.wrongLabel, in: Self.names[3], saying: ["label 10 of image 1", "0...9"]) {
      _ = try DatasetSource.idx.load(path: folder.path)
    }
    try folder.write(Self.header([2, 3, 2]) + [UInt8](repeating: 0, count: 12), Self.names[2])
    expectFault(.wrongDimensions, in: Self.names[2], saying: ["3x2", "2x3"]) {
      _ = try DatasetSource.idx.load(path: folder.path)
    }
  }

  @Test(arguments: [false, true])
  func readsPublishedNames(compressed: Bool) throws {
    let folder = try DataFolder()
    try Self.write(folder)
    for name in Self.names {
      let published = "emnist-letters-" + name.replacing("t10k", with: "test")
      try FileManager.default.moveItem(
        atPath: folder.path + "/" + name, toPath: folder.path + "/" + published)
      if compressed { try folder.compress(published) }
    }
    try Self.expectSmallSet(DatasetSource.idx.load(path: folder.path))
    try Self.expectSmallSet(DatasetSource.idx.load(path: folder.path + "/emnist-letters"))
    // With another set in the folder, one has to be chosen.
    for name in Self.names {
      try folder.write([], "emnist-digits-" + name.replacing("t10k", with: "test"))
    }
    expectFault(
      .wrongCount, in: folder.path, saying: ["emnist-digits, emnist-letters", "/emnist-digits"]
    ) { _ = try DatasetSource.idx.load(path: folder.path) }
    if !compressed {
      try Self.expectSmallSet(DatasetSource.idx.load(path: folder.path + "/emnist-letters"))
    }
    expectFault(.missing, in: "emnist-mnist", saying: ["train-images-idx3-ubyte"]) {
      _ = try DatasetSource.idx.load(path: folder.path + "/emnist-mnist")
    }
  }

  /// The labels of QMNIST are whole numbers, eight an image: the class, and where the image comes from.
  @Test(arguments: [false, true])
  func readsTheLabelsOfQMNIST(compressed: Bool) throws {
    let folder = try DataFolder()
    try Self.write(folder)
    for (name, count) in zip(Self.names, [4, 4, 2, 2]) {
      var published = "qmnist-" + name.replacing("t10k", with: "test")
      var bytes = try folder.bytes(name)
      if name.contains("labels") {
        published = published.replacing("idx1-ubyte", with: "idx2-int")
        let labels = bytes.suffix(count)
        bytes = Self.header([count, 8])
        bytes[2] = 12
        for label in labels { bytes += [0, 0, 0, label] + (1...28).map { $0 } }
      }
      try folder.write(bytes, published)
      if compressed { try folder.compress(published) }
      try FileManager.default.removeItem(atPath: folder.path + "/" + name)
    }
    try Self.expectSmallSet(DatasetSource.idx.load(path: folder.path))
    if compressed { return }
    // Labels that no byte holds, or that are below 0, are named as they are.
    for (bytes, label) in [([0, 0, 1, 0], "256"), ([255, 255, 255, 254], "-2")]
      as [([UInt8], String)]
    {
      let name = "qmnist-train-labels-idx2-int"
      let whole = try folder.bytes(name)
      var changed = whole
      changed.replaceSubrange(12 + 32..<12 + 36, with: bytes)
      try folder.write(changed, name)
      expectFault(.wrongLabel, in: name, saying: ["label \(label) of image 1", "0...255"]) {
        _ = try DatasetSource.idx.load(path: folder.path)
      }
      try folder.write(whole.dropLast(), name)
      expectFault(.wrongSize, in: name) { _ = try DatasetSource.idx.load(path: folder.path) }
      try folder.write(whole, name)
    }
  }

  @Test func labelsMayStartAnywhere() throws {
    let folder = try DataFolder()
    try Self.write(folder)
    #expect(
      try DatasetSource.idx.load(path: folder.path).remarks == [
        "No training image has the label 3, 4, 5, 6, 7, 8, so that 6 of the 10 classes have "
          + "nothing to learn from"
      ])
    try folder.write(Self.header([4]) + [1, 2, 3, 1], Self.names[1])
    try folder.write(Self.header([2]) + [3, 2], Self.names[3])
    let data = try DatasetSource.idx.load(path: folder.path)
    #expect(data.train.classNames == ["1", "2", "3"])
    #expect(data.train.labels == [0, 1, 2, 0] && data.test.labels == [2, 1])
    #expect(data.remarks == ["The labels start at 1, which is the network's first class"])
    let few = try DatasetSource.idx.load(path: folder.path, trainCount: 2)
    #expect(few.remarks == data.remarks)
    try folder.write(Self.header([2]) + [3, 0], Self.names[3])
    expectFault(.wrongLabel, in: Self.names[3], saying: ["label 0 of image 1", "1...3"]) {
      _ = try DatasetSource.idx.load(path: folder.path)
    }
  }
}
