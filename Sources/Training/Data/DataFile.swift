// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// A file of a data set, read piece by piece; one whose name ends in `.gz` is decompressed on the
/// way by the system's `gzip`.
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
  private let gzip: (process: Process, errors: FileHandle)?

  /// Opens the regular file at `path`, which `expected` describes for errors.
  init(path: String, expected: String, home: String, gzip command: String = "gzip")
    throws(DatasetError)
  {
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
        .unreadable, found: "a folder or another thing that is no file", expected: expected)
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
    guard path.hasSuffix(".gz") else {
      (handle, gzip) = (file, nil)
      return
    }
    let (process, output, errors) = (Process(), Pipe(), Pipe())
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [command, "-dc"]
    process.standardInput = file
    process.standardOutput = output
    process.standardError = errors
    do { try process.run() } catch {
      throw failure(
        .wrongCompression, found: "that no program can be started (\(plainReason(error)))",
        expected: "the program \(command) on the search path")
    }
    (handle, gzip) = (output.fileHandleForReading, (process, errors.fileHandleForReading))
  }

  deinit {
    try? handle.close()
    if let process = gzip?.process, process.isRunning { process.terminate() }
  }

  /// The most bytes that the file can hold once decompressed: deflate shrinks 1,032 times at most.
  private var sizeLimit: Int { gzip == nil ? size : size * 1032 }

  /// The next `count` bytes, fewer where the file ends before.
  func read(_ count: Int) throws(DatasetError) -> [UInt8] {
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
    if bytes.count < count { try checkDecompression() }
    return bytes
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

  /// Called at the end of the stream: an error of `gzip` explains a short one.
  private func checkDecompression() throws(DatasetError) {
    guard let (process, errors) = gzip else { return }
    let said = (try? errors.readToEnd()).map { String(decoding: $0, as: UTF8.self) } ?? ""
    process.waitUntilExit()
    if process.terminationStatus == 0 { return }
    let reason = said.split(separator: "\n").first ?? "without a reason"
    // 127 is the answer of env where there is no such program.
    throw DatasetError(
      fault: .wrongCompression, file: path,
      found: "that decompression fails (\(reason))",
      expected: process.terminationStatus == 127
        ? "the program gzip on the search path" : "an undamaged gzip file", home: home)
  }
}
