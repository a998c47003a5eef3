// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// An npz file: a zip file of npy files, as `numpy.savez` and `numpy.savez_compressed` write it.
///
/// Arrays are decompressed one by one when they are asked for.
public struct NumPyArchive: Sendable {
  /// The names of the arrays, in the order of the file.
  public let names: [String]
  /// What else the file holds.
  public let others: [String]
  private let zip: ZipFile
  private let members: [String: ZipFile.Member]

  /// Reads a file.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(path: String) throws(InputError) {
    try self.init(fileBytes(path), file: path)
  }

  /// Reads the directory of a file.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(_ data: Data, file: String) throws(InputError) {
    if let kind = foreignKind(data), !data.starts(with: [0x50, 0x4b]) {
      throw InputError(file: file, field: "file", value: kind, allowed: "an npz file")
    }
    zip = try ZipFile(data, file: file)
    var others: [String] = []
    var names: [String] = []
    var members: [String: ZipFile.Member] = [:]
    for member in zip.members {
      guard member.name.hasSuffix(".npy") else {
        if !member.name.hasSuffix("/") { others.append(member.name) }
        continue
      }
      let name = String(member.name.dropLast(4))
      names.append(name)
      members[name] = member
    }
    guard !names.isEmpty else {
      throw InputError(
        file: file, field: "members", value: StateNames.list(others),
        allowed: "arrays, whose names end in .npy")
    }
    self.names = names
    self.others = others
    self.members = members
  }

  /// An array.
  ///
  /// - Parameter limit: the most bytes that it may take, so that a small file cannot fill the memory.
  /// - Throws: `InputError`, also for a name that the file does not have.
  public func array(_ name: String, limit: Int = .max) throws(InputError) -> NumPyArray {
    guard let member = members[name] else {
      throw InputError(
        file: zip.file, field: "array '\(name)'", value: "no such array",
        allowed: names.joined(separator: ", "))
    }
    guard member.byteCount <= limit else {
      throw InputError(
        file: zip.file, field: "array '\(name)'", value: "\(member.byteCount) bytes",
        allowed: "at most \(limit)")
    }
    return try NumPyArray(zip.bytes(of: member)[...], file: zip.file, name: name)
  }

  /// The bytes of a file of these arrays, not compressed.
  public static func encoded(_ arrays: [(name: String, array: NumPyArray)]) -> Data {
    ZipFile.encoded(arrays.map { ($0.name + ".npy", $0.array.encoded()) })
  }
}
