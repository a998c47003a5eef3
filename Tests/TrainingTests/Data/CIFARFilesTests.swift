// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Training

@Suite struct CIFARFilesTests {
  /// A record whose pixel p is (first + p) modulo 256.
  static func record(_ labels: [UInt8], first: Int) -> [UInt8] {
    labels + (0..<3072).map { UInt8(truncatingIfNeeded: first + $0) }
  }

  /// A small CIFAR-10: image i of the training split has label i and pixels from i on.
  static func writeTen(_ folder: DataFolder, under prefix: String = "") throws {
    for file in 0..<5 {
      let images = [2 * file, 2 * file + 1]
      try folder.write(
        images.flatMap { record([UInt8($0)], first: $0) }, prefix + "data_batch_\(file + 1).bin")
    }
    try folder.write(record([9], first: 100), prefix + "test_batch.bin")
  }

  @Test(arguments: ["", "cifar-10-batches-bin/"])
  func readsCIFAR10(prefix: String) throws {
    let folder = try DataFolder()
    try Self.writeTen(folder, under: prefix)
    var parts: [Double] = []
    let data = try DatasetSource.cifar10.load(path: folder.path) { parts.append($0) }
    #expect(parts == parts.sorted() && parts.last == 1)
    #expect(data.name == "cifar10")
    #expect(data.train.count == 10 && data.test.count == 1)
    #expect((data.train.channels, data.train.height, data.train.width) == (3, 32, 32))
    #expect(data.train.labels == Array(0..<10))
    #expect(data.train.classNames[9] == "truck")
    #expect(try data.train.pixels[3 * 3072 + 5] == 8)
    #expect(try data.test.labels == [9] && data.test.pixels[0] == 100)
    #expect(data.augmentation == .cropAndFlip)
  }

  @Test func readsTheNamesOfTheClasses() throws {
    let folder = try DataFolder()
    try Self.writeTen(folder)
    let names = (0..<10).map { "name\($0)" }
    try folder.write(Array((names.joined(separator: "\n") + "\n\n").utf8), "batches.meta.txt")
    #expect(try DatasetSource.cifar10.load(path: folder.path).test.classNames == names)
    try folder.write(Array("one\ntwo\n".utf8), "batches.meta.txt")
    expectFault(.wrongCount, in: "batches.meta.txt", saying: ["2 names", "10 names"]) {
      _ = try DatasetSource.cifar10.load(path: folder.path)
    }
  }

  @Test(arguments: ["", "cifar-100-binary/"])
  func readsTheFineLabelsOfCIFAR100(prefix: String) throws {
    let folder = try DataFolder()
    try folder.write(
      Self.record([19, 99], first: 0) + Self.record([0, 7], first: 9), prefix + "train.bin")
    try folder.write(Self.record([3, 42], first: 1), prefix + "test.bin")
    let data = try DatasetSource.cifar100.load(path: folder.path)
    #expect(data.train.labels == [99, 7] && data.test.labels == [42])
    #expect(data.train.classes == 100)
    #expect(try data.train.pixels[3072] == 9)
  }

  @Test func limitsTheNumberOfImages() throws {
    let folder = try DataFolder()
    try Self.writeTen(folder)
    let data = try DatasetSource.cifar10.load(path: folder.path, trainCount: 3, testCount: 7)
    #expect(data.train.labels == [0, 1, 2] && data.test.count == 1)
  }

  @Test func namesMissingFiles() throws {
    expectFault(.missing, in: "cifar10", saying: ["no path"]) {
      _ = try DatasetSource.cifar10.load()
    }
    let folder = try DataFolder()
    let names = ["test_batch.bin", "cifar-10-batches-bin"]
    expectFault(.missing, in: "data_batch_1.bin", saying: names) {
      _ = try DatasetSource.cifar10.load(path: folder.path)
    }
    try Self.writeTen(folder)
    try FileManager.default.removeItem(atPath: folder.path + "/data_batch_4.bin")
    expectFault(.missing, in: "data_batch_4.bin", saying: ["a multiple of 3,073 bytes"]) {
      _ = try DatasetSource.cifar10.load(path: folder.path)
    }
  }

  @Test(arguments: [0, 1, 1000, 3072, 3074, 6145])
  func refusesTruncatedFiles(size: Int) throws {
    let folder = try DataFolder()
    try Self.writeTen(folder)
    try folder.write([UInt8](repeating: 0, count: size), "test_batch.bin")
    expectFault(
      .wrongSize, in: "test_batch.bin", saying: ["found \(grouped(size)) bytes", "3,073 bytes"]
    ) { _ = try DatasetSource.cifar10.load(path: folder.path) }
  }

  @Test func refusesWrongLabels() throws {
    let folder = try DataFolder()
    try Self.writeTen(folder)
    try folder.write(
      Self.record([9], first: 0) + Self.record([10], first: 0), "data_batch_3.bin")
    expectFault(
      .wrongLabel, in: "data_batch_3.bin", saying: ["label 10", "record 1", "0...9"]
    ) { _ = try DatasetSource.cifar10.load(path: folder.path) }
    try folder.write(Self.record([20, 1], first: 0), "train.bin")
    expectFault(.wrongLabel, in: "train.bin", saying: ["label 20 in byte 0", "0...19"]) {
      _ = try DatasetSource.cifar100.load(path: folder.path)
    }
    try folder.write(Self.record([1, 100], first: 0), "train.bin")
    expectFault(.wrongLabel, in: "train.bin", saying: ["label 100 in byte 1", "0...99"]) {
      _ = try DatasetSource.cifar100.load(path: folder.path)
    }
  }
}
