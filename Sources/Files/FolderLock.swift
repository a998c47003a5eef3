// SPDX-License-Identifier: Apache-2.0
import Foundation

/// An exclusive lock for writing in a folder; it ends with the program, however that ends.
public final class FolderLock: Sendable {
  /// The name of the file that names the writer. It remains, and so marks a folder as made by this
  /// program.
  public static let fileName = ".writer"

  private let descriptor: Int32

  /// Takes the lock.
  ///
  /// - Throws: `FileError` that names its holder, or the file that cannot be written.
  public init(_ folder: String) throws(FileError) {
    let path = folder + "/" + Self.fileName
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw FileError(path, "write the lock file") }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      let owner = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      let who = owner.split(separator: "\n").first.map { printable(String($0)) }
      throw FileError(
        folder, "write there",
        reason: "\(who ?? "another program") writes there; wait for it, or choose another folder")
    }
    // On a file system without locks (some that are shared over a network) it is up to the user.
    ftruncate(descriptor, 0)
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let text = "process \(getpid()) on \(host)\n"
    try writeAll(Data(text.utf8), to: descriptor, path)
  }

  deinit { close(descriptor) }
}
