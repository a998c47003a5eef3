// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The kind of output at a path, all links followed.
enum OutputPlace: Equatable {
  /// Something that is open already, as `/dev/stdout` is.
  case descriptor(Int32)
  /// A pipe or a device, which takes bytes immediately.
  case stream(String)
  /// A regular file.
  case file(String)
  /// Nothing yet.
  case vacant(String)

  /// Looks at a path; nothing is opened or made.
  ///
  /// - Throws: `FileError` for a folder, links in a circle, or a path that cannot be looked at.
  init(_ path: String) throws(FileError) {
    guard !path.isEmpty else {
      throw FileError("''", "write", reason: "it is an empty name; give a file")
    }
    var place = path
    for _ in 0..<40 {
      if let descriptor = Self.openDescriptor(place) {
        self = .descriptor(descriptor)
        return
      }
      var status = stat()
      if lstat(place, &status) != 0 {
        guard errno == ENOENT else { throw FileError(path, "write") }
        guard !place.hasSuffix("/") else {
          throw FileError(path, "write", reason: "it is the name of a folder; give a file")
        }
        self = .vacant(place)
        return
      }
      switch status.st_mode & S_IFMT {
      case S_IFLNK:
        let link = try Self.destination(of: place, named: path)
        place = link.hasPrefix("/") ? link : parent(of: place) + "/" + link
      case S_IFREG:
        self = .file(place)
        return
      case S_IFDIR:
        throw FileError(path, "write", reason: "it is a folder; give a file")
      default:
        self = .stream(place)
        return
      }
    }
    throw FileError(path, "write", errno: ELOOP)
  }

  private static func destination(of link: String, named path: String) throws(FileError) -> String {
    var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = bytes.withUnsafeMutableBytes { room in
      readlink(link, room.bindMemory(to: CChar.self).baseAddress!, room.count)
    }
    guard count > 0 else { throw FileError(path, "follow the link") }
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  /// The number in the names that systems give to what a program has open. Opening such a name again
  /// would write from the start of a file over what is there; hence the number.
  private static func openDescriptor(_ path: String) -> Int32? {
    switch path {
    case "/dev/stdin": return 0
    case "/dev/stdout": return 1
    case "/dev/stderr": return 2
    default: break
    }
    let folders = ["/dev/fd/", "/proc/self/fd/", "/proc/thread-self/fd/", "/proc/\(getpid())/fd/"]
    guard let folder = folders.first(where: { path.hasPrefix($0) }) else { return nil }
    return Int32(path.dropFirst(folder.count))
  }
}

/// The folder that a path's last part lies in.
func parent(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
