// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// The file in which decoded and scaled pictures of a split lie, from which they are trained on, and
/// which stays for the next run. It holds exactly the images of the files in its fingerprint.
struct PictureCache {
  let path: String
  private let folder: String
  private let side: Int
  private let fingerprint: String
  private let entries: [PictureFolder.Entry]

  /// The place in `folder` for the pictures `entries`, scaled to `side`, of a `split` of `source`.
  ///
  /// One place serves a split and a size, so that pictures that were changed do not leave a file
  /// behind.
  init(folder: String, source: String, split: String, side: Int, entries: [PictureFolder.Entry]) {
    let standard = URL(fileURLWithPath: source).standardizedFileURL
    var place = SHA256()
    place.add(Array(standard.path.utf8))
    // Names of other folders of the same name are told apart by the digits.
    path =
      folder + "/\(standard.lastPathComponent.prefix(40))-\(split)-\(side)x\(side)-"
      + place.finish().prefix(12) + ".pictures"
    self.folder = folder
    self.side = side
    self.entries = entries
    // Also says how pictures are decoded and scaled: a change there needs another number.
    var sum = SHA256()
    sum.add(Array("3 \(side)\n".utf8))
    for entry in entries {
      var status = stat()
      // Follows links, so that one that leads elsewhere counts as changed.
      let found = stat(entry.path, &status) == 0
      #if os(Linux)
        let time = status.st_mtim
      #else
        let time = status.st_mtimespec
      #endif
      let marks =
        found ? "\(status.st_ino) \(status.st_size) \(time.tv_sec) \(time.tv_nsec)" : "missing"
      // However the way to `source` was spelt.
      sum.add(Array("\(entry.path.dropFirst(source.count))\0\(entry.label) \(marks)\n".utf8))
    }
    fingerprint = sum.finish()
  }

  /// What is kept for exactly these files; nil where there is nothing, or anything is amiss.
  func open() -> ImageFile? { ImageFile(path: path, fingerprint: fingerprint) }

  /// Makes the file, into which `write` puts a picture, or one that was left out, for each entry.
  ///
  /// - Parameter freeBytes: what the disk has left; nil asks it.
  func make(
    freeBytes: Int? = nil, _ write: (ImageFileWriter) throws(FileError) -> Void
  ) throws(DatasetError) -> ImageFile {
    try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    ImageFileWriter.removeLeftovers(in: folder)
    // What is there is of no use any more, and takes as much room.
    unlink(path)
    let needed = entries.count * 3 * side * side
    if let free = freeBytes ?? Self.freeBytes(folder), free < needed {
      throw failure(found: "a disk with \(grouped(free)) bytes free")
    }
    do {
      let writer = try ImageFileWriter(
        path: path, fingerprint: fingerprint, channels: 3, plane: side * side)
      try write(writer)
      return try writer.finish()
    } catch {
      throw failure(found: "that the system cannot \(error.action) (\(error.reason))")
    }
  }

  private static func freeBytes(_ folder: String) -> Int? {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return nil }
    let (bytes, overflows) = UInt64(status.f_bavail)
      .multipliedReportingOverflow(by: UInt64(status.f_frsize))
    return overflows ? nil : Int(clamping: bytes)
  }

  private func failure(found: String) -> DatasetError {
    let count = entries.count
    return DatasetError(
      fault: .notWritten, file: path, found: found,
      expected: "\(grouped(count * 3 * side * side)) bytes free for \(grouped(count)) scaled "
        + "pictures, in a folder that may be written; XDG_CACHE_HOME=DIR puts them elsewhere, and "
        + "a smaller image-size or fewer train-images need less", home: PictureFolder.home)
  }
}
