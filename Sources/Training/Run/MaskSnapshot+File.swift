// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks

extension MaskSnapshot {
  private static let gzip: [UInt8] = [0x1f, 0x8b]

  /// Reads a snapshot that a run wrote, perhaps compressed by gzip.
  ///
  /// - Throws: `InputError`.
  public init(path: String) throws(InputError) {
    let data = try fileBytes(path)
    var bytes = Array(data)
    if bytes.starts(with: Self.gzip) {
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
          file: path, field: "compression", value: error.found, allowed: "a gzip stream")
      }
    }
    self = try MaskSnapshot(decoding: bytes, file: path)
  }

  /// Whether a file is, or by its name should be, a snapshot; false for one that cannot be read.
  public static func isSnapshot(_ path: String) -> Bool {
    guard !isFolder(path), let data = try? fileBytes(path) else { return false }
    return path.hasSuffix(".masks") || data.starts(with: gzip) || data.starts(with: "\(kind)".utf8)
  }
}
