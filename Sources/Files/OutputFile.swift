// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization

/// The output of a command's option.
///
/// Links are followed; a pipe or a device takes the bytes immediately; a regular file, new or old, is
/// either complete or unchanged: bytes go to a temporary file next to it, which is synced and takes the
/// file's place when `close` is called. An output that is dropped before leaves nothing behind; the
/// temporary file of a program that was killed is removed by the next one that writes in the folder.
public final class OutputFile {
  private let path: String
  private let descriptor: Int32
  /// The neighbour, and the file whose place it takes; nil for a stream.
  private let neighbour: Neighbour?
  private var isOpen = true
  /// Bytes written so far.
  public private(set) var byteCount = 0

  /// Opens the output at a path, or prepares a new file.
  ///
  /// - Throws: `FileError` for a folder, a file that is write-protected, or a place where none can be
  ///   made.
  public init(_ path: String) throws(FileError) {
    self.path = path
    switch try OutputPlace(path) {
    case .descriptor(let number):
      // Flush what was printed before.
      fflush(nil)
      descriptor = fcntl(number, F_DUPFD_CLOEXEC, 3)
      neighbour = nil
      guard descriptor >= 0 else { throw FileError(path, "write") }
    case .stream(let place):
      descriptor = open(place, O_WRONLY | O_CLOEXEC | O_NOCTTY)
      neighbour = nil
      guard descriptor >= 0 else { throw FileError(path, "write") }
    case .file(let place):
      guard access(place, W_OK) == 0 else { throw FileError(path, "write") }
      (descriptor, neighbour) = try Neighbour.make(for: place, named: path)
      copyOwnership(from: place)
    case .vacant(let place):
      (descriptor, neighbour) = try Neighbour.make(for: place, named: path)
    }
  }

  deinit {
    guard isOpen else { return }
    if let neighbour { unlink(neighbour.path) }
    Foundation.close(descriptor)
  }

  /// Whether bytes go out immediately, and cannot be taken back.
  public var isStream: Bool { neighbour == nil }

  /// Writes bytes behind those before.
  ///
  /// - Throws: `FileError`.
  public func write(_ bytes: some ContiguousBytes) throws(FileError) {
    try writeAll(bytes, to: descriptor, path)
    byteCount += bytes.withUnsafeBytes { $0.count }
  }

  /// Ends the output; a regular file takes its place now.
  ///
  /// - Throws: `FileError`; the old file is then unchanged.
  public func close() throws(FileError) {
    precondition(isOpen, "an output is closed once")
    guard let neighbour else {
      isOpen = false
      guard Foundation.close(descriptor) == 0 else { throw FileError(path, "write") }
      return
    }
    guard fsync(descriptor) == 0 else { throw FileError(path, "sync") }
    guard rename(neighbour.path, neighbour.target) == 0 else {
      throw FileError(path, "put the new file in its place")
    }
    isOpen = false
    Foundation.close(descriptor)
    // The new name itself has to reach the disk too.
    let folder = open(neighbour.folder, O_RDONLY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      Foundation.close(folder)
    }
  }

  /// The new file has the access rights of the old one.
  private func copyOwnership(from file: String) {
    var status = stat()
    guard stat(file, &status) == 0 else { return }
    _ = fchown(descriptor, status.st_uid, status.st_gid)
    fchmod(descriptor, status.st_mode & 0o7777)
  }
}

/// Writes a file as `OutputFile` does.
///
/// - Throws: `FileError`; the old file is then as it was.
public func writeAtomically(_ data: Data, to url: URL) throws(FileError) {
  let file = try OutputFile(url.path)
  try file.write(data)
  try file.close()
}

/// Writes all bytes to a descriptor, however many calls that takes.
///
/// - Throws: `FileError` naming `path`.
public func writeAll(_ bytes: some ContiguousBytes, to descriptor: Int32, _ path: String)
  throws(FileError)
{
  var failure: Int32?
  bytes.withUnsafeBytes { bytes in
    var written = 0
    while written < bytes.count && failure == nil {
      let count = write(
        descriptor, bytes.baseAddress! + written, min(bytes.count - written, 1 << 24))
      if count > 0 {
        written += count
      } else if errno == EAGAIN {
        // The pipe is non-blocking, so wait here.
        var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&ready, 1, -1)
      } else if errno != EINTR {
        failure = errno
      }
    }
  }
  if let failure { throw FileError(path, "write", errno: failure) }
}

/// A file that is being written beside the one whose place it will take.
struct Neighbour {
  let folder, path, target: String

  private static let prefix = ".swpu-"
  private static let ending = ".tmp"

  /// Whether a name is one of ours. It has nothing of the target's name, which may be as long as the
  /// file system allows.
  static func isName(_ name: String) -> Bool {
    name.hasPrefix(prefix) && name.hasSuffix(ending)
      && name.utf8.count == prefix.utf8.count + 16 + ending.utf8.count
      && name.dropFirst(prefix.count).prefix(16).allSatisfy(\.isHexDigit)
  }

  /// Makes and locks one: the lock tells a living writer from a killed one.
  static func make(for target: String, named path: String) throws(FileError) -> (Int32, Neighbour) {
    let folder = parent(of: target)
    removeLeftovers(in: folder)
    while true {
      let digits = String(UInt64.random(in: .min ... .max), radix: 16)
      let name = prefix + String(repeating: "0", count: 16 - digits.count) + digits + ending
      let place = folder + "/" + name
      let descriptor = open(place, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
      guard descriptor >= 0 else {
        if errno == EEXIST { continue }
        throw FileError(path, "make a file in its folder")
      }
      flock(descriptor, LOCK_EX | LOCK_NB)
      var status = stat()
      // Between the two calls, another writer may have taken it for a leftover.
      if fstat(descriptor, &status) == 0 && status.st_nlink == 0 {
        close(descriptor)
        continue
      }
      return (descriptor, Neighbour(folder: folder, path: place, target: target))
    }
  }

  private static let cleaned = Mutex<Set<String>>([])

  /// Removes what killed programs have left in a folder, once for each folder.
  private static func removeLeftovers(in folder: String) {
    guard cleaned.withLock({ $0.insert(folder).inserted }) else { return }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    where isName(name) {
      removeUnlessLocked(folder + "/" + name)
    }
  }
}

/// Removes a file of ours unless a living program writes it.
public func removeUnlessLocked(_ path: String) {
  let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
  guard descriptor >= 0 else { return }
  if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { unlink(path) }
  close(descriptor)
}
