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
    try self.init(data: fileBytes(path), file: path)
  }

  /// Reads a file that is, or by its name should be, a snapshot; nil for any other, a folder and a file that
  /// cannot be read.
  ///
  /// - Throws: `InputError` for a damaged snapshot.
  public init?(ifSnapshot path: String) throws(InputError) {
    guard !isFolder(path), let data = try? fileBytes(path),
      path.hasSuffix(".masks") || data.starts(with: Self.gzip)
        || data.starts(with: "\(Self.kind)".utf8)
    else { return nil }
    try self.init(data: data, file: path)
  }

  private init(data: Data, file path: String) throws(InputError) {
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
}
