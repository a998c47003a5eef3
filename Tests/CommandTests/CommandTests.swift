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
      (["simulate", "/nowhere"], "/nowhere"), (["simulate", "--hardware", "abacus"], "swpu-small"),
      (["simulate", "--set", "array.rows=0"], "1 to 256"),
      (["simulate", "--voltage", "0.2"], "supply.volts"),
      (["simulate", "--hardware", "dense", "--level", "cycle"], "--level"),
      (["simulate", "--hardware", "dense", "--trace", "t.json"], "--trace"),
      (["explain", "--model", "lenet5", "--layer", "conv9"], "conv1"),
      (["compare", "--model", "lenet5", "--own", "nothing"], "machine=run"),
      (["explore", "--sweep", "array.rows"], "key=a,b"),
      (["hardware", "abacus"], "abacus"), (["report", "/nowhere"], "/nowhere/config.yaml"),
    ])
  func mistakes(arguments: [String], word: String) throws {
    let program = try Program(arguments)
    let result = try program.wait()
    #expect(result.status != 0)
    #expect(result.errors.contains(word), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test("A run can be simulated: as it ended, as a whole, and layer by layer")
  func simulate() throws {
    let run = folder()
    defer { try? FileManager.default.removeItem(atPath: run) }
    let trained = try Program(
      "train", "--model", "lenet5", "--width", "0.5", "--train-images", "320", "--epochs", "2",
      "--output", run, "--json"
    ).wait()
    #expect(trained.status == 0, "\(trained.errors)")
    struct Summary: Decodable {
      struct Step: Decodable { let milliseconds, denseMilliseconds: Double }
      let processor: Step
    }
    let summary = try JSONDecoder().decode(Summary.self, from: trained.output)
    #expect(summary.processor.milliseconds > 0)

    struct Totals: Decodable {
      let cycles, effectualMACs, denseMACs: Int
      let utilization, seconds: Double
      let energyPicojoules: [String: Double]
    }
    struct Step: Decodable {
      struct Layer: Decodable {
        let layer, pass: String
        let cycles, effectualMACs, denseMACs: Int
        let utilization, seconds: Double
        let energyPicojoules: [String: Double]
      }
      let layers: [Layer]
      let totals: Totals
    }
    func step(_ arguments: String...) throws -> Step {
      let result = try Program(["simulate", run, "--json"] + arguments).wait()
      #expect(result.status == 0, "\(result.errors)")
      return try JSONDecoder().decode(Step.self, from: result.output)
    }
    let fast = try step()
    #expect(fast.totals.effectualMACs < fast.totals.denseMACs)
    #expect(fast.totals.energyPicojoules["total"] ?? 0 > 0)
    #expect(abs(fast.totals.seconds * 1e3 - summary.processor.milliseconds) < 1e-9)
    #expect(Set(fast.layers.map(\.pass)) == ["forward", "input-gradient", "weight-gradient"])
    for level in ["cycle", "value"] {
      let other = try step("--level", level, "--hardware", "swpu", "--batch", "2")
      let same = try step("--batch", "2")
      #expect(other.layers.map(\.cycles) == same.layers.map(\.cycles), "\(level)")
    }

    struct Whole: Decodable {
      struct Moment: Decodable { let step, steps: Int }
      let moments: [Moment]
      let totals, epoch: Totals
    }
    let result = try Program("simulate", run, "--snapshot", "all", "--json").wait()
    let whole = try JSONDecoder().decode(Whole.self, from: result.output)
    #expect(whole.moments.reduce(0) { $0 + $1.steps } == 20)
    #expect(whole.totals.cycles > whole.epoch.cycles)

    let explained = try Program("explain", run, "--layer", "conv1", "--pass", "forward").wait()
    let text = String(decoding: explained.output, as: UTF8.self)
    #expect(text.contains("waiting for the DRAM") && text.contains("100.0 %"))

    let reported = try Program("report", run).wait()
    #expect(reported.status == 0, "\(reported.errors)")
    let page = try String(contentsOfFile: run + "/report.html", encoding: .utf8)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("swpu report"))
  }

  @Test("A description that is printed can be read back")
  func hardware() throws {
    let file = FileManager.default.temporaryDirectory
      .appendingPathComponent("hardware-\(UUID()).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    try Program("hardware", "swpu-small").wait().output.write(to: file)
    let result = try Program(
      "simulate", "--model", "lenet5", "--hardware", file.path, "--pass", "forward"
    ).wait()
    #expect(result.status == 0, "\(result.errors)")
    #expect(String(decoding: result.output, as: UTF8.self).contains("swpu-small"))
  }

  @Test("Help teaches with examples")
  func help() throws {
    let result = try Program("train", "--help").wait()
    let text = String(decoding: result.output, as: UTF8.self)
    #expect(text.contains("swpu train --against-dense") && text.contains("--granularity"))
  }
}
