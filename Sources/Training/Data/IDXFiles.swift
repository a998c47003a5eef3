// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The IDX files of MNIST and of the sets in its format: grey images and labels in separate files, a
/// big-endian header, one byte a value, perhaps compressed.
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
    let file = try place.open("images", of: splits, dimensions: 3)
    let sides = try header(file, dimensions: 3)
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
    let file = try place.open("labels", of: splits, dimensions: 1)
    let found = try header(file, dimensions: 1)[0]
    guard found == count else {
      throw DatasetError(
        fault: .wrongCount, file: file.path, found: "\(grouped(found)) labels",
        expected: "\(grouped(count)), one an image", home: home)
    }
    let labels = try file.readRest(count)
    if let wrong = labels.firstIndex(where: { !classes.contains(Int($0)) }) {
      throw DatasetError(
        fault: .wrongLabel, file: file.path,
        found: "label \(labels[wrong]) of image \(grouped(wrong))",
        expected: "\(classes.lowerBound)...\(classes.upperBound), the labels of the training split",
        home: home)
    }
    return labels.map(UInt16.init)
  }

  /// The sizes that the header gives, none of them 0 and their product no more than a file may hold.
  private static func header(_ file: DataFile, dimensions: Int) throws(DatasetError) -> [Int] {
    let bytes = try file.read(4 + 4 * dimensions)
    let magic: [UInt8] = [0, 0, 8, UInt8(dimensions)]
    guard bytes.prefix(4).elementsEqual(magic) else {
      throw DatasetError(
        fault: .wrongMagic, file: file.path, found: "the first bytes \(Array(bytes.prefix(4)))",
        expected: "\(magic), the mark of bytes in \(dimensions) dimensions", home: home)
    }
    guard bytes.count == 4 + 4 * dimensions else {
      throw DatasetError(
        fault: .wrongSize, file: file.path, found: "\(bytes.count) bytes",
        expected: "a header of \(4 + 4 * dimensions) bytes", home: home)
    }
    let sides = (1...dimensions).map { dimension in
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
    return sides
  }
}
