// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Writes an `ImageFile`, an image at a time, to a neighbour that takes its place when it is whole.
final class ImageFileWriter {
  private static let ending = ".part"

  private let path, temporary: String
  private let plane: Int
  private var index: ImageFile.Index
  /// Negative once `finish` has handed it over.
  private var descriptor: Int32

  /// A file at `path` for images of `channels` planes of `plane` values.
  ///
  /// - Throws: `FileError`.
  init(path: String, fingerprint: String, channels: Int, plane: Int) throws(FileError) {
    self.path = path
    self.plane = plane
    temporary =
      URL(fileURLWithPath: path).deletingLastPathComponent().path + "/"
      + UUID().uuidString + Self.ending
    index = ImageFile.Index(
      fingerprint: fingerprint, imageBytes: channels * plane,
      histogram: [Int](repeating: 0, count: channels * 256))
    descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError(path, "create a file next to it") }
    // Held while we live, which `removeLeftovers` asks for.
    flock(descriptor, LOCK_EX | LOCK_NB)
  }

  deinit {
    guard descriptor >= 0 else { return }
    unlink(temporary)
    close(descriptor)
  }

  /// Adds an image, [channel][row][column].
  func append(_ image: [UInt8], label: UInt16) throws(FileError) {
    precondition(image.count == index.imageBytes, "an image of another size")
    try put(image)
    index.labels.append(label)
    index.checksums.append(wordChecksum(image))
    addValues(of: image, plane: plane, to: &index.histogram)
  }

  /// Notes a file that no image was made of.
  func leaveOut(_ file: LeftOutFile) { index.leftOut.append(file) }

  /// Puts the file in its place, synced to the disk, and opens it.
  func finish() throws(FileError) -> ImageFile {
    let text: [UInt8]
    let encoder = JSONEncoder()
    // The same images make the same file.
    encoder.outputFormatting = .sortedKeys
    do { text = try Array(encoder.encode(index)) } catch {
      throw FileError(path, "write the index", reason: plainReason(error))
    }
    try put(text)
    let words = ImageFile.Footer.words(text)
    try put((0..<24).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64(8 * ($0 % 8))) })
    guard fsync(descriptor) == 0 else { throw FileError(path, "sync") }
    guard rename(temporary, path) == 0 else { throw FileError(path, "rename the new file") }
    flock(descriptor, LOCK_UN)
    defer { descriptor = -1 }
    return ImageFile(path: path, index: index, descriptor: descriptor)
  }

  private func put(_ bytes: [UInt8]) throws(FileError) {
    try writeAll(bytes, to: descriptor, path)
  }

  /// Removes what programs that were killed have left in a folder.
  static func removeLeftovers(in folder: String) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    for name in names where name.hasSuffix(ending) { removeUnlessLocked(folder + "/" + name) }
  }
}
