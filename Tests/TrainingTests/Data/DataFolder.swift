// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Training

/// A temporary folder for a test, removed when the test ends.
final class DataFolder {
  let path = NSTemporaryDirectory() + "swpu-data-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ bytes: [UInt8], _ name: String) throws {
    let file = URL(fileURLWithPath: path + "/" + name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
  }

  /// Compresses the file `name` to `name`.gz, which takes its place.
  func compress(_ name: String) throws {
    let process = try Process.run(
      URL(fileURLWithPath: "/usr/bin/env"), arguments: ["gzip", "-n", path + "/" + name])
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
  }

  func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)))
  }
}

/// Expects `load` to fail with `fault` in `file`, and its message to hold each of `words`.
func expectFault(
  _ fault: DatasetError.Fault, in file: String, saying words: [String] = [],
  sourceLocation: SourceLocation = #_sourceLocation, _ load: () throws -> Void
) {
  let error = #expect(throws: DatasetError.self, sourceLocation: sourceLocation) { try load() }
  guard let error else { return }
  #expect(error.fault == fault, "\(error)", sourceLocation: sourceLocation)
  for word in [file, error.home] + words {
    #expect(error.description.contains(word), sourceLocation: sourceLocation)
  }
}
