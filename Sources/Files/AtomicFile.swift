// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A file that could not be written or read.
public struct FileError: Error, CustomStringConvertible {
  /// The file.
  public let path: String
  /// What was tried, for example `write`.
  public let action: String
  /// What the system said.
  public let reason: String

  /// File, action and reason.
  public var description: String { "\(path): cannot \(action): \(reason)" }

  package init(_ path: String, _ action: String, errno code: Int32 = errno) {
    self.init(path, action, reason: String(cString: strerror(code)))
  }

  package init(_ path: String, _ action: String, reason: String) {
    self.path = path
    self.action = action
    self.reason = reason
  }
}

/// Writes a file whole or not at all: to a neighbour, synced to disk, then renamed over the old one.
///
/// - Throws: `FileError`; the old file is then as it was.
public func writeAtomically(_ data: Data, to url: URL) throws(FileError) {
  let temporary = url.deletingLastPathComponent()
    .appendingPathComponent(".\(url.lastPathComponent).\(getpid()).tmp")
  let descriptor = open(temporary.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw FileError(url.path, "create a file beside it") }
  var failure: FileError?
  data.withUnsafeBytes { bytes in
    var written = 0
    while written < bytes.count && failure == nil {
      let count = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count > 0 {
        written += count
      } else if errno != EINTR {
        failure = FileError(url.path, "write")
      }
    }
  }
  if failure == nil && fsync(descriptor) != 0 { failure = FileError(url.path, "sync") }
  close(descriptor)
  if failure == nil && rename(temporary.path, url.path) != 0 {
    failure = FileError(url.path, "rename the new file")
  }
  if let failure {
    unlink(temporary.path)
    throw failure
  }
  // The new name itself has to reach the disk too.
  let folder = open(url.deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
  if folder >= 0 {
    fsync(folder)
    close(folder)
  }
}
