// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// The external data files of an ONNX file, in which large constants may be.
///
/// A location is a path below the folder of the model. A link may lead to another place in that folder,
/// or in the one of the file that the model's own path leads to, as in caches whose files are links.
struct ExternalData {
  /// The bytes of a constant, or the file that is not there.
  enum Found {
    case found(ArraySlice<UInt8>)
    case missing(String)
  }

  let file: String
  private var contents: [String: [UInt8]] = [:]
  private var missing = Set<String>()

  init(file: String) { self.file = file }

  /// The bytes of a constant that has `location`, and perhaps `offset` and `length`.
  mutating func bytes(_ entries: [String: String], count: Int, _ reader: WireReader)
    throws(InputError) -> Found
  {
    let location = entries["location"] ?? ""
    let parts = location.split(separator: "/", omittingEmptySubsequences: false)
    guard !location.hasPrefix("/"), !parts.contains(".."), !["", "."].contains(parts.last),
      !location.contains("\\"), location.utf8.count <= 1024,
      !location.unicodeScalars.contains(where: { $0.value < 0x20 })
    else {
      throw reader.error(
        "external_data location", found: location,
        allowed: "a file in the folder of the model or below")
    }
    if missing.contains(location) { return .missing(location) }
    if contents[location] == nil {
      guard let bytes = try read(location, reader) else {
        missing.insert(location)
        return .missing(location)
      }
      contents[location] = bytes
    }
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
    return .found(content[offset..<offset + length])
  }

  /// The bytes of a file; nil where there is none.
  private func read(_ location: String, _ reader: WireReader) throws(InputError) -> [UInt8]? {
    let model = URL(fileURLWithPath: file)
    let folder = model.deletingLastPathComponent()
    let path = folder.appendingPathComponent(location)
    let target = path.resolvingSymlinksInPath()
    let roots = [
      folder.resolvingSymlinksInPath(), model.resolvingSymlinksInPath().deletingLastPathComponent(),
    ]
    guard roots.contains(where: { target.pathComponents.starts(with: $0.pathComponents) }) else {
      throw reader.error(
        "external_data location", found: location + ", which leads elsewhere",
        allowed: "a file in the folder of the model or below")
    }
    guard FileManager.default.fileExists(atPath: target.path) else { return nil }
    let data = try fileBytes(path.path)
    if let kind = foreignKind(data, isText: true) {
      throw reader.error(
        "external_data location", found: "\(location), \(kind)", allowed: "a file of values")
    }
    return [UInt8](data)
  }
}
