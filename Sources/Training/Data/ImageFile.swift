// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Images of one size in a file, read one at a time, so that they take no memory.
///
/// The file holds the values of all images, [image][channel][row][column], a byte each; an `Index` as
/// JSON; and its `Footer`. It was written whole or not at all (`ImageFileWriter`). The index is checked
/// when the file is opened, an image each time it is read. A program that has the file open can read it
/// after it was removed or replaced.
final class ImageFile: Sendable {
  struct Index: Codable, Equatable {
    /// Identifies the sources of the images and their processing.
    let fingerprint: String
    /// The values of an image.
    let imageBytes: Int
    /// The class of each image.
    var labels: [UInt16] = []
    /// The checksum of each image.
    var checksums: [UInt64] = []
    /// How often each value occurs in each channel, [channel][256].
    var histogram: [Int]
    /// The files that no image was made of.
    var leftOut: [LeftOutFile] = []
  }

  /// The last bytes of a file: three little-endian numbers of 8 bytes.
  enum Footer {
    static let bytes = 24
    /// The first number: "SWPUIMG1".
    static let magic: UInt64 = 0x3147_4d49_5550_5753

    /// The fields: magic, the index's bytes, its checksum.
    static func words(_ index: [UInt8]) -> [UInt64] {
      [magic, UInt64(index.count), wordChecksum(index)]
    }
  }

  let path: String
  let index: Index
  private let descriptor: Int32

  /// Takes over a descriptor that a file of that index can be read from.
  init(path: String, index: Index, descriptor: Int32) {
    self.path = path
    self.index = index
    self.descriptor = descriptor
  }

  /// Opens a file of this `fingerprint`; nil where there is none, or it is of another one, too short, too
  /// long or damaged.
  convenience init?(path: String, fingerprint: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    guard let index = Self.index(descriptor), index.fingerprint == fingerprint else {
      close(descriptor)
      return nil
    }
    self.init(path: path, index: index, descriptor: descriptor)
  }

  deinit { close(descriptor) }

  private static func index(_ descriptor: Int32) -> Index? {
    let size = Int(lseek(descriptor, 0, SEEK_END))
    var footer = [UInt8](repeating: 0, count: Footer.bytes)
    guard size >= footer.count, fill(&footer, from: descriptor, at: size - footer.count) == nil
    else { return nil }
    let words = (0..<3).map { Data(footer).littleEndian(at: 8 * $0) as UInt64 }
    let rest = size - footer.count
    guard words[0] == Footer.magic, words[1] <= UInt64(rest) else { return nil }
    var text = [UInt8](repeating: 0, count: Int(words[1]))
    guard fill(&text, from: descriptor, at: rest - text.count) == nil,
      Footer.words(text) == words,
      let index = try? JSONDecoder().decode(Index.self, from: Data(text)),
      index.labels.count == index.checksums.count, index.histogram.count % 256 == 0
    else { return nil }
    let (bytes, overflows) = index.labels.count.multipliedReportingOverflow(by: index.imageBytes)
    guard !overflows, bytes == rest - text.count else { return nil }
    return index
  }

  /// Puts the values of an image in `bytes`, which must have room for exactly that many.
  ///
  /// Any thread may call it at any time. A damaged file is removed, so that it is made again.
  func read(_ image: Int, into bytes: inout [UInt8]) throws(DatasetError) {
    precondition(bytes.count == index.imageBytes, "room for one image")
    let problem = Self.fill(&bytes, from: descriptor, at: image * index.imageBytes)
    if problem == nil && wordChecksum(bytes) == index.checksums[image] { return }
    unlink(path)
    throw DatasetError(
      fault: problem == nil ? .wrongChecksum : .unreadable, file: path,
      found: problem ?? "other bytes than were written, in image \(grouped(image))",
      expected: "a whole file; it is removed, and made again when the command is repeated, or "
        + "`swpu train --resume RUN`", home: PictureFolder.home)
  }

  /// Reads as many bytes as there is room for; returns what is wrong.
  private static func fill(_ bytes: inout [UInt8], from descriptor: Int32, at offset: Int)
    -> String?
  {
    bytes.withUnsafeMutableBytes { room in
      var done = 0
      while done < room.count {
        let count = pread(
          descriptor, room.baseAddress! + done, room.count - done, off_t(offset + done))
        if count == 0 { return "the end of the file" }
        if count < 0 && errno != EINTR { return String(cString: strerror(errno)) }
        done += max(count, 0)
      }
      return nil
    }
  }
}
