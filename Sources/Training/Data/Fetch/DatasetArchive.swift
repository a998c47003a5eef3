import Foundation

/// The archive that a data set is published as, and how it gets to this machine.
public struct DatasetArchive: Sendable {
  /// The data set.
  public let source: DatasetSource
  /// What is in it, in a few words.
  public let content: String
  /// The address that it is published at.
  public let address: String
  /// Bytes of the archive.
  public let byteCount: Int
  /// SHA-256 of the archive, in hexadecimal digits.
  public let sha256: String
  /// What its publisher asks of its users.
  public let terms: String
  /// The folder that the archive unpacks to, below the one that it is fetched to.
  public let folder: String
  /// The official page.
  public let home: String
  /// The files that training reads, in `folder`.
  let files: [String]

  private init(
    _ source: DatasetSource, _ files: CIFARFiles, _ content: String, archive: String,
    byteCount: Int, sha256: String
  ) {
    self.init(
      source: source, content: content, address: "https://www.cs.toronto.edu/~kriz/" + archive,
      byteCount: byteCount, sha256: sha256,
      terms: "none stated; the page asks to cite Krizhevsky, Learning Multiple Layers of Features "
        + "from Tiny Images, 2009",
      folder: files.folder, home: CIFARFiles.home, files: files.trainFiles + [files.testFile])
  }

  init(
    source: DatasetSource, content: String, address: String, byteCount: Int, sha256: String,
    terms: String, folder: String, home: String, files: [String]
  ) {
    self.source = source
    self.content = content
    self.address = address
    self.byteCount = byteCount
    self.sha256 = sha256
    self.terms = terms
    self.folder = folder
    self.home = home
    self.files = files
  }

  /// All that can be fetched.
  public static let all = [
    DatasetArchive(
      .cifar10, .ten, "50,000 and 10,000 colour images of 32x32, 10 classes",
      archive: "cifar-10-binary.tar.gz", byteCount: 170_052_171,
      sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    DatasetArchive(
      .cifar100, .hundred, "50,000 and 10,000 colour images of 32x32, 100 classes",
      archive: "cifar-100-binary.tar.gz", byteCount: 168_513_733,
      sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"),
  ]

  /// Where archives are fetched to, and where training looks for them, when no folder is given.
  public static var defaultFolder: String {
    (ProcessInfo.processInfo.environment["HOME"] ?? ".") + "/.cache/swpu/datasets"
  }

  /// Whether the files of the data set are below `path`.
  public func isPresent(in path: String) -> Bool {
    files.allSatisfy { FileManager.default.fileExists(atPath: "\(path)/\(folder)/\($0)") }
  }

  /// The stages of a fetch.
  public enum Progress: Sendable, Hashable {
    /// So many bytes of the archive are here.
    case downloading(bytes: Int)
    /// The checksum is being computed.
    case checking
    /// The files are being written.
    case unpacking
  }

  /// Downloads, checks and unpacks the archive; the files appear all at once, at the end.
  ///
  /// What a stopped or broken download has left lies in `path` as a `.part` file, and the next one
  /// goes on with it.
  ///
  /// - Parameters:
  ///   - path: the folder to put it in; it is made when it is not there.
  ///   - other: an address to use instead; the file there must be the same.
  ///   - shouldStop: asked ten times a second while downloading.
  ///   - progress: called on this thread.
  /// - Returns: false when it was stopped.
  /// - Throws: a `DatasetError` of the download, the checksum or the archive.
  public func fetch(
    to path: String, from other: String? = nil, shouldStop: () -> Bool = { false },
    progress: (Progress) -> Void = { _ in }
  ) throws(DatasetError) -> Bool {
    try system(path) {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    let archive = "\(path)/\(source.rawValue).tar.gz"
    let part = archive + ".part"
    let download = Download(address: other ?? address, file: part, size: byteCount, home: home)
    guard
      try download.run(shouldStop: shouldStop, progress: { progress(.downloading(bytes: $0)) })
    else { return false }
    progress(.checking)
    let sum = try Self.sha256(of: part, home: home)
    guard sum == sha256 else {
      // Going on with it could not make it right.
      try? FileManager.default.removeItem(atPath: part)
      throw DatasetError(
        fault: .wrongChecksum, file: other ?? address, found: "a file with SHA-256 \(sum)",
        expected: "\(sha256); the download is deleted, the next try starts anew", home: home)
    }
    progress(.unpacking)
    let temporary = "\(path)/.\(source.rawValue).\(getpid()).unpacking"
    defer {
      for file in [temporary, archive] { try? FileManager.default.removeItem(atPath: file) }
    }
    try? FileManager.default.removeItem(atPath: temporary)
    try? FileManager.default.removeItem(atPath: archive)
    // DataFile tells compressed files by their names.
    try system(archive) { try FileManager.default.moveItem(atPath: part, toPath: archive) }
    try TarArchive(path: archive, home: home).unpack(to: temporary)
    guard isPresent(in: temporary) else {
      throw DatasetError(
        fault: .wrongArchive, file: other ?? address, found: "no \(folder)/\(files[0])",
        expected: files.joined(separator: ", "), home: home)
    }
    let target = path + "/" + folder
    try system(target) {
      if FileManager.default.fileExists(atPath: target) {
        try FileManager.default.removeItem(atPath: target)
      }
      try FileManager.default.moveItem(atPath: temporary + "/" + folder, toPath: target)
    }
    return true
  }

  static func sha256(of path: String, home: String) throws(DatasetError) -> String {
    let file = try DataFile(path: path, expected: "the download", home: home)
    var sum = SHA256()
    while true {
      let bytes = try file.read(1 << 20)
      if bytes.isEmpty { return sum.finish() }
      sum.add(bytes)
    }
  }

  /// Does what may fail for reasons of the disk.
  private func system(_ target: String, _ work: () throws -> Void) throws(DatasetError) {
    do { try work() } catch {
      throw DatasetError(
        fault: .unreadable, file: target, found: "that it cannot be written (\(error))",
        expected: "a folder with room for the data set", home: home)
    }
  }
}
