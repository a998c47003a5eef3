// SPDX-License-Identifier: Apache-2.0
import Foundation
import Oracles
import Testing

/// The Python of `SWPU_PYTHON`, or `python3`: for tests that hold files against their real readers.
/// `make exchange` prepares one with all packages.
enum Python {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Whether a package is there.
  static func has(_ package: String) -> Bool {
    (try? run(["-c", "import \(package)"])) != nil
  }

  /// What a script of `FixtureScripts` prints.
  static func run(script: String, _ arguments: String...) throws -> Data {
    try run(script: script, arguments)
  }

  static func run(script: String, _ arguments: [String]) throws -> Data {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    return try run([folder.appendingPathComponent("FixtureScripts/" + script).path] + arguments)
  }

  private static func run(_ arguments: [String]) throws -> Data {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    let python = ProcessInfo.processInfo.environment["SWPU_PYTHON"] ?? "python3"
    process.arguments = [python] + arguments
    process.standardOutput = output
    let errors = FileManager.default.temporaryDirectory.appendingPathComponent("python-\(UUID())")
    try Data().write(to: errors)
    defer { try? FileManager.default.removeItem(at: errors) }
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    if process.terminationStatus != 0 {
      throw Failure(description: try String(contentsOf: errors, encoding: .utf8))
    }
    return data
  }
}

extension Trait where Self == ConditionTrait {
  /// Runs where Python has a package, and fails without it where it has to be.
  static func needsPython(_ package: String) -> Self {
    .enabled(
      if: Python.has(package) || RequiredTools.contains(package),
      "needs Python with \(package); see make exchange")
  }
}
