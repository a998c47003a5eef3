// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The bytes of a regular file.
///
/// - Throws: `InputError` for anything else: folders, pipes and devices may have no end.
public func fileBytes(_ path: String) throws(InputError) -> Data {
  let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
  let attributes = try? FileManager.default.attributesOfItem(atPath: target)
  guard attributes?[.type] as? FileAttributeType == .typeRegular else {
    throw InputError(
      file: path, field: "file", value: attributes == nil ? "nothing there" : "no regular file",
      allowed: "a file")
  }
  do {
    return try Data(contentsOf: URL(fileURLWithPath: path))
  } catch {
    throw InputError(
      file: path, field: "file", value: plainReason(error),
      allowed: "a file that can be read")
  }
}

/// Whether a path is that of a folder.
public func isFolder(_ path: String) -> Bool {
  var isFolder: ObjCBool = false
  return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
}

/// The names of what a folder holds, in order, without those that start with a dot.
///
/// - Throws: `InputError` where it cannot be read.
public func visibleFiles(in folder: String) throws(InputError) -> [String] {
  do {
    return try FileManager.default.contentsOfDirectory(atPath: folder)
      .filter { !$0.hasPrefix(".") }.sorted()
  } catch {
    throw InputError(
      file: folder, field: "folder", value: plainReason(error),
      allowed: "a folder that can be read")
  }
}
