import Foundation
import Testing

/// The program as a person runs it.
struct Program {
  struct Result {
    let status: Int32
    let output: Data
    let errors: String
  }

  /// Beside the tests that were built with it.
  static let url = URL(fileURLWithPath: CommandLine.arguments[0])
    .deletingLastPathComponent().appendingPathComponent("swpu")

  let process = Process()
  private let output = Pipe()
  private let errorFile: URL

  init(_ arguments: String...) throws { try self.init(arguments) }

  init(_ arguments: [String]) throws {
    process.executableURL = Self.url
    process.arguments = arguments
    process.standardOutput = output
    errorFile = FileManager.default.temporaryDirectory.appendingPathComponent("swpu-\(UUID())")
    try Data().write(to: errorFile)
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
  }

  func wait() throws -> Result {
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    defer { try? FileManager.default.removeItem(at: errorFile) }
    return Result(
      status: process.terminationStatus, output: data,
      errors: try String(contentsOf: errorFile, encoding: .utf8))
  }
}

@Suite("The command", .serialized)
struct CommandTests {
  private func folder() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("swpu-run-\(UUID())").path
  }

  /// A training of some seconds.
  private func train(_ folder: String) throws -> Program {
    try Program(
      "train", "--width", "0.25", "--train-images", "640", "--epochs", "4", "--output", folder,
      "--threads", "2", "--json")
  }

  private func lastCheckpoint(_ folder: String) throws -> Data {
    let checkpoints = folder + "/checkpoints"
    let name = try FileManager.default.contentsOfDirectory(atPath: checkpoints)
      .filter { $0.hasSuffix(".ckpt") }.max()
    return try Data(contentsOf: URL(fileURLWithPath: checkpoints + "/" + (try #require(name))))
  }

  @Test("A killed or interrupted training, resumed, ends with the same bits; JSON tells the result")
  func killAndResume() throws {
    let (whole, killed, interrupted) = (folder(), folder(), folder())
    defer {
      for folder in [whole, killed, interrupted] {
        try? FileManager.default.removeItem(atPath: folder)
      }
    }
    let result = try train(whole).wait()
    #expect(result.status == 0, "\(result.errors)")
    struct Summary: Decodable {
      let testAccuracy, sparsity, stepMilliseconds, denseStepMilliseconds: Double
      let run: String
    }
    let summary = try JSONDecoder().decode(Summary.self, from: result.output)
    #expect(abs(summary.sparsity - 0.9) < 0.02)
    #expect(summary.stepMilliseconds > 0 && summary.denseStepMilliseconds > 0)
    #expect(FileManager.default.fileExists(atPath: summary.run + "/summary.json"))

    for (folder, signal) in [(killed, SIGKILL), (interrupted, SIGINT)] {
      let program = try train(folder)
      // Some moment after the first epoch.
      let deadline = Date(timeIntervalSinceNow: 120)
      let first = folder + "/checkpoints/step-00000020.ckpt"
      while !FileManager.default.fileExists(atPath: first), Date() < deadline { usleep(10_000) }
      usleep(300_000)
      kill(program.process.processIdentifier, signal)
      let stopped = try program.wait()
      if signal == SIGINT {
        #expect(stopped.status == 130)
        #expect(stopped.errors.contains("swpu train --resume"))
      }
      let resumed = try Program("train", "--resume", folder, "--threads", "1", "--json").wait()
      #expect(resumed.status == 0, "\(resumed.errors)")
      #expect(try lastCheckpoint(folder) == lastCheckpoint(whole))
    }
  }

  @Test(
    "Mistakes are named",
    arguments: [
      (["train", "--sparsity", "2"], "sparsity"), (["train", "--data", "cifar10"], "cifar10"),
      (["train", "--data", "cifar10", "--data-path", "/nowhere"], "/nowhere"),
      (["train", "--resume", "/nowhere"], "/nowhere"), (["evaluate", "/nowhere"], "/nowhere"),
      (["train", "--config", "/nowhere.yaml"], "/nowhere.yaml"),
      (["bench", "step", "--density", "0"], "density"),
      (["train", "--granularity", "balanced"], "granularity"),
    ])
  func mistakes(arguments: [String], word: String) throws {
    let program = try Program(arguments)
    let result = try program.wait()
    #expect(result.status != 0)
    #expect(result.errors.contains(word), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test("Help teaches with examples")
  func help() throws {
    let result = try Program("train", "--help").wait()
    let text = String(decoding: result.output, as: UTF8.self)
    #expect(text.contains("swpu train --against-dense") && text.contains("--granularity"))
  }
}
