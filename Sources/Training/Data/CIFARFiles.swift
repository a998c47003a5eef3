// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The binary files of CIFAR-10 and CIFAR-100: records of one or two labels and 3,072 pixels,
/// [channel][row][column], red first.
struct CIFARFiles {
  static let home = "https://www.cs.toronto.edu/~kriz/cifar.html"

  let name: String
  /// The folder that the official archive unpacks to.
  let folder: String
  let trainFiles: [String]
  let testFile: String
  /// The number of values each label byte of a record may take; the last label is the class.
  let labelLimits: [Int]
  /// The file with the names of the classes, one a line, which may be missing.
  let namesFile: String
  let defaultNames: [String]

  static let ten = CIFARFiles(
    name: "cifar10", folder: "cifar-10-batches-bin",
    trainFiles: (1...5).map { "data_batch_\($0).bin" }, testFile: "test_batch.bin",
    labelLimits: [10], namesFile: "batches.meta.txt",
    defaultNames: [
      "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ])

  static let hundred = CIFARFiles(
    name: "cifar100", folder: "cifar-100-binary", trainFiles: ["train.bin"], testFile: "test.bin",
    labelLimits: [20, 100], namesFile: "fine_label_names.txt",
    defaultNames: (0..<100).map { "class \($0)" })

  /// Reads both splits from `path`, the folder of the files or the one that contains it.
  func load(path: String, progress: (Double) -> Void) throws(DatasetError) -> Dataset {
    let base = try locate(path)
    let names = try classNames(base)
    let files = trainFiles + [testFile]
    var train: (pixels: [UInt8], labels: [UInt16]) = ([], [])
    for (done, file) in trainFiles.enumerated() {
      try append(base + "/" + file, to: &train)
      progress(Double(done + 1) / Double(files.count))
    }
    var test: (pixels: [UInt8], labels: [UInt16]) = ([], [])
    try append(base + "/" + testFile, to: &test)
    progress(1)
    let sets = [train, test].map {
      ImageSet(
        channels: 3, height: 32, width: 32, classNames: names, pixels: $0.pixels, labels: $0.labels)
    }
    return Dataset(name: name, train: sets[0], test: sets[1], augmentation: .cropAndFlip)
  }

  private func locate(_ path: String) throws(DatasetError) -> String {
    let candidates = [path, path + "/" + folder]
    let found = candidates.first {
      FileManager.default.fileExists(atPath: $0 + "/" + trainFiles[0])
    }
    guard let found else {
      throw DatasetError(
        fault: .missing, file: path + "/" + trainFiles[0],
        found: "no such file, nor one in \(folder)/",
        expected: "the folder with \((trainFiles + [testFile]).joined(separator: ", "))",
        home: Self.home)
    }
    return found
  }

  private func append(_ path: String, to split: inout (pixels: [UInt8], labels: [UInt16]))
    throws(DatasetError)
  {
    let record = labelLimits.count + 3072
    let expected = "a multiple of \(grouped(record)) bytes, one record an image"
    let file = try DataFile(path: path, expected: expected, home: Self.home)
    let size = file.size
    guard size > 0, size % record == 0 else {
      throw DatasetError(
        fault: .wrongSize, file: path, found: "\(grouped(size)) bytes", expected: expected,
        home: Self.home)
    }
    let bytes = try file.readRest(size)
    for image in 0..<size / record {
      let first = image * record
      for (field, limit) in labelLimits.enumerated() where bytes[first + field] >= limit {
        throw DatasetError(
          fault: .wrongLabel, file: path,
          found: "label \(bytes[first + field]) in byte \(field) of record \(grouped(image))",
          expected: "a label in 0...\(limit - 1)", home: Self.home)
      }
      split.labels.append(UInt16(bytes[first + labelLimits.count - 1]))
      split.pixels.append(contentsOf: bytes[first + labelLimits.count..<first + record])
    }
  }

  private func classNames(_ base: String) throws(DatasetError) -> [String] {
    let path = base + "/" + namesFile
    guard FileManager.default.fileExists(atPath: path) else { return defaultNames }
    let expected = "\(defaultNames.count) names of classes, one a line"
    let file = try DataFile(path: path, expected: expected, home: Self.home)
    let text = String(decoding: try file.read(min(file.size, 1 << 16)), as: UTF8.self)
    let names = text.split(whereSeparator: \.isNewline).map(String.init)
    guard names.count == defaultNames.count else {
      throw DatasetError(
        fault: .wrongCount, file: path, found: "\(names.count) names", expected: expected,
        home: Self.home)
    }
    return names
  }
}
