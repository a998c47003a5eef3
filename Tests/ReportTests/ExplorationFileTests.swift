// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Processor
import Pruning
import Studies
import Synchronization
import Tensor
import Testing

@testable import Report

@Suite struct ExplorationFileTests {
  private func workload() throws -> Workload {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 4, height: 6, width: 6), filters: 8, rows: 3, columns: 3,
        paddingRows: 1, paddingColumns: 1))
    let layer = NetworkDescription.Convolution(
      name: "only", geometry: geometry, needsInputGradient: true, prunable: true)
    return Workload(
      NetworkDescription(name: "tiny", batch: 1, convolutions: [layer], vectorLayers: []),
      pruning: PruningConfiguration(granularity: .line, sparsity: 0.7), seed: 1)
  }

  @Test("a stopped sweep is resumed, and ends like an uninterrupted one")
  func resumes() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("explore-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let axes = [
      Exploration.Axis(key: "array.rows", values: ["2", "4", "8"]),
      Exploration.Axis(key: "array.window", values: ["4", "16"]),
    ]
    let exploration = Exploration(base: .small, axes: axes)
    func file(_ name: String) -> ExplorationFile {
      ExplorationFile(
        path: folder.appendingPathComponent(name).path, axes: axes,
        command: { "run " + $0.map { "\($0.key)=\($0.value)" }.joined(separator: " ") })
    }
    let workload = try workload()
    let whole = try file("whole.csv").run(
      exploration, workload, threads: 2, shouldStop: { false }, report: { _, _ in })
    #expect(whole?.count == 6)
    let asked = Mutex(0)
    let stopped = try file("parts.csv").run(
      exploration, workload, threads: 1,
      shouldStop: {
        asked.withLock {
          $0 += 1; return $0 > 3
        }
      }, report: { _, _ in })
    #expect(stopped == nil)
    let computed = Mutex<[Int]>([])
    let resumed = try file("parts.csv").run(
      exploration, workload, threads: 2, shouldStop: { false },
      report: { done, _ in computed.withLock { $0.append(done) } })
    #expect(resumed?.count == 6)
    #expect(computed.withLock { $0.count } == 3)
    func text(_ name: String) throws -> String {
      try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }
    #expect(try text("parts.csv") == text("whole.csv"))
    #expect(try text("whole.csv").contains("run array.rows=8 array.window=16"))
    #expect(try text("whole.svg").contains("<circle"))
  }

  @Test("a file that is not of this sweep is refused before anything is computed")
  func foreign() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("explore-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    func run(_ name: String, command: String = "run", rows: [String] = ["2", "4"]) throws {
      let axes = [Exploration.Axis(key: "array.rows", values: rows)]
      _ = try ExplorationFile(
        path: folder.appendingPathComponent(name).path, axes: axes, command: { _ in command }
      ).run(
        Exploration(base: .small, axes: axes), workload(), threads: 1, shouldStop: { false },
        report: { _, _ in })
    }
    func text(_ name: String) throws -> String {
      try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
    }
    try run("own.csv")
    let own = try text("own.csv")
    // The same sweep with more values is resumed; another workload is not.
    try run("own.csv", rows: ["2", "4", "8"])
    #expect(try text("own.csv").hasPrefix(own))
    let whole = try text("own.csv")
    // A command with commas is one cell, and is read again as it is.
    let commas = #"simulate 'a,"b'"#
    try run("commas.csv", command: commas)
    try run("commas.csv", command: commas)
    #expect(try text("commas.csv").contains(#","simulate 'a,""b'""# + "\n"))
    let error = #expect(throws: FileError.self) { try run("own.csv", command: "another") }
    #expect(error?.reason.contains("line 2") == true)
    #expect(try text("own.csv") == whole)
    for content in ["name,price\nbread,2\n", "\u{0}\u{1}", "\(whole)eggs,3\n"] {
      try Data(content.utf8).write(to: folder.appendingPathComponent("theirs.csv"))
      #expect(throws: FileError.self) { try run("theirs.csv") }
      #expect(try text("theirs.csv") == content)
    }
    // Neither is a picture that happens to bear the chart's name.
    try Data("<svg/>".utf8).write(to: folder.appendingPathComponent("new.svg"))
    #expect(throws: FileError.self) { try run("new.csv") }
    #expect(try text("new.svg") == "<svg/>")
  }

  @Test("a timeline is JSON with an event for every pass")
  func timeline() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("trace-\(UUID().uuidString).json").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let bytes = try StepTimeline(workload(), hardware: .small).write(to: OutputFile(path))
    let data = try #require(FileManager.default.contents(atPath: path))
    #expect(data.count == bytes)
    let document = try #require(
      JSONSerialization.jsonObject(with: data) as? [String: Any])
    let events = try #require(document["traceEvents"] as? [[String: Any]])
    let names = events.compactMap { $0["ph"] as? String == "X" ? $0["name"] as? String : nil }
    for pass in Pass.allCases { #expect(names.contains("only \(pass.rawValue)")) }
    #expect(names.contains { $0.hasPrefix("only group ") })
    #expect(events.contains { $0["ph"] as? String == "C" })
  }
}
