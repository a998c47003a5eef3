// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks

/// The folder of a run: `config.yaml`, `network.json`, `metrics.jsonl`, `masks/`, `checkpoints/`,
/// `summary.json`.
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

  /// Makes the folder.
  ///
  /// - Throws: `FileError` when it cannot be made or holds a run already.
  public func create() throws(FileError) {
    if FileManager.default.fileExists(atPath: configuration.path) {
      throw FileError(
        url.path, "start a run there",
        reason: "it holds a run already; go on with it (--resume) or choose another folder")
    }
    for folder in [url, masks, checkpoints] {
      do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      } catch {
        throw FileError(folder.path, "make the folder", reason: error.localizedDescription)
      }
    }
  }

  static func fileName(step: Int, ending: String) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 8 - digits.count)) + digits + "."
      + ending
  }

  private func files(in folder: URL, ending: String) -> [URL] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasPrefix("step-") && $0.hasSuffix("." + ending) }.sorted()
      .map { folder.appendingPathComponent($0) }
  }

  /// The checkpoints, oldest first.
  public var checkpointFiles: [URL] { files(in: checkpoints, ending: "ckpt") }
  /// The mask snapshots, oldest first.
  public var maskFiles: [URL] { files(in: masks, ending: "masks") }

  /// Writes a checkpoint and removes all but the last two.
  ///
  /// - Throws: `FileError`; earlier checkpoints are then as they were.
  public func save(_ checkpoint: Checkpoint) throws {
    let name = Self.fileName(step: checkpoint.progress.step, ending: "ckpt")
    try writeAtomically(checkpoint.encoded(), to: checkpoints.appendingPathComponent(name))
    for old in checkpointFiles.dropLast(2) { try? FileManager.default.removeItem(at: old) }
  }

  /// The newest checkpoint that is whole.
  ///
  /// - Throws: the error of the newest one when none is.
  public func latestCheckpoint() throws -> (file: URL, checkpoint: Checkpoint) {
    var first: (any Error)?
    for file in checkpointFiles.reversed() {
      do {
        return (file, try Checkpoint(decoding: Data(contentsOf: file), file: file.path))
      } catch {
        first = first ?? error
      }
    }
    throw first
      ?? FileError(checkpoints.path, "find a checkpoint", reason: "the folder holds none")
  }

  /// Keeps the lines of the metrics up to a step: what came after a checkpoint is written anew.
  func trimMetrics(after step: Int) throws {
    guard let data = FileManager.default.contents(atPath: metrics.path) else { return }
    struct Line: Decodable { var step: Int }
    var kept = Data()
    for line in data.split(separator: UInt8(ascii: "\n")) {
      guard let found = try? JSONDecoder().decode(Line.self, from: Data(line)),
        found.step <= step
      else { break }
      kept.append(contentsOf: line)
      kept.append(UInt8(ascii: "\n"))
    }
    try writeAtomically(kept, to: metrics)
  }
}
