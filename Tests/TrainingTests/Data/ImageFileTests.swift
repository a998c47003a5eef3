// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor
import Testing

@testable import Training

@Suite struct ImageFileTests {
  private static let images: [[UInt8]] = (0..<5).map { image in
    (0..<12).map { UInt8(40 * image + $0) }
  }
  private static let leftOut = LeftOutFile(path: "b.png", reason: "broken")

  private func write(_ path: String, fingerprint: String = "print") throws -> ImageFile {
    let writer = try ImageFileWriter(path: path, fingerprint: fingerprint, channels: 3, plane: 4)
    for (label, image) in Self.images.enumerated() {
      try writer.append(image, label: UInt16(label))
      if label == 2 { writer.leaveOut(Self.leftOut) }
    }
    return try writer.finish()
  }

  private func images(_ file: ImageFile) throws -> [[UInt8]] {
    try file.index.labels.indices.map { image in
      var bytes = [UInt8](repeating: 0, count: 12)
      try file.read(image, into: &bytes)
      return bytes
    }
  }

  @Test func readsWhatWasWritten() throws {
    let folder = try DataFolder()
    let written = try write(folder.path + "/a")
    let file = try #require(ImageFile(path: folder.path + "/a", fingerprint: "print"))
    #expect(file.index == written.index)
    for file in [file, written] { #expect(try images(file) == Self.images) }
    #expect(file.index.labels == [0, 1, 2, 3, 4] && file.index.leftOut == [Self.leftOut])
    let set = ImageSet(
      file, channels: 3, height: 2, width: 2, classNames: (0..<5).map(String.init))
    let inMemory = ImageSet(
      channels: 3, height: 2, width: 2, classNames: set.classNames,
      pixels: Array(Self.images.joined()), labels: set.labels)
    #expect(try set.pixels == inMemory.pixels && set.histogram == inMemory.histogram)
    #expect(set.histogram.count == 768 && set.histogram.reduce(0, +) == 60)
    #expect(try set.prefix(2).pixels == Array(Self.images[..<2].joined()))
    // The file is the images' values, for other programs.
    #expect(try folder.bytes("a").starts(with: Self.images.joined()))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a"])
  }

  @Test func isForItsFingerprintOnly() throws {
    let folder = try DataFolder()
    _ = try write(folder.path + "/a")
    #expect(ImageFile(path: folder.path + "/a", fingerprint: "other") == nil)
    #expect(ImageFile(path: folder.path + "/b", fingerprint: "print") == nil)
    #expect(ImageFile(path: folder.path, fingerprint: "print") == nil)
  }

  /// Every truncation, and every byte changed: not opened, or found when the image is read.
  @Test func noDamageIsTrusted() throws {
    let folder = try DataFolder()
    let path = folder.path + "/a"
    _ = try write(path)
    let whole = try folder.bytes("a")
    for count in 0..<whole.count {
      try folder.write(Array(whole.prefix(count)), "a")
      #expect(ImageFile(path: path, fingerprint: "print") == nil, "\(count) bytes")
    }
    for change in [whole + [0], [0] + whole, whole.dropFirst(12) + [], whole + whole] {
      try folder.write(change, "a")
      #expect(ImageFile(path: path, fingerprint: "print") == nil)
    }
    for place in whole.indices {
      var bytes = whole
      bytes[place] ^= 1 << UInt8(place % 8)
      try folder.write(bytes, "a")
      let file = ImageFile(path: path, fingerprint: "print")
      #expect((file != nil) == (place < 60), "byte \(place)")
      guard let file else { continue }
      expectFault(.wrongChecksum, in: path, saying: ["image \(place / 12)"]) {
        _ = try images(file)
      }
      // Later readers do not find it.
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func aFileThatShrinksWhileItIsOpenIsAnError() throws {
    let folder = try DataFolder()
    let file = try write(folder.path + "/a")
    try #require(truncate(folder.path + "/a", 50) == 0)
    expectFault(.unreadable, in: folder.path + "/a", saying: ["the end of the file"]) {
      _ = try images(file)
    }
  }

  @Test func staysReadableWhenItIsRemovedOrReplaced() throws {
    let folder = try DataFolder()
    let first = try write(folder.path + "/a")
    let second = try write(folder.path + "/a", fingerprint: "newer")
    try FileManager.default.removeItem(atPath: folder.path + "/a")
    #expect(try images(first) == Self.images && images(second) == Self.images)
  }

  @Test func isWrittenWholeOrNotAtAll() throws {
    let folder = try DataFolder()
    func names() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }
    _ = try write(folder.path + "/a")
    let before = try folder.bytes("a")
    do {
      let writer = try ImageFileWriter(
        path: folder.path + "/a", fingerprint: "f", channels: 3, plane: 4)
      try writer.append(Self.images[0], label: 0)
      #expect(try names().count == 2)
      // The remains of a program that was killed go, those of one that lives stay.
      try folder.write([1, 2], "a.dead.part")
      ImageFileWriter.removeLeftovers(in: folder.path)
      #expect(try names().count == 2 && names()[1] != "a.dead.part")
      try writer.append(Self.images[1], label: 0)
    }
    #expect(try names() == ["a"])
    #expect(try folder.bytes("a") == before)
    #expect(throws: FileError.self) { try write(folder.path + "/none/a") }
  }
}
