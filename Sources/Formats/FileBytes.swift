import Foundation

/// The bytes of a regular file.
///
/// - Throws: `FormatError` for anything else: folders, pipes and devices may have no end.
public func fileBytes(_ path: String) throws(FormatError) -> Data {
  let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  let attributes = try? FileManager.default.attributesOfItem(atPath: target)
  guard attributes?[.type] as? FileAttributeType == .typeRegular else {
    throw FormatError(
      file: path, field: "file", value: attributes == nil ? "nothing there" : "no regular file",
      allowed: "a file")
  }
  do {
    return try Data(contentsOf: URL(fileURLWithPath: path))
  } catch {
    throw FormatError(
      file: path, field: "file", value: "\(error.localizedDescription)",
      allowed: "a file that can be read")
  }
}
