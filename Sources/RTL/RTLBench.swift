// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Processor

/// A bench of `rtl/test`: built with Verilator once for its content, and run on files of vectors.
public struct RTLBench {
  /// The outcome of a bench.
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

  /// The folder of the vectors and of the bench's output.
  public let folder: URL
  private let program: URL

  /// Builds a bench, or takes the one that was built from the same content before. Its vectors get a new
  /// temporary folder, which `remove` takes away.
  ///
  /// - Parameters:
  ///   - name: a file of `rtl/test` without its ending.
  ///   - hardware: the folder `rtl`.
  ///   - package: replaces `swpu_pkg` of `rtl/src/hardware`; nil for the file.
  ///   - isLong: whether the bench runs so long that optimising it pays.
  ///   - kept: a folder that keeps built benches, the newest 24 of them; nil to keep none.
  ///   - willBuild: called before Verilator and the C++ compiler start, which takes minutes.
  public init(
    _ name: String, hardware: URL, package: String? = nil, isLong: Bool = false, kept: URL? = nil,
    willBuild: () -> Void = {}
  ) throws {
    folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("swpu-\(name)-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    do {
      let listed = try String(
        contentsOf: hardware.appendingPathComponent("swpu.f"), encoding: .utf8)
      var sources = listed.split(separator: "\n").map {
        hardware.appendingPathComponent(String($0))
      }
      if let package {
        let file = folder.appendingPathComponent("swpu_pkg.sv")
        try Data(package.utf8).write(to: file)
        sources = [file] + sources.filter { $0.lastPathComponent != "swpu_pkg.sv" }
      }
      let test = hardware.appendingPathComponent("test")
      sources.insert(hardware.appendingPathComponent("lint/verilator.vlt"), at: 0)
      sources.append(test.appendingPathComponent("\(name).sv"))
      let options = [
        "-I\(test.path)", "--binary", "--timing", "--assert", "-Wall", "-MAKEFLAGS",
        "VM_PARALLEL_BUILDS=0 OPT_FAST=\(isLong ? "-O2" : "-O0") OPT_SLOW=-O0 OPT_GLOBAL=-O0",
        "--top-module", name,
      ]
      let built = folder.appendingPathComponent("build/bench")
      guard let kept else {
        program = built
        willBuild()
        try Self.build(name, options, sources, in: folder)
        return
      }
      let verilator = try Self.execute(
        Self.verilator ?? "verilator", ["--version"],
        log: folder.appendingPathComponent("version.log"))
      var content = Array((options.joined(separator: "\0") + verilator.output).utf8)
      let included = try FileManager.default.contentsOfDirectory(
        at: test, includingPropertiesForKeys: nil
      ).filter { $0.pathExtension == "svh" }.sorted { $0.path < $1.path }
      for source in sources + included { content += try Data(contentsOf: source) + [0] }
      program = kept.appendingPathComponent("\(name)-\(String(checksum(content), radix: 16))")
      if !FileManager.default.isExecutableFile(atPath: program.path) {
        willBuild()
        try Self.build(name, options, sources, in: folder)
        try Self.keep(built, as: program)
      }
    } catch {
      try? FileManager.default.removeItem(at: folder)
      throw error
    }
  }

  private static func build(_ name: String, _ options: [String], _ sources: [URL], in folder: URL)
    throws
  {
    let built = try execute(
      verilator ?? "verilator",
      options + ["--Mdir", folder.appendingPathComponent("build").path]
        + sources.map(\.path) + ["-o", "bench"],
      log: folder.appendingPathComponent("build.log"))
    if built.status != 0 { throw RTLError("\(name) cannot be built:\n\(built.output)") }
  }

  /// Benches that are kept at most.
  private static let mostKept = 24

  /// Puts a built bench among those that are kept, whole or not at all, and takes the oldest away.
  private static func keep(_ built: URL, as program: URL) throws {
    let files = FileManager.default
    let kept = program.deletingLastPathComponent()
    try files.createDirectory(at: kept, withIntermediateDirectories: true)
    let partial = kept.appendingPathComponent("partial-\(UUID().uuidString)")
    do {
      try files.copyItem(at: built, to: partial)
      if rename(partial.path, program.path) != 0 { throw CocoaError(.fileWriteUnknown) }
    } catch {
      try? files.removeItem(at: partial)
      throw RTLError("\(program.path) cannot be written: \(error.localizedDescription)")
    }
    func changed(_ file: URL) -> Date {
      (try? file.resourceValues(forKeys: [.contentModificationDateKey]))?.contentModificationDate
        ?? .distantPast
    }
    let benches = try files.contentsOfDirectory(at: kept, includingPropertiesForKeys: nil)
      .filter { $0.lastPathComponent.hasPrefix("tb_swpu_") }
      .sorted { changed($0) > changed($1) }
    for old in benches.dropFirst(mostKept) where old != program {
      try? files.removeItem(at: old)
    }
  }

  /// Takes the folder away.
  public func remove() { try? FileManager.default.removeItem(at: folder) }

  /// Runs the bench on files of vectors, by name.
  ///
  /// - Parameter argument: the file that the bench is given; nil for the folder.
  public func run(vectors: [String: String], argument: String? = nil) throws -> Outcome {
    for (file, text) in vectors {
      try Data(text.utf8).write(to: folder.appendingPathComponent(file))
    }
    let path = argument.map { folder.appendingPathComponent($0).path } ?? folder.path
    let ran = try Self.execute(
      program.path, ["+vectors=\(path)"], log: folder.appendingPathComponent("run.log"))
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
  private static func execute(_ program: String, _ arguments: [String], log: URL) throws
    -> (status: Int32, output: String)
  {
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
