// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Appends to `metrics.jsonl`: one JSON object a line with `kind`, `step` and the record's fields.
struct MetricsFile {
  private let handle: FileHandle
  private let path: String

  init(_ url: URL) throws(FileError) {
    path = url.path
    if !FileManager.default.fileExists(atPath: path) {
      guard FileManager.default.createFile(atPath: path, contents: nil) else {
        throw FileError(path, "create")
      }
    }
    do {
      handle = try FileHandle(forWritingTo: url)
      try handle.seekToEnd()
    } catch {
      throw FileError(path, "append", reason: error.localizedDescription)
    }
  }

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
    do {
      try handle.write(contentsOf: data)
    } catch {
      throw FileError(path, "append", reason: error.localizedDescription)
    }
  }
}
