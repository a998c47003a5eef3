// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Appends to `metrics.jsonl`: one JSON object a line with `kind`, `step` and the record's fields.
final class MetricsFile {
  private let descriptor: Int32
  private let path: String

  init(_ url: URL) throws(FileError) {
    path = url.path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path, "append") }
  }

  deinit { close(descriptor) }

  private struct Line<Record: Encodable>: Encodable {
    let kind: String
    let step: Int
    let record: Record

    enum CodingKeys: String, CodingKey { case kind, step }

    func encode(to encoder: any Encoder) throws {
      try record.encode(to: encoder)
      var values = encoder.container(keyedBy: CodingKeys.self)
      try values.encode(kind, forKey: .kind)
      try values.encode(step, forKey: .step)
    }
  }

  func append(_ record: some Encodable, kind: String, step: Int) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    var data = try encoder.encode(Line(kind: kind, step: step, record: record))
    data.append(UInt8(ascii: "\n"))
    let end = lseek(descriptor, 0, SEEK_END)
    do {
      try writeAll(data, to: descriptor, path)
    } catch {
      // A full disk takes a part of a line, which whoever reads it could make nothing of.
      if end >= 0 { ftruncate(descriptor, end) }
      throw error
    }
  }

  /// Waits until all lines are on the disk: a checkpoint behind them does not outlive them.
  func synchronize() throws(FileError) {
    guard fsync(descriptor) == 0 else { throw FileError(path, "sync") }
  }
}
