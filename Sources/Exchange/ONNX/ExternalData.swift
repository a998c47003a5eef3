// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// The files beside an ONNX file in which large constants may stand.
///
/// Only files in the same folder are read: a name that leads elsewhere is refused, and so is a link
/// that does.
struct ExternalData {
  let file: String
  private var contents: [String: [UInt8]] = [:]

  init(file: String) { self.file = file }

  /// The bytes of a constant that says `location`, and perhaps `offset` and `length`.
  mutating func bytes(_ entries: [String: String], count: Int, _ reader: WireReader)
    throws(InputError) -> ArraySlice<UInt8>
  {
    let location = entries["location"] ?? ""
    guard !location.isEmpty, !location.hasPrefix("."), !location.contains("/"),
      !location.contains("\\"), location.utf8.count <= 255,
      !location.unicodeScalars.contains(where: { $0.value < 0x20 })
    else {
      throw reader.error(
        "external_data location", found: location, allowed: "a file in the folder of the model")
    }
    if contents[location] == nil { contents[location] = try read(location, reader) }
    let content = contents[location] ?? []
    func number(_ key: String, _ standard: Int) throws(InputError) -> Int {
      guard let text = entries[key] else { return standard }
      guard let value = Int(text), (0...content.count).contains(value) else {
        throw reader.error(
          "external_data \(key)", found: text, allowed: "0 to \(content.count), as in \(location)")
      }
      return value
    }
    let offset = try number("offset", 0)
    let length = try number("length", count)
    guard length == count, length <= content.count - offset else {
      throw reader.error(
        "external_data", found: "\(length) bytes at \(offset) of \(location)",
        allowed: "\(count) bytes for these dims, within its \(content.count)")
    }
    return content[offset..<offset + length]
  }

  private func read(_ location: String, _ reader: WireReader) throws(InputError) -> [UInt8] {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    let path = folder.appendingPathComponent(location)
    guard
      path.resolvingSymlinksInPath().deletingLastPathComponent().path
        == folder.resolvingSymlinksInPath().path
    else {
      throw reader.error(
        "external_data location", found: location + ", which leads elsewhere",
        allowed: "a file in the folder of the model")
    }
    return [UInt8](try fileBytes(path.path))
  }
}
