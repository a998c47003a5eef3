// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The right to write in a folder, which one program at a time has; it ends with the program,
/// however that ends.
public final class FolderLock: Sendable {
  /// The name of the file that says who writes. It stays behind: that is how a folder of ours is
  /// told from somebody else's.
  public static let fileName = ".writer"

  private let descriptor: Int32

  /// Takes the right.
  ///
  /// - Throws: `FileError` that says who has it.
  public init(_ folder: String) throws(FileError) {
    let path = folder + "/" + Self.fileName
    descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
    guard descriptor >= 0 else { throw FileError(path, "write who writes in the folder") }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK {
      let owner = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
      let who = owner.split(separator: "\n").first.map { printable(String($0)) }
      close(descriptor)
      throw FileError(
        folder, "write there",
        reason: "\(who ?? "another program") writes there; wait for it, or choose another folder")
    }
    // A file system without locks (some that are shared over a network) leaves it to the person.
    ftruncate(descriptor, 0)
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let text = "process \(getpid()) on \(host)\n"
    try? writeAll(Data(text.utf8), to: descriptor, path)
  }

  deinit { close(descriptor) }
}
