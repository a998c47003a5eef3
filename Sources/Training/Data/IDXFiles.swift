// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The IDX files of MNIST and of the sets that copy its format: grey images and labels apart, a
/// big-endian header, one byte a value, perhaps compressed.
enum IDXFiles {
  static let home = "http://yann.lecun.com/exdb/mnist/"

  /// The most rows or columns an image may have.
  static let largestSide = 1024

  /// Reads both splits from the folder `path`.
  ///
  /// The classes are 0 up to the highest label of the training split.
  static func load(path: String, progress: (Double) -> Void) throws(DatasetError) -> Dataset {
    let trainImages = try images(path, "train-images")
    progress(0.7)
    let trainLabels = try labels(path, "train-labels", count: trainImages.count, classes: 256)
    progress(0.8)
    let testImages = try images(path, "t10k-images")
    guard (testImages.height, testImages.width) == (trainImages.height, trainImages.width) else {
      throw DatasetError(
        fault: .wrongDimensions, file: testImages.file,
        found: "images of \(testImages.height)x\(testImages.width)",
        expected: "\(trainImages.height)x\(trainImages.width) as in the training split", home: home)
    }
    let classes = Int(trainLabels.max() ?? 0) + 1
    let testLabels = try labels(path, "t10k-labels", count: testImages.count, classes: classes)
    progress(1)
    let sets = [(trainImages, trainLabels), (testImages, testLabels)].map { images, labels in
      ImageSet(
        channels: 1, height: images.height, width: images.width,
        classNames: (0..<classes).map(String.init), pixels: images.pixels, labels: labels)
    }
    return Dataset(name: "idx", train: sets[0], test: sets[1], augmentation: .crop)
  }

  private struct Images {
    let file: String
    let count: Int
    let height: Int
    let width: Int
    let pixels: [UInt8]
  }

  private static func images(_ folder: String, _ stem: String) throws(DatasetError) -> Images {
    let file = try open(folder, stem, dimensions: 3)
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

  private static func labels(_ folder: String, _ stem: String, count: Int, classes: Int)
    throws(DatasetError) -> [UInt16]
  {
    let file = try open(folder, stem, dimensions: 1)
    let found = try header(file, dimensions: 1)[0]
    guard found == count else {
      throw DatasetError(
        fault: .wrongCount, file: file.path, found: "\(grouped(found)) labels",
        expected: "\(grouped(count)), one an image", home: home)
    }
    let labels = try file.readRest(count)
    if let wrong = labels.firstIndex(where: { $0 >= classes }) {
      throw DatasetError(
        fault: .wrongLabel, file: file.path,
        found: "label \(labels[wrong]) of image \(grouped(wrong))",
        expected: "0...\(classes - 1), the labels of the training split", home: home)
    }
    return labels.map(UInt16.init)
  }

  /// Opens the first of the usual names that is there.
  private static func open(_ folder: String, _ stem: String, dimensions: Int)
    throws(DatasetError) -> DataFile
  {
    let names = ["-", "."].flatMap { separator in
      ["", ".gz"].map { "\(stem)\(separator)idx\(dimensions)-ubyte\($0)" }
    }
    let name = names.first { FileManager.default.fileExists(atPath: folder + "/" + $0) }
    return try DataFile(
      path: folder + "/" + (name ?? names[0]),
      expected: "a file \(names.joined(separator: " or "))", home: home)
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
