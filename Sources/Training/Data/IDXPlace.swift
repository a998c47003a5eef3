// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// The folder of the four files of a set, and the beginning of their names: empty for MNIST, the set
/// for those that are published together (`emnist-letters-train-images-idx3-ubyte.gz`).
struct IDXPlace {
  /// What the test split is called: by MNIST and by EMNIST.
  static let testSplits = ["t10k", "test"]

  private let folder: String
  private let lead: String

  /// Looks for the training images of a set.
  ///
  /// - Throws: `DatasetError` where a folder holds several sets and none is chosen.
  init(_ path: String) throws(DatasetError) {
    if isFolder(path) {
      let leads = Self.leads(in: path)
      guard leads.count <= 1 || leads.contains("") else {
        throw DatasetError(
          fault: .wrongCount, file: path,
          found: "several sets: \(leads.map { $0.dropLast() }.joined(separator: ", "))",
          expected: "one; choose with the begin of its names, as in \(path)/\(leads[0].dropLast())",
          home: IDXFiles.home)
      }
      (folder, lead) = (path, leads.first ?? "")
    } else {
      let url = URL(fileURLWithPath: path)
      folder = url.deletingLastPathComponent().path
      let leads = Self.leads(in: folder)
      lead = ["-", "_", "."].map { url.lastPathComponent + $0 }.first(where: leads.contains) ?? ""
      if lead.isEmpty {
        throw DatasetError(
          fault: .missing, file: path, found: "no such folder, and no files of such names",
          expected: "a folder with \(names("images", split: "train", kind: "idx3-ubyte")[0]) or "
            + "\(names("images", split: "train", kind: "idx3-ubyte")[1])",
          home: IDXFiles.home)
      }
    }
  }

  /// What the names of training images in a folder begin with, sorted.
  private static func leads(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let form = /(|.*[-_.])train-images[-.]idx3-ubyte(\.gz)?/
    return Set(names.compactMap { name in (try? form.wholeMatch(in: name)).map { String($0.1) } })
      .sorted()
  }

  private func names(_ what: String, split: String, kind: String) -> [String] {
    ["-", "."].flatMap { separator in
      ["", ".gz"].map { "\(lead)\(split)-\(what)\(separator)\(kind)\($0)" }
    }
  }

  /// Opens the first of the usual names that is there.
  func open(_ what: String, of splits: [String], kinds: [String]) throws(DatasetError) -> DataFile {
    let names = kinds.flatMap { kind in
      splits.flatMap { self.names(what, split: $0, kind: kind) }
    }
    let name = names.first { FileManager.default.fileExists(atPath: folder + "/" + $0) }
    return try DataFile(
      path: folder + "/" + (name ?? names[0]),
      expected: "a file \(names.joined(separator: " or "))", home: IDXFiles.home)
  }
}
