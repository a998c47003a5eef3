// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

/// A web server on this machine (`FixtureScripts/range_server.py`), gone when the test ends.
final class LocalServer {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private let port: String

  init(folder: String) throws {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../FixtureScripts/range_server.py").standardized
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["python3", script.path, folder]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var line = Data()
    while let byte = try output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty,
      byte != Data("\n".utf8)
    {
      line += byte
    }
    port = String(decoding: line, as: UTF8.self)
    try #require(Int(port) != nil, "the server says its port: \(port)")
  }

  deinit { try? input.fileHandleForWriting.close() }

  /// The address of a file that is served in a way (see the script).
  func address(_ way: String, _ name: String) -> String {
    "http://127.0.0.1:\(port)/\(way)/\(name)"
  }

  /// Ends the server, and returns its requests: path and range.
  func requests() throws -> [String] {
    try input.fileHandleForWriting.close()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}
