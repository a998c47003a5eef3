// SPDX-License-Identifier: Apache-2.0
import Foundation
import Processor

/// A bench of `rtl/test`: built with Verilator once, and run on files of vectors.
public struct RTLBench {
  /// What a bench says at its end.
  public struct Outcome: Equatable, Sendable, CustomStringConvertible {
    /// Vectors or results compared.
    public var checked: Int
    /// Of those, how many differ.
    public var differing: Int
    /// All that was printed.
    public var output = ""

    /// An outcome to compare with.
    public init(checked: Int, differing: Int, output: String = "") {
      self.checked = checked
      self.differing = differing
      self.output = output
    }

    /// Equal counts.
    public static func == (a: Outcome, b: Outcome) -> Bool {
      (a.checked, a.differing) == (b.checked, b.differing)
    }

    /// The counts and what was printed.
    public var description: String { "checked \(checked), differing \(differing)\n\(output)" }
  }

  /// Whether Verilator can be run.
  public static let isAvailable = verilator != nil

  private static let verilator: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").map { "\($0)/verilator" }
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  /// Where the bench is built and its vectors stand.
  public let folder: URL
  private let name: String

  /// Builds a bench in a new temporary folder, which `remove` takes away.
  ///
  /// - Parameters:
  ///   - name: a file of `rtl/test` without its ending.
  ///   - hardware: the folder `rtl`.
  ///   - package: stands for `swpu_pkg` of `rtl/src/hardware`; nil for the file.
  ///   - isLong: whether the bench runs so long that optimising it pays.
  public init(_ name: String, hardware: URL, package: String? = nil, isLong: Bool = false)
    throws
  {
    self.name = name
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("swpu-\(name)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    do {
      var sources = [
        "-F", hardware.appendingPathComponent("swpu.f").path,
      ]
      if let package {
        let file = folder.appendingPathComponent("swpu_pkg.sv")
        try Data(package.utf8).write(to: file)
        let listed = try String(
          contentsOf: hardware.appendingPathComponent("swpu.f"), encoding: .utf8)
        sources =
          [file.path]
          + listed.split(separator: "\n").filter { !$0.hasSuffix("/swpu_pkg.sv") }.map {
            hardware.appendingPathComponent(String($0)).path
          }
      }
      let effort = isLong ? "-O2" : "-O0"
      let built = try execute(
        Self.verilator ?? "verilator",
        [
          "--binary", "--timing", "-Wall", "-MAKEFLAGS",
          "VM_PARALLEL_BUILDS=0 OPT_FAST=\(effort) OPT_SLOW=-O0 OPT_GLOBAL=-O0",
          "--Mdir", folder.appendingPathComponent("build").path, "--top-module", name,
          hardware.appendingPathComponent("lint/verilator.vlt").path,
        ] + sources + [
          hardware.appendingPathComponent("test/\(name).sv").path, "-o", "bench",
        ], output: "build.log")
      if built.status != 0 { throw RTLError("\(name) cannot be built:\n\(built.output)") }
    } catch {
      remove()
      throw error
    }
  }

  /// Takes the folder away.
  public func remove() { try? FileManager.default.removeItem(at: folder) }

  /// Runs the bench on files of vectors, by name.
  ///
  /// - Parameter argument: the file that the bench is told; nil for the folder.
  public func run(vectors: [String: String], argument: String? = nil) throws -> Outcome {
    for (file, text) in vectors {
      try Data(text.utf8).write(to: folder.appendingPathComponent(file))
    }
    let path = argument.map { folder.appendingPathComponent($0).path } ?? folder.path
    let ran = try execute(
      folder.appendingPathComponent("build/bench").path, ["+vectors=\(path)"], output: "run.log")
    if ran.status != 0 { return Outcome(checked: 0, differing: 0, output: ran.output) }
    return Self.outcome(ran.output)
  }

  /// Reads the line `checked N differing M`; a bench that does not print it has checked nothing.
  private static func outcome(_ output: String) -> Outcome {
    for line in output.split(separator: "\n") {
      let words = line.split(separator: " ")
      if words.count == 4, words[0] == "checked", words[2] == "differing",
        let checked = Int(words[1]), let differing = Int(words[3])
      {
        return Outcome(checked: checked, differing: differing, output: output)
      }
    }
    return Outcome(checked: 0, differing: 0, output: output)
  }

  /// Runs a program to its end; what it prints goes through a file, as a full pipe would stop it.
  private func execute(_ program: String, _ arguments: [String], output: String) throws
    -> (status: Int32, output: String)
  {
    let log = folder.appendingPathComponent(output)
    try Data().write(to: log)
    let file = try FileHandle(forWritingTo: log)
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardOutput = file
    process.standardError = file
    try process.run()
    process.waitUntilExit()
    try file.close()
    let printed = String(decoding: try Data(contentsOf: log), as: UTF8.self)
    return (process.terminationStatus, printed)
  }
}
