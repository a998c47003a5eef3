// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The IDX files of MNIST and of the sets in its format: grey images and labels in separate files, a
/// big-endian header, one byte a value, perhaps compressed. Labels may be integers of other widths,
/// and the first of several integers per image, as in QMNIST.
enum IDXFiles {
  static let home = "http://yann.lecun.com/exdb/mnist/"

  /// The most rows or columns an image may have.
  static let largestSide = 1024

  /// Reads both splits from the folder `path`, or those files of a folder whose names begin with the
  /// last part of `path`, as `emnist-letters` does for `emnist-letters-train-images-idx3-ubyte`.
  ///
  /// The classes are the lowest up to the highest label of the training split.
  static func load(path: String, progress: (Double) -> Void) throws(DatasetError) -> Dataset {
    let place = try IDXPlace(path)
    let trainImages = try images(place, ["train"])
    progress(0.7)
    let trainLabels = try labels(place, ["train"], count: trainImages.count, classes: 0...255)
    progress(0.8)
    let testImages = try images(place, IDXPlace.testSplits)
    guard (testImages.height, testImages.width) == (trainImages.height, trainImages.width) else {
      throw DatasetError(
        fault: .wrongDimensions, file: testImages.file,
        found: "images of \(testImages.height)x\(testImages.width)",
        expected: "\(trainImages.height)x\(trainImages.width) as in the training split", home: home)
    }
    let first = trainLabels.min() ?? 0
    let classes = Int(first)...Int(trainLabels.max() ?? 0)
    let testLabels = try labels(
      place, IDXPlace.testSplits, count: testImages.count, classes: classes)
    progress(1)
    let sets = [(trainImages, trainLabels), (testImages, testLabels)].map { images, labels in
      ImageSet(
        channels: 1, height: images.height, width: images.width,
        classNames: classes.map(String.init), pixels: images.pixels,
        labels: labels.map { $0 - first })
    }
    return Dataset(
      name: "idx", train: sets[0], test: sets[1], augmentation: .crop,
      remarks: remarks(classes, Set(trainLabels.map(Int.init))))
  }

  private static func remarks(_ classes: ClosedRange<Int>, _ present: Set<Int>) -> [String] {
    var remarks: [String] = []
    if classes.lowerBound > 0 {
      remarks.append(
        "The labels start at \(classes.lowerBound), which is the network's first class")
    }
    let absent = classes.filter { !present.contains($0) }
    if !absent.isEmpty {
      let shown = absent.prefix(10).map(String.init).joined(separator: ", ")
      remarks.append(
        "No training image has the label \(shown)\(absent.count > 10 ? ", …" : ""), so that "
          + "\(absent.count) of the \(classes.count) classes have nothing to learn from")
    }
    return remarks
  }

  private struct Images {
    let file: String
    let count: Int
    let height: Int
    let width: Int
    let pixels: [UInt8]
  }

  private static func images(_ place: IDXPlace, _ splits: [String]) throws(DatasetError) -> Images {
    let file = try place.open("images", of: splits, kinds: ["idx3-ubyte"])
    let sides = try header(file, dimensions: 3...3, types: [.byte]).sides
    for (side, name) in zip(sides[1...], ["rows", "columns"]) where side > largestSide {
      throw DatasetError(
        fault: .wrongDimensions, file: file.path, found: "images of \(grouped(side)) \(name)",
        expected: "1...\(grouped(largestSide))", home: home)
    }
    let pixels = try file.readRest(sides.reduce(1, *))
    return Images(
      file: file.path, count: sides[0], height: sides[1], width: sides[2], pixels: pixels)
  }

  private static func labels(
    _ place: IDXPlace, _ splits: [String], count: Int, classes: ClosedRange<Int>
  ) throws(DatasetError) -> [UInt16] {
    let file = try place.open("labels", of: splits, kinds: ["idx1-ubyte", "idx2-int"])
    let (type, sides) = try header(file, dimensions: 1...2, types: ValueType.allCases)
    guard sides[0] == count else {
      throw DatasetError(
        fault: .wrongCount, file: file.path, found: "\(grouped(sides[0])) labels",
        expected: "\(grouped(count)), one an image", home: home)
    }
    let bytes = try file.readRest(sides.reduce(type.byteCount, *))
    let stride = bytes.count / count
    let labels = (0..<count).map { type.value(bytes[(stride * $0)...]) }
    if let wrong = labels.firstIndex(where: { !classes.contains($0) }) {
      throw DatasetError(
        fault: .wrongLabel, file: file.path,
        found: "label \(labels[wrong]) of image \(grouped(wrong))",
        expected: "\(classes.lowerBound)...\(classes.upperBound)"
          + (splits == ["train"] ? "" : ", the labels of the training split"),
        home: home)
    }
    return labels.map(UInt16.init)
  }

  /// What a value of a file is, by the third byte of its header.
  private enum ValueType: UInt8, CaseIterable {
    case byte = 0x08
    case signedByte = 0x09
    case short = 0x0b
    case int = 0x0c

    var byteCount: Int {
      switch self {
      case .byte, .signedByte: 1
      case .short: 2
      case .int: 4
      }
    }

    /// The value that some bytes start with.
    func value(_ bytes: ArraySlice<UInt8>) -> Int {
      let bits = bytes.prefix(byteCount).reduce(0) { $0 << 8 | Int($1) }
      let limit = 1 << (8 * byteCount)
      return self != .byte && bits >= limit / 2 ? bits - limit : bits
    }
  }

  /// The sizes that the header gives, none of them 0 and their product no more than a file may hold.
  private static func header(
    _ file: DataFile, dimensions: ClosedRange<Int>, types: [ValueType]
  ) throws(DatasetError) -> (type: ValueType, sides: [Int]) {
    var bytes = try file.read(4)
    guard bytes.count == 4, bytes.prefix(2).elementsEqual([0, 0]),
      let type = ValueType(rawValue: bytes[2]), types.contains(type),
      dimensions.contains(Int(bytes[3]))
    else {
      let usual: [UInt8] = [0, 0, 8, UInt8(dimensions.lowerBound)]
      throw DatasetError(
        fault: .wrongMagic, file: file.path, found: "the first bytes \(Array(bytes))",
        expected: "\(usual), the mark of bytes in \(dimensions.lowerBound) dimensions",
        home: home)
    }
    let count = Int(bytes[3])
    bytes = try file.read(4 * count)
    guard bytes.count == 4 * count else {
      throw DatasetError(
        fault: .wrongSize, file: file.path, found: "\(4 + bytes.count) bytes",
        expected: "a header of \(4 + 4 * count) bytes", home: home)
    }
    let sides = (0..<count).map { dimension in
      bytes[4 * dimension..<4 * dimension + 4].reduce(0) { $0 << 8 | Int($1) }
    }
    var total = 1
    for side in sides {
      // A side is below 2^32 and the total so far at most 2^30, so this cannot overflow.
      total *= side
      guard side > 0, total <= DataFile.largestSize else {
        throw DatasetError(
          fault: .wrongDimensions, file: file.path,
          found: "sizes \(sides.map(grouped).joined(separator: " x ")) in the header",
          expected: "none of them 0 and at most \(grouped(DataFile.largestSize)) bytes", home: home)
      }
    }
    return (type, sides)
  }
}
