// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// A file of a data set, read piece by piece; one whose name ends in `.gz` is decompressed on the
/// way.
///
/// Nothing is read beyond what is asked for, so a small compressed file cannot fill the memory.
final class DataFile {
  /// The most bytes that a file of a data set may hold: 1 GiB.
  static let largestSize = 1 << 30

  let path: String
  /// The official page of the data set, for errors.
  let home: String
  /// The bytes of the file as it lies on the disk.
  let size: Int
  private let handle: FileHandle
  /// Nil for a file that is not compressed.
  private var gzip: GzipReader?

  /// Opens the regular file at `path`, which `expected` describes for errors.
  init(path: String, expected: String, home: String) throws(DatasetError) {
    func failure(_ fault: DatasetError.Fault, found: String, expected: String) -> DatasetError {
      DatasetError(fault: fault, file: path, found: found, expected: expected, home: home)
    }
    self.path = path
    self.home = home
    let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: target) else {
      throw failure(.missing, found: "no such file", expected: expected)
    }
    guard attributes[.type] as? FileAttributeType == .typeRegular,
      let size = (attributes[.size] as? NSNumber)?.intValue
    else {
      throw failure(
        .unreadable, found: "a folder or a device, not a regular file", expected: expected)
    }
    guard size <= Self.largestSize else {
      throw failure(
        .wrongSize, found: "\(grouped(size)) bytes",
        expected: "at most \(grouped(Self.largestSize)) bytes")
    }
    guard let file = FileHandle(forReadingAtPath: path) else {
      throw failure(.unreadable, found: "a file that may not be read", expected: expected)
    }
    self.size = size
    handle = file
    if path.hasSuffix(".gz") {
      gzip = GzipReader {
        // A file that cannot be read to its end is too short, which the reader detects.
        [UInt8]((try? file.read(upToCount: 1 << 18)) ?? Data())[...]
      }
    }
  }

  deinit { try? handle.close() }

  /// The most bytes that the file can hold once decompressed: deflate shrinks 1,032 times at most.
  private var sizeLimit: Int { gzip == nil ? size : size * 1032 }

  /// The next `count` bytes, fewer where the file ends before.
  func read(_ count: Int) throws(DatasetError) -> [UInt8] {
    if gzip != nil { return try decompressed(count) }
    var bytes: [UInt8] = []
    do {
      while bytes.count < count {
        let piece = try handle.read(upToCount: min(count - bytes.count, 1 << 20)) ?? Data()
        if piece.isEmpty { break }
        bytes.append(contentsOf: piece)
      }
    } catch {
      throw DatasetError(
        fault: .unreadable, file: path, found: "an error of the system (\(plainReason(error)))",
        expected: "\(grouped(count)) bytes more", home: home)
    }
    return bytes
  }

  private func decompressed(_ count: Int) throws(DatasetError) -> [UInt8] {
    do {
      return try gzip?.read(count) ?? []
    } catch {
      throw DatasetError(
        fault: .wrongCompression, file: path, found: "a failing decompression (\(error.found))",
        expected: "an undamaged gzip file", home: home)
    }
  }

  /// The bytes that are left, which must be exactly `count`.
  func readRest(_ count: Int) throws(DatasetError) -> [UInt8] {
    func wrongSize(_ found: String) -> DatasetError {
      DatasetError(
        fault: .wrongSize, file: path, found: found,
        expected: "exactly \(grouped(count)) bytes there", home: home)
    }
    if count > sizeLimit { throw wrongSize("room for \(grouped(sizeLimit)) bytes at most") }
    let bytes = try read(count + 1)
    if bytes.count > count { throw wrongSize("more bytes behind the header") }
    if bytes.count < count { throw wrongSize("\(grouped(bytes.count)) bytes behind the header") }
    return bytes
  }
}
