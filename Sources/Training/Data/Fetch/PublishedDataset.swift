// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// A data set as its authors publish it, and how it gets to this machine.
public struct PublishedDataset: Sendable {
  /// What it is called, such as `mnist`.
  public let name: String
  /// What reads its files.
  public let source: DatasetSource
  /// Its content, in a few words.
  public let content: String
  /// The address of the folder that it is published in; ends in `/`.
  public let address: String
  /// The terms of its publisher.
  public let terms: String
  /// The official page.
  public let home: String
  /// The folder of its files, below the one that it is fetched to.
  public let folder: String
  /// What is downloaded; tar archives are unpacked, and what they hold begins with `folder`.
  let downloads: [File]
  /// The files that training reads, in `folder`.
  let files: [String]

  /// A file to download.
  struct File: Sendable {
    let name: String
    let byteCount: Int
    /// In hexadecimal digits.
    let sha256: String
  }

  /// Bytes to download.
  public var byteCount: Int { downloads.reduce(0) { $0 + $1.byteCount } }

  /// All that can be fetched.
  public static let all = [
    cifar(
      .ten, .cifar10, "50,000 and 10,000 colour images of 32x32, 10 classes",
      File(
        name: "cifar-10-binary.tar.gz", byteCount: 170_052_171,
        sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")),
    cifar(
      .hundred, .cifar100, "50,000 and 10,000 colour images of 32x32, 100 classes",
      File(
        name: "cifar-100-binary.tar.gz", byteCount: 168_513_733,
        sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec")),
    mnist,
  ]

  private static func cifar(
    _ files: CIFARFiles, _ source: DatasetSource, _ content: String, _ archive: File
  ) -> PublishedDataset {
    PublishedDataset(
      name: files.name, source: source, content: content,
      address: "https://www.cs.toronto.edu/~kriz/",
      terms: "none stated; the page asks to cite Krizhevsky, Learning Multiple Layers of Features "
        + "from Tiny Images, 2009",
      home: CIFARFiles.home, folder: files.folder, downloads: [archive],
      files: files.trainFiles + [files.testFile])
  }

  private static var mnist: PublishedDataset {
    let downloads = [
      File(
        name: "train-images-idx3-ubyte.gz", byteCount: 9_912_422,
        sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
      File(
        name: "train-labels-idx1-ubyte.gz", byteCount: 28_881,
        sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
      File(
        name: "t10k-images-idx3-ubyte.gz", byteCount: 1_648_877,
        sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
      File(
        name: "t10k-labels-idx1-ubyte.gz", byteCount: 4_542,
        sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ]
    // The authors' own server has long asked for a password; this copy is the one that others use.
    return PublishedDataset(
      name: "mnist", source: .idx, content: "60,000 and 10,000 grey digits of 28x28, 10 classes",
      address: "https://storage.googleapis.com/cvdf-datasets/mnist/",
      terms: "none stated; it is by LeCun, Cortes and Burges, who are to be cited",
      home: IDXFiles.home, folder: "mnist", downloads: downloads, files: downloads.map(\.name))
  }

  /// Where data sets are fetched to, and where training looks for them, when no folder is given.
  public static var defaultFolder: String { DatasetSource.cacheFolder + "/datasets" }

  /// The folder of its files where it was fetched to `path`.
  public func path(in path: String) -> String { path + "/" + folder }

  /// Whether the files of the data set are below `path`.
  public func isPresent(in path: String) -> Bool {
    files.allSatisfy { FileManager.default.fileExists(atPath: self.path(in: path) + "/" + $0) }
  }

  /// The stages of a fetch.
  public enum Progress: Sendable, Hashable {
    /// So many bytes are here.
    case downloading(bytes: Int)
    /// The checksums are being computed.
    case checking
    /// The files are being put in their place.
    case unpacking
  }

  /// Downloads, checks and unpacks the data set; its folder appears all at once, at the end.
  ///
  /// The part of a stopped or broken download is in `path` in the folder `NAME.part`, and the next one
  /// resumes it.
  ///
  /// - Parameters:
  ///   - path: the folder to put it in; it is made when it is not there.
  ///   - other: the address of a folder to take the files from instead; they must be the same files.
  ///   - shouldStop: asked ten times per second while downloading.
  ///   - progress: called on this thread.
  /// - Returns: false when it was stopped.
  /// - Throws: a `DatasetError` of a download, a checksum or an archive.
  public func fetch(
    to path: String, from other: String? = nil, shouldStop: () -> Bool = { false },
    progress: (Progress) -> Void = { _ in }
  ) throws(DatasetError) -> Bool {
    let part = "\(path)/\(name).part"
    try checkVacant(self.path(in: path))
    try makePart(part)
    let lock: FolderLock
    do {
      lock = try FolderLock(part)
    } catch {
      throw DatasetError(
        fault: .notWritten, file: part, found: "that \(error.reason)",
        expected: "one fetch at a time", home: home)
    }
    defer { withExtendedLifetime(lock) {} }
    let base = other.map { $0.hasSuffix("/") ? $0 : $0 + "/" } ?? address
    var bytesBefore = 0
    for file in downloads {
      let download = Download(
        address: base + file.name, file: part + "/" + file.name, size: file.byteCount, home: home)
      let finished = try download.run(
        shouldStop: shouldStop, progress: { progress(.downloading(bytes: bytesBefore + $0)) })
      guard finished else { return false }
      bytesBefore += file.byteCount
    }
    progress(.checking)
    for file in downloads { try check(file, in: part, from: base) }
    progress(.unpacking)
    try install(from: part, to: path)
    return true
  }

  /// Whatever is at the data set's place belongs to the user, even an empty folder or a link.
  private func checkVacant(_ target: String) throws(DatasetError) {
    var status = stat()
    guard lstat(target, &status) == 0 else { return }
    throw DatasetError(
      fault: .notWritten, file: target, found: "something that is not the whole data set",
      expected: "nothing there: move it away, or choose another folder (--to)", home: home)
  }

  /// Makes the folder of the partial download, or takes the one that an earlier fetch has left, which
  /// holds nothing else.
  private func makePart(_ part: String) throws(DatasetError) {
    let ours = Set(downloads.map(\.name) + ["unpacked", FolderLock.fileName])
    var status = stat()
    if lstat(part, &status) == 0 {
      let names = try? FileManager.default.contentsOfDirectory(atPath: part)
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      guard isFolder, let names, ours.isSuperset(of: names) else {
        throw DatasetError(
          fault: .notWritten, file: part, found: "something that no fetch has left",
          expected: "nothing there: move it away, or choose another folder (--to)", home: home)
      }
      return
    }
    try system(part) {
      try FileManager.default.createDirectory(atPath: part, withIntermediateDirectories: true)
    }
  }

  /// Deletes a download that is not the publisher's file: resuming it could not repair it.
  private func check(_ file: File, in part: String, from base: String) throws(DatasetError) {
    let sum = try Self.sha256(of: part + "/" + file.name, home: home)
    guard sum == file.sha256 else {
      try? FileManager.default.removeItem(atPath: part + "/" + file.name)
      throw DatasetError(
        fault: .wrongChecksum, file: base + file.name, found: "a file with SHA-256 \(sum)",
        expected: "\(file.sha256); deleted; the next try starts from the beginning", home: home)
    }
  }

  private func install(from part: String, to path: String) throws(DatasetError) {
    let unpacked = part + "/unpacked"
    try? FileManager.default.removeItem(atPath: unpacked)
    defer { try? FileManager.default.removeItem(atPath: unpacked) }
    for file in downloads {
      let download = part + "/" + file.name
      if file.name.hasSuffix(".tar.gz") {
        try TarArchive(path: download, home: home).unpack(to: unpacked)
      } else {
        let parent = self.path(in: unpacked)
        try system(parent) {
          try FileManager.default.createDirectory(
            atPath: parent, withIntermediateDirectories: true)
          try FileManager.default.copyItem(atPath: download, toPath: parent + "/" + file.name)
        }
      }
    }
    guard isPresent(in: unpacked) else {
      throw DatasetError(
        fault: .wrongArchive, file: part, found: "no \(folder)/\(files[0]) or not all others",
        expected: files.joined(separator: ", "), home: home)
    }
    let target = self.path(in: path)
    try checkVacant(target)
    // Fails if something with content has appeared there meanwhile.
    guard rename(self.path(in: unpacked), target) == 0 else {
      let reason = String(cString: strerror(errno))
      throw DatasetError(
        fault: .notWritten, file: target, found: "a failing rename (\(reason))",
        expected: "nothing there", home: home)
    }
    for file in downloads { unlink(part + "/" + file.name) }
    try? FileManager.default.removeItem(atPath: unpacked)
    unlink(part + "/" + FolderLock.fileName)
    rmdir(part)
  }

  static func sha256(of path: String, home: String) throws(DatasetError) -> String {
    let sum: SHA256
    do { sum = try SHA256(file: path) } catch {
      throw DatasetError(
        fault: .unreadable, file: path, found: "that it cannot be read (\(plainReason(error)))",
        expected: "the download", home: home)
    }
    return sum.finish()
  }

  /// Runs a file operation that the disk may refuse.
  private func system(_ target: String, _ work: () throws -> Void) throws(DatasetError) {
    do { try work() } catch {
      throw DatasetError(
        fault: .unreadable, file: target,
        found: "that it cannot be written (\(plainReason(error)))",
        expected: "a folder with room for the data set", home: home)
    }
  }
}
