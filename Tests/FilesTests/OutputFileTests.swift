// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Files

/// A temporary folder for a test, removed when the test ends.
final class Folder {
  let path: String

  init() throws {
    path = FileManager.default.temporaryDirectory.path + "/swpu-files-\(UUID())"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func text(_ name: String) throws -> String {
    try String(contentsOfFile: path + "/" + name, encoding: .utf8)
  }

  func write(_ text: String, _ name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path + "/" + name))
  }

  var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }

  func kind(_ name: String) -> mode_t {
    var status = stat()
    return lstat(path + "/" + name, &status) == 0 ? status.st_mode & S_IFMT : 0
  }
}

@Suite("Outputs") struct OutputFileTests {
  private func write(_ text: String, to path: String) throws {
    let file = try OutputFile(path)
    try file.write(Data(text.utf8))
    try file.close()
  }

  @Test("a new file and an old one are replaced whole, with the old one's permissions")
  func regular() throws {
    let folder = try Folder()
    try write("one", to: folder.path + "/a")
    #expect(try folder.text("a") == "one")
    chmod(folder.path + "/a", 0o640)
    try write("two", to: folder.path + "/a")
    #expect(try folder.text("a") == "two")
    var status = stat()
    stat(folder.path + "/a", &status)
    #expect(status.st_mode & 0o7777 == 0o640)
    #expect(try folder.names == ["a"])
  }

  @Test("an output that is dropped leaves the old file, and nothing else")
  func dropped() throws {
    let folder = try Folder()
    try folder.write("old", "a")
    do {
      let file = try OutputFile(folder.path + "/a")
      try file.write(Data("new".utf8))
      #expect(try folder.names.count == 2)
    }
    #expect(try folder.text("a") == "old")
    #expect(try folder.names == ["a"])
  }

  @Test(
    "links are followed, whole chains and those that lead to nothing yet", arguments: [0, 1, 3])
  func links(more: Int) throws {
    let folder = try Folder()
    try FileManager.default.createDirectory(
      atPath: folder.path + "/below", withIntermediateDirectories: true)
    symlink("below/target", folder.path + "/link0")
    for index in 0..<more { symlink("link\(index)", folder.path + "/link\(index + 1)") }
    for text in ["new", "newer"] {
      try write(text, to: folder.path + "/link\(more)")
      #expect(try folder.text("below/target") == text)
      #expect((0...more).allSatisfy { folder.kind("link\($0)") == S_IFLNK })
    }
    #expect(try folder.names.count == 2 + more)
    symlink("round", folder.path + "/circle")
    symlink("circle", folder.path + "/round")
    #expect(throws: FileError.self) { try write("", to: folder.path + "/circle") }
  }

  @Test("a pipe gets the bytes and stays a pipe")
  func pipe() throws {
    let folder = try Folder()
    let path = folder.path + "/pipe"
    #expect(mkfifo(path, 0o600) == 0)
    let reader = open(path, O_RDONLY | O_NONBLOCK)
    defer { close(reader) }
    symlink("pipe", folder.path + "/link")
    try write("through", to: folder.path + "/link")
    var bytes = [UInt8](repeating: 0, count: 100)
    #expect(read(reader, &bytes, 100) == 7)
    #expect(bytes.prefix(7).elementsEqual("through".utf8))
    #expect(folder.kind("pipe") == S_IFIFO && folder.kind("link") == S_IFLNK)
  }

  @Test("the name of an open descriptor means that descriptor, behind what it has got already")
  func descriptors() throws {
    let folder = try Folder()
    let descriptor = open(folder.path + "/a", O_WRONLY | O_CREAT, 0o600)
    defer { close(descriptor) }
    try writeAll(Data("before ".utf8), to: descriptor, "a")
    for path in ["/dev/fd/\(descriptor)", "/proc/self/fd/\(descriptor)"] {
      try write("this ", to: path)
    }
    try writeAll(Data("after".utf8), to: descriptor, "a")
    #expect(try folder.text("a") == "before this this after")
    #expect(try OutputPlace("/dev/stdout") == .descriptor(1))
    #expect(throws: FileError.self) { try write("", to: "/dev/fd/999") }
  }

  @Test("a full device is named")
  func full() throws {
    guard access("/dev/full", F_OK) == 0 else { return }
    let error = #expect(throws: FileError.self) { try write("x", to: "/dev/full") }
    #expect(error?.description == "/dev/full: cannot write: No space left on device")
  }

  @Test("a path where no file can be is refused immediately")
  func refused() throws {
    let folder = try Folder()
    for path in ["", folder.path, folder.path + "/new/", folder.path + "/none/a"] {
      #expect(throws: FileError.self, "\(path)") { _ = try OutputFile(path) }
    }
    let long = String(repeating: "x", count: 256)
    let error = #expect(throws: FileError.self) { _ = try OutputFile(folder.path + "/" + long) }
    #expect(error?.reason == "File name too long")
    #expect(try folder.names == [])
  }

  @Test("a name as long as the file system allows works")
  func longName() throws {
    let folder = try Folder()
    let name = String(repeating: "x", count: 255)
    try write("1", to: folder.path + "/" + name)
    #expect(try folder.text(name) == "1")
  }

  @Test(
    "what a killed program has left goes, what a living one writes and what is none of ours stays")
  func leftovers() throws {
    let folder = try Folder()
    let (dead, alive) = (".swpu-0123456789abcdef.tmp", ".swpu-fedcba9876543210.tmp")
    let others = [".swpu-mine.tmp", ".swpu-0123456789abcdeg.tmp", "swpu-0123456789abcdef.tmp"]
    for name in [dead, alive] + others { try folder.write("", name) }
    let writer = open(folder.path + "/" + alive, O_RDWR)
    defer { close(writer) }
    #expect(flock(writer, LOCK_EX | LOCK_NB) == 0)
    try write("x", to: folder.path + "/a")
    #expect(try folder.names == ([alive, "a"] + others).sorted())
  }

  @Test("one program writes in a folder; the error of the other names it")
  func lock() throws {
    let folder = try Folder()
    do {
      let lock = try FolderLock(folder.path)
      let error = #expect(throws: FileError.self) { _ = try FolderLock(folder.path) }
      #expect(error?.reason.contains("process \(getpid()) on ") == true, "\(error?.reason ?? "")")
      withExtendedLifetime(lock) {}
    }
    _ = try FolderLock(folder.path)
  }
}
