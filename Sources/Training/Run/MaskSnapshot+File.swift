// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks

extension MaskSnapshot {
  /// Reads a snapshot that a run wrote, compressed by gzip where the file's name ends in `.gz`.
  ///
  /// ```swift
  /// let file = URL(fileURLWithPath: "docs/results/masks/resnet18.masks.gz")
  /// print(try MaskSnapshot(contentsOf: file).layers.count)
  /// ```
  ///
  /// - Throws: `FileError`, `InputError`.
  public init(contentsOf file: URL) throws {
    guard let data = FileManager.default.contents(atPath: file.path) else {
      throw FileError(file.path, "read the snapshot", reason: "the file cannot be read")
    }
    var bytes = Array(data)
    if file.pathExtension == "gz" {
      var rest = bytes[...]
      var gzip = GzipReader {
        defer { rest = [] }
        return rest
      }
      do {
        // Deflate shrinks 1,032 times at most.
        bytes = try gzip.read(1032 * data.count)
      } catch {
        throw InputError(
          file: file.path, field: "compression", value: error.found, allowed: "a gzip stream")
      }
    }
    self = try MaskSnapshot(decoding: bytes, file: file.path)
  }
}
