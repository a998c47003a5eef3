// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A regular file that grows piece by piece over hours, so that the results of a stopped program are
/// kept.
public final class GrowingFile: Sendable {
  /// The file, all links followed.
  public let path: String
  /// Whether it was there before.
  public let isOld: Bool
  private let named: String

  /// Looks at an output; nil for a pipe or a device, which cannot be continued.
  ///
  /// - Throws: `FileError` for a folder, or a place where no file can be made.
  public init?(_ path: String) throws(FileError) {
    named = path
    switch try OutputPlace(path) {
    case .descriptor, .stream: return nil
    case .file(let place): (self.path, isOld) = (place, true)
    case .vacant(let place): (self.path, isOld) = (place, false)
    }
    if !isOld { try replace(with: "") }
  }

  /// Whether an output is a pipe or a device.
  public static func isStream(_ path: String) throws(FileError) -> Bool {
    switch try OutputPlace(path) {
    case .descriptor, .stream: true
    case .file, .vacant: false
    }
  }

  /// Replaces the whole content by a text.
  public func replace(with text: String) throws(FileError) {
    try writeAtomically(Data(text.utf8), to: URL(fileURLWithPath: path))
  }

  /// Adds a text at the end.
  public func append(_ text: String) throws(FileError) {
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw FileError(named, "append") }
    defer { close(descriptor) }
    try writeAll(Data(text.utf8), to: descriptor, named)
  }
}
