// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// A tar archive (POSIX ustar or GNU), compressed where its name ends in `.gz`.
///
/// Only files and folders below the target are unpacked: an archive with a link, a device, an absolute
/// path or one with `..` is refused as a whole. Extended headers are skipped; their content (names
/// longer than 255 bytes, owners) is of no use for a data set.
struct TarArchive {
  /// The most files and folders in an archive.
  static let mostEntries = 10_000
  /// The most bytes of all files together: 2 GiB.
  static let mostBytes = 1 << 31

  let path: String
  /// The official page of the data set, for errors.
  let home: String

  private struct Entry {
    let name: String
    let size: Int
    let kind: UInt8
  }

  /// Writes all files below `folder`, which must be empty.
  func unpack(to folder: String) throws(DatasetError) {
    let file = try DataFile(path: path, expected: "a tar archive", home: home)
    var (entries, total) = (0, 0)
    while let entry = try header(file) {
      entries += 1
      total += entry.size
      guard entries <= Self.mostEntries, total <= Self.mostBytes else {
        throw failure(
          found: "more than \(grouped(Self.mostEntries)) files or \(grouped(Self.mostBytes)) bytes",
          expected: "a data set")
      }
      switch entry.kind {
      case UInt8(ascii: "0"), 0:
        try write(entry, below: folder, from: file)
      case UInt8(ascii: "5"):
        let target = folder + "/" + (try safePath(entry.name)).joined(separator: "/")
        try system(target) {
          try FileManager.default.createDirectory(
            atPath: target, withIntermediateDirectories: true)
        }
        try copy(entry, from: file) { _ in }
      case UInt8(ascii: "x"), UInt8(ascii: "g"):
        try copy(entry, from: file) { _ in }
      default:
        throw failure(
          found: "\(entry.name), a link or a device, not a regular file "
            + "(type \(Character(UnicodeScalar(entry.kind))))",
          expected: "files and folders")
      }
    }
  }

  /// The next header; nil at the block of zeros that ends the archive.
  private func header(_ file: DataFile) throws(DatasetError) -> Entry? {
    let block = try file.read(512)
    guard block.count == 512 else {
      throw failure(found: "its end within a header", expected: "a block of zeros at the end")
    }
    if block.allSatisfy({ $0 == 0 }) { return nil }
    func text(_ range: Range<Int>) -> String {
      String(decoding: block[range].prefix { $0 != 0 }, as: UTF8.self)
    }
    func number(_ range: Range<Int>) -> Int? {
      Int(text(range).trimmingCharacters(in: .whitespaces), radix: 8)
    }
    let spaces = (148..<156).reduce(0) { $0 + 32 - Int(block[$1]) }
    let sum = block.reduce(0) { $0 + Int($1) } + spaces
    guard number(148..<156) == sum else {
      throw failure(found: "a header with a wrong checksum", expected: "an undamaged tar archive")
    }
    // Twelve octal digits are below 2^36.
    guard let size = number(124..<136), size >= 0 else {
      throw failure(found: "the size \(text(124..<136))", expected: "octal digits")
    }
    // GNU's mark is followed by a space, and it has other things in place of the prefix.
    let prefix = text(257..<263) == "ustar" && block[262] == 0 ? text(345..<500) : ""
    let name = prefix.isEmpty ? text(0..<100) : prefix + "/" + text(0..<100)
    return Entry(name: name, size: size, kind: block[156])
  }

  /// The parts of a path that stays below the folder it is unpacked to.
  private func safePath(_ name: String) throws(DatasetError) -> [String] {
    let parts = name.split(separator: "/").map(String.init).filter { $0 != "." }
    guard !name.hasPrefix("/"), !parts.contains(".."), name.utf8.allSatisfy({ $0 >= 32 }) else {
      throw failure(
        found: "the path \(name.debugDescription)", expected: "paths below the archive's own folder"
      )
    }
    return parts
  }

  private func write(_ entry: Entry, below folder: String, from file: DataFile)
    throws(DatasetError)
  {
    let parts = try safePath(entry.name)
    guard !parts.isEmpty else { throw failure(found: "a file without a name", expected: "names") }
    let parent = ([folder] + parts.dropLast()).joined(separator: "/")
    let target = parent + "/" + parts[parts.count - 1]
    guard !FileManager.default.fileExists(atPath: target) else {
      throw failure(found: "\(entry.name) twice", expected: "each file once")
    }
    var output = FileHandle.nullDevice
    try system(target) {
      try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
      try Data().write(to: URL(fileURLWithPath: target), options: .withoutOverwriting)
      output = try FileHandle(forWritingTo: URL(fileURLWithPath: target))
    }
    try copy(entry, from: file) { bytes throws(DatasetError) in
      try system(target) { try output.write(contentsOf: Data(bytes)) }
    }
    try system(target) { try output.close() }
  }

  /// Passes on the bytes of an entry in pieces, and skips the padding of its last block.
  private func copy(
    _ entry: Entry, from file: DataFile, to target: ([UInt8]) throws(DatasetError) -> Void
  ) throws(DatasetError) {
    var left = entry.size
    while left > 0 {
      let bytes = try file.read(min(left, 1 << 20))
      if bytes.isEmpty { break }
      try target(bytes)
      left -= bytes.count
    }
    let filling = (512 - entry.size % 512) % 512
    guard left == 0, try file.read(filling).count == filling else {
      throw failure(found: "its end within \(entry.name)", expected: "an archive that is whole")
    }
  }

  private func failure(found: String, expected: String) -> DatasetError {
    DatasetError(fault: .wrongArchive, file: path, found: found, expected: expected, home: home)
  }

  /// Runs a file operation that the disk may refuse.
  private func system(_ target: String, _ work: () throws -> Void) throws(DatasetError) {
    do { try work() } catch {
      throw DatasetError(
        fault: .unreadable, file: target,
        found: "that it cannot be written (\(plainReason(error)))",
        expected: "a folder with room for the data set", home: home)
    }
  }
}
