// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks

/// The folder of a run: `config.yaml`, `network.json`, `task.json`, `metrics.jsonl`, `masks/`,
/// `checkpoints/`, `evaluation.json`, `summary.json`.
public struct RunFolder: Sendable {
  /// The folder.
  public let url: URL

  /// A run's folder; nothing is read or made yet.
  public init(_ url: URL) { self.url = url }

  /// The configuration.
  public var configuration: URL { url.appendingPathComponent("config.yaml") }
  /// One JSON object a line: steps, epochs and mask updates.
  public var metrics: URL { url.appendingPathComponent("metrics.jsonl") }
  /// Snapshots `step-NNNNNNNN.masks`: at the start, after each mask update (each epoch where nothing
  /// is pruned) and at the end.
  public var masks: URL { url.appendingPathComponent("masks") }
  /// The last two checkpoints, `step-NNNNNNNN.ckpt`.
  public var checkpoints: URL { url.appendingPathComponent("checkpoints") }
  /// What came out.
  public var summary: URL { url.appendingPathComponent("summary.json") }

  /// Makes the folder of a new run, and takes the right to write there.
  ///
  /// - Throws: `FileError` when it cannot be made, holds a run or somebody else's files of the names
  ///   that a run has, or is written by another program.
  func create() throws(FileError) -> FolderLock {
    try make(url)
    try checkIsFree()
    let lock = try FolderLock(url.path)
    try checkIsNoRun()
    for folder in [masks, checkpoints] { try make(folder) }
    return lock
  }

  /// Whether the folder holds a run: one that has come as far as to be resumed.
  public var isRun: Bool { holds(configuration.lastPathComponent) }

  private func holds(_ name: String) -> Bool {
    var status = stat()
    return lstat(url.appendingPathComponent(name).path, &status) == 0
  }

  /// Checks that a run can start in the folder, as far as that can be seen before.
  ///
  /// - Throws: `FileError` when it holds a run, or somebody else's files of the names that a run has.
  public func checkIsFree() throws(FileError) {
    // What a start that was killed has left is done again.
    if !holds(FolderLock.fileName), !isRun,
      let name = [network, networkFile, task, metrics, masks, checkpoints, evaluation, summary].map(
        \.lastPathComponent
      )
      .first(where: holds)
    {
      throw FileError(
        url.path, "start a run there",
        reason: "it holds '\(name)', which no run has written there; choose another folder")
    }
    try checkIsNoRun()
  }

  private func checkIsNoRun() throws(FileError) {
    if isRun {
      throw FileError(
        url.path, "start a run there",
        reason: "it already holds a run; resume it (--resume) or choose another folder")
    }
  }

  private func make(_ folder: URL) throws(FileError) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch {
      throw FileError(folder.path, "make the folder", error)
    }
  }

  /// Makes an empty folder of the first of these names that nothing has yet, and that nobody else takes
  /// at the same moment: `NAME`, `NAME-2`, `NAME-3` and so on.
  ///
  /// - Parameter twin: what the name of a second folder ends with, which must be free too.
  /// - Throws: `FileError` when it cannot be made.
  public static func fresh(_ name: String, twin: String? = nil) throws(FileError) -> RunFolder {
    let parent = URL(fileURLWithPath: name).deletingLastPathComponent()
    do {
      try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
    } catch {
      throw FileError(parent.path, "make the folder", error)
    }
    var number = 1
    while true {
      let path = number == 1 ? name : "\(name)-\(number)"
      if let twin, access(path + twin, F_OK) == 0 {
        number += 1
        continue
      }
      if mkdir(path, 0o777) == 0 { return RunFolder(URL(fileURLWithPath: path)) }
      guard errno == EEXIST else { throw FileError(path, "make the folder") }
      number += 1
    }
  }

  /// Removes the folder if it is as empty as `fresh` made it.
  public func removeIfEmpty() { rmdir(url.path) }

  static func fileName(step: Int, ending: String) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + "."
      + ending
  }

  /// The files of our names, in the order of their steps: from the 100,000,000th on, the order of the
  /// names is another one. A copy under a name of one's own is none of ours.
  private func files(in folder: URL, ending: String) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.compactMap { name -> (step: Int, name: String)? in
      guard let step = Int(name.dropFirst("step-".count).dropLast(ending.count + 1)),
        step >= 0, name == Self.fileName(step: step, ending: ending)
      else { return nil }
      return (step, name)
    }.sorted { $0.step < $1.step }.map { folder.appendingPathComponent($0.name) }
  }

  /// The checkpoints, oldest first.
  public var checkpointFiles: [URL] { files(in: checkpoints, ending: "ckpt") }
  /// The mask snapshots, oldest first.
  public var maskFiles: [URL] { files(in: masks, ending: "masks") }

  /// Writes a checkpoint, a second time as the best one if it is that, and removes all but the last two
  /// and the best.
  ///
  /// - Throws: `FileError`; earlier checkpoints are then as they were.
  public func save(_ checkpoint: Checkpoint, isBest: Bool = false) throws {
    let name = Self.fileName(step: checkpoint.progress.step, ending: "ckpt")
    let data = try checkpoint.encoded()
    if isBest { try writeAtomically(data, to: bestCheckpoint) }
    try writeAtomically(data, to: checkpoints.appendingPathComponent(name))
    // A newer one is damaged, or training would have gone on from there; it does not count.
    let done = checkpointFiles.filter { step(of: $0) ?? .max <= checkpoint.progress.step }
    for old in done.dropLast(2) { unlink(old.path) }
  }

  /// The newest checkpoint that is whole.
  ///
  /// - Throws: the error of the newest one when none is.
  public func latestCheckpoint() throws -> (file: URL, checkpoint: Checkpoint) {
    var first: (any Error)?
    for file in checkpointFiles.reversed() {
      do {
        return (file, try Checkpoint(decoding: readFile(file), file: file.path))
      } catch {
        first = first ?? error
      }
    }
    if let first { throw first }
    do {
      _ = try FileManager.default.contentsOfDirectory(atPath: checkpoints.path)
    } catch {
      throw FileError(checkpoints.path, "find a checkpoint", error)
    }
    throw FileError(checkpoints.path, "find a checkpoint", reason: "the folder holds none")
  }

  /// What is wrong with the newest checkpoint, where `latestCheckpoint` takes an older one in its place.
  public var damagedCheckpoint: String? {
    guard let newest = checkpointFiles.last else { return nil }
    do {
      _ = try Checkpoint(decoding: readFile(newest), file: newest.path)
      return nil
    } catch {
      return (try? latestCheckpoint()) == nil ? nil : "\(error)"
    }
  }

  /// All of a regular file of the run: a pipe in its place would be waited for.
  ///
  /// - Throws: `FileError`.
  func readFile(_ file: URL) throws(FileError) -> Data {
    do {
      return try fileBytes(file.path)
    } catch {
      throw FileError(file.path, "read", reason: error.value)
    }
  }

  /// The same; nil where there is none.
  ///
  /// - Throws: `FileError` where it is there and cannot be read.
  func readFileIfThere(_ file: URL) throws(FileError) -> Data? {
    FileManager.default.fileExists(atPath: file.path) ? try readFile(file) : nil
  }
}
