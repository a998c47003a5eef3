// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Synchronization
import Tensor

/// A file of a data set that was not used.
public struct LeftOutFile: Sendable, Hashable, Codable {
  /// The path of the file.
  public let path: String
  /// Why it was not used, such as "Premature end of JPEG file".
  public let reason: String
}

/// Pictures in folders that bear the names of their classes: `train/CLASS/FILE` and `val/CLASS/FILE`.
/// Folders within that of a class belong to it.
struct PictureFolder {
  static let home = "docs/tutorials/train-on-your-pictures.md"
  static let endings: Set<String> = ["png", "jpg", "jpeg"]
  /// What the folder of the pictures to test with may be called; the first one there is taken.
  static let testFolders = ["val", "valid", "validation", "test"]
  /// The share of each class that is held out for testing where there is no `val`.
  static let heldOutShare = 0.2

  struct Entry: Hashable {
    let path: String
    let label: UInt16
  }

  let path: String
  /// In alphabetical order (by the bytes of the names).
  let classNames: [String]
  /// In random order, the same in each run, so that the first ones are of all classes.
  private(set) var train: [Entry]
  private(set) var test: [Entry]
  /// What lies in the folders of classes and is no picture.
  private(set) var leftOut: [LeftOutFile] = []
  /// What else is not as one may think, a sentence each.
  private(set) var remarks: [String] = []

  /// Lists the pictures of a folder; none is opened.
  ///
  /// Without `val`, a fifth of each class (at least one picture, none of a single one) is held out.
  /// It depends on the names of the files only, not on the seed of the run, so that runs can be
  /// compared.
  init(path: String) throws(DatasetError) {
    self.path = path
    let trainPath = path + "/train"
    let classes = try Self.folders(in: trainPath)
    guard (2...Int(UInt16.max)).contains(classes.count) else {
      throw Self.failure(
        .wrongCount, trainPath, found: "\(grouped(classes.count)) folders",
        expected: "a folder for each class, 2 to \(grouped(Int(UInt16.max)))")
    }
    classNames = classes
    (train, test) = ([], [])
    let testPath = chooseTestFolder()
    let hasTest = testPath != nil
    for (label, name) in classes.enumerated() {
      let entries = try list(trainPath + "/" + name, label: label)
      guard !entries.isEmpty else {
        throw Self.failure(
          .missing, trainPath + "/" + name, found: "no picture",
          expected: "files that end in .png, .jpg or .jpeg")
      }
      var random = SeededRandom(seed: 1, stream: UInt64(label))
      let order = hasTest ? Array(entries.indices) : random.permutation(entries.count)
      let held =
        hasTest || entries.count == 1
        ? 0 : max(1, Int(Double(entries.count) * Self.heldOutShare))
      train += order.dropFirst(held).map { entries[$0] }
      test += order.prefix(held).sorted().map { entries[$0] }
    }
    if let testPath {
      for name in try Self.folders(in: testPath) {
        guard let label = classes.firstIndex(of: name) else {
          throw Self.failure(
            .wrongLabel, testPath + "/" + name, found: "a class that train does not have",
            expected: "one of " + classes.prefix(20).joined(separator: ", "))
        }
        test += try list(testPath + "/" + name, label: label)
      }
    }
    guard !test.isEmpty else {
      throw Self.failure(
        .missing, path, found: "no picture to test with",
        expected: "pictures in val/CLASS, or two in a folder of train")
    }
    var random = SeededRandom(seed: 1, stream: .max)
    let shuffled = random.permutation(train.count).map { train[$0] }
    train = shuffled
  }

  /// The folder of the pictures to test with; nil where some of each class are held out.
  private mutating func chooseTestFolder() -> String? {
    var chosen: String?
    for name in Self.testFolders {
      guard let classes = try? Self.folders(in: path + "/" + name) else { continue }
      if let chosen {
        remarks.append("\(path)/\(name) is not used; \(chosen) is what is tested with")
      } else if classes.isEmpty && name != Self.testFolders[0] {
        remarks.append("\(path)/\(name) is not used; it has no folders named after classes")
      } else {
        chosen = path + "/" + name
      }
    }
    return chosen
  }

  /// The names of the folders in `path`, sorted.
  private static func folders(in path: String) throws(DatasetError) -> [String] {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
      throw failure(
        .missing, path, found: "no such folder", expected: "folders named after their classes")
    }
    return names.filter { name in
      var isFolder: ObjCBool = false
      let there = FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isFolder)
      return there && isFolder.boolValue && !name.hasPrefix(".")
    }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private mutating func list(_ folder: String, label: Int) throws(DatasetError) -> [Entry] {
    var (entries, above) = ([Entry](), Set<String>())
    try list(folder, label: UInt16(label), above: &above, into: &entries)
    return entries
  }

  /// Lists a folder and those in it; `above` are the folders on the way, which a link may lead back to.
  private mutating func list(
    _ folder: String, label: UInt16, above: inout Set<String>, into entries: inout [Entry]
  ) throws(DatasetError) {
    var status = stat()
    guard stat(folder, &status) == 0,
      let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
    else {
      throw Self.failure(
        .unreadable, folder, found: "a folder that may not be read", expected: "pictures")
    }
    let identity = "\(status.st_dev) \(status.st_ino)"
    guard above.insert(identity).inserted else {
      leftOut.append(LeftOutFile(path: folder, reason: "a link to a folder that it is in"))
      return
    }
    defer { above.remove(identity) }
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    where !name.hasPrefix(".") {
      let file = folder + "/" + name
      if isFolder(file) {
        try list(file, label: label, above: &above, into: &entries)
      } else if Self.endings.contains((name as NSString).pathExtension.lowercased()) {
        entries.append(Entry(path: file, label: label))
      } else {
        leftOut.append(LeftOutFile(path: file, reason: "not a .png, .jpg or .jpeg file"))
      }
    }
  }

  private static func failure(
    _ fault: DatasetError.Fault, _ file: String, found: String, expected: String
  ) -> DatasetError {
    DatasetError(fault: fault, file: file, found: found, expected: expected, home: home)
  }
}

extension PictureFolder {
  /// Decodes the first pictures of both splits on all processors into a file, or takes the file of
  /// the last time; broken pictures are left out.
  ///
  /// - Parameters:
  ///   - side: rows and columns to scale to.
  ///   - cacheFolder: where the file stays for the next time; nowhere when it is nil.
  ///   - progress: called on this thread with the part that is done, in 0...1.
  func load(
    side: Int, trainCount: Int?, testCount: Int?, cacheFolder: String?,
    progress: (Double) -> Void
  ) throws(DatasetError) -> Dataset {
    guard Picture.isReadable else {
      throw Self.failure(
        .notBuilt, path, found: "images, which this program was built without libraries for",
        expected: Picture.howToRead)
    }
    let folder = cacheFolder ?? NSTemporaryDirectory() + "/swpu-pictures-" + UUID().uuidString
    // Who has a file open can read it all the same.
    defer { if cacheFolder == nil { try? FileManager.default.removeItem(atPath: folder) } }
    let total = Double(min(train.count, trainCount ?? .max) + min(test.count, testCount ?? .max))
    var done = 0
    var leftOut = self.leftOut
    func images(_ all: [Entry], _ name: String, most: Int?) throws(DatasetError) -> ImageSet {
      let entries = Array(all.prefix(most ?? .max))
      let cache = PictureCache(
        folder: folder, source: path, split: name + (most.map { "-first-\($0)" } ?? ""),
        side: side, entries: entries)
      let file: ImageFile
      if let kept = cache.open() {
        file = kept
      } else {
        file = try cache.make { writer throws(FileError) in
          try decode(entries, side: side, into: writer) {
            progress(Double(done + $0) / total)
          }
        }
      }
      done += entries.count
      progress(Double(done) / total)
      let broken = file.index.leftOut.map {
        LeftOutFile(path: path + $0.path, reason: $0.reason)
      }
      leftOut += broken
      guard !file.index.labels.isEmpty else {
        let first = broken.first
        throw Self.failure(
          .unreadable, first?.path ?? path,
          found: "\(first?.reason ?? "nothing"), and no better file among the "
            + "\(grouped(entries.count)) for the \(name) split",
          expected: "at least one picture that can be decoded")
      }
      return ImageSet(file, channels: 3, height: side, width: side, classNames: classNames)
    }
    let first = try images(train, "train", most: trainCount)
    let second = try images(test, "test", most: testCount)
    return Dataset(
      name: "folder", train: first, test: second,
      augmentation: Augmentation(padding: side / 8, flips: true, resizes: side >= 96),
      leftOut: leftOut,
      remarks: remarks)
  }

  private func decode(
    _ entries: [Entry], side: Int, into writer: ImageFileWriter, progress: (Int) -> Void
  ) throws(FileError) {
    // Some pictures at a time, so that they come in order and only few lie about decoded.
    let share = 64
    for start in stride(from: 0, to: entries.count, by: share) {
      progress(start)
      let part = entries[start..<min(start + share, entries.count)]
      let results = Mutex([Int: Result<[UInt8], PictureError>]())
      DispatchQueue.concurrentPerform(iterations: part.count) { index in
        let result = Self.read(part[start + index].path, side: side)
        results.withLock { $0[index] = result }
      }
      let decoded = results.withLock { $0 }
      for (index, entry) in part.enumerated() {
        switch decoded[index] {
        case .success(let values): try writer.append(values, label: entry.label)
        case .failure(let error):
          // The way to our folder may be spelt differently the next time.
          let place = String(entry.path.dropFirst(path.count))
          writer.leaveOut(LeftOutFile(path: place, reason: error.description))
        case nil: preconditionFailure("each picture has a result")
        }
      }
    }
  }

  private static func read(_ path: String, side: Int) -> Result<[UInt8], PictureError> {
    do {
      return .success(try Picture(path: path).square(side: side))
    } catch {
      return .failure(error)
    }
  }
}
