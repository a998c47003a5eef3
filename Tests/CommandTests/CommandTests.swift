// SPDX-License-Identifier: Apache-2.0
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
    // Where no data set has been fetched to.
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["HOME": "/nowhere", "XDG_CACHE_HOME": ""]) { $1 }
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

  @Test("A killed or interrupted run, resumed, is bit-identical; JSON has the result")
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
      (["train", "--sparsity", "2"], "sparsity"), (["train", "--ramp-end", "2"], "ramp-end"),
      (["train", "--exchange-from", "2"], "exchange-from"),
      (["train", "--freeze-from", "0.3"], "freeze-from"),
      (["train", "--data", "cifar10", "--data-path", "/nowhere"], "/nowhere"),
      (["train", "--data", "cifar10"], "swpu data fetch cifar10"),
      (["train", "--data", "folder", "--data-path", "/nowhere"], "/nowhere/train"),
      (["data", "fetch", "imagenet"], "cifar10, cifar100, mnist"),
      (["data", "fetch", "mnist", "--to", "/dev/null/here"], "/dev/null/here"),
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
      (["hardware", "abacus"], "abacus"),
      (["export", "/nowhere", "--format", "safetensors"], "/nowhere"),
      (["export", "/nowhere", "--format", "masks"], "/nowhere"),
      (["train", "--initialize-from", "/nowhere.safetensors"], "/nowhere.safetensors"),
      (["simulate", "/nowhere.safetensors", "--model", "resnet18"], "/nowhere.safetensors"),
      (["simulate", "/nowhere.csv"], "/nowhere.csv"),
      (["simulate", "/nowhere.onnx"], "/nowhere.onnx"),
      (["simulate", "/nowhere.onnx", "--model", "resnet18"], "--model"),
      (["export", "/nowhere", "--format", "onnx"], "/nowhere"),
      (["export", "/nowhere", "--format", "masks", "--fold-batch-norm"], "--fold-batch-norm"),
      (["simulate", "/nowhere", "--model", "resnet18"], "--model"),
      (["simulate", "--masks", "/nowhere.npz"], "/nowhere.npz"),
      (["simulate", "--masks", "/nowhere.npz", "--sparsity", "0.5"], "without --granularity"),
      (["simulate", "--snapshot", "all"], "step-N.npz"),
      (["report", "/nowhere"], "/nowhere/config.yaml"),
      (["simulate", "--model", "lenet5", "--sparsty", "0.9"], "--sparsty"),
      (
        ["simulate", "--model", "lenet5", "--sparsity", "-0.1"],
        "found -0.1, allowed is 0 to less than 1"
      ),
      (["train", "--epochs", "-1"], "-1 is not allowed; 1 to"),
      (["train", "--output", ""], "--output"), (["simulate", "model.pth"], "save_file"),
      (["simulate", "model.pt", "--model", "resnet18"], ".safetensors"),
      (["simulate", "masks.npz"], "--masks"), (["simulate", "net.h5"], "ONNX"),
      (
        ["train", "--model", "lenet5", "--train-images", "32"]
          + ["--output", String(repeating: "x", count: 300)], "File name too long"
      ),
      (["train", "--resume", "/nowhere", "--config", "x"], "--config"),
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
      let masks: String
    }
    func step(_ arguments: String...) throws -> Step {
      let result = try Program(["simulate", run, "--json"] + arguments).wait()
      #expect(result.status == 0, "\(result.errors)")
      return try JSONDecoder().decode(Step.self, from: result.output)
    }
    let fast = try step()
    #expect(fast.totals.effectualMACs < fast.totals.denseMACs)
    #expect(fast.masks.contains(run))
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
    #expect(text.contains("stalled on the DRAM") && text.contains("100.0 %"))

    let reported = try Program("report", run).wait()
    #expect(reported.status == 0, "\(reported.errors)")
    let page = try String(contentsOfFile: run + "/report.html", encoding: .utf8)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("swpu report"))
  }

  @Test("Weights and masks of a run simulate as the run itself; fine-tuning starts from them")
  func exchange() throws {
    let run = folder()
    let files = folder()
    try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
    defer { for path in [run, files] { try? FileManager.default.removeItem(atPath: path) } }
    let train = [
      "train", "--model", "vgg16", "--width", "0.0625", "--train-images", "64", "--epochs", "1",
    ]
    let trained = try Program(train + ["--output", run]).wait()
    #expect(trained.status == 0, "\(trained.errors)")

    struct Step: Decodable {
      struct Layer: Decodable { let layer, pass: String; let cycles, effectualMACs: Int }
      struct Work: Decodable { let name: String }
      let layers: [Layer]
      let vector: [Work]
    }
    var work = 0
    func step(_ arguments: String...) throws -> [Int] {
      let result = try Program(["simulate", "--json"] + arguments).wait()
      #expect(result.status == 0, "\(result.errors)")
      let step = try JSONDecoder().decode(Step.self, from: result.output)
      work = step.vector.count
      return step.layers.flatMap { [$0.cycles, $0.effectualMACs] }
    }
    func export(_ format: String, _ name: String, _ more: String...) throws -> String {
      let path = files + "/" + name
      let result = try Program(
        ["export", run, "--format", format, "--output", path] + more
      ).wait()
      #expect(result.status == 0, "\(result.errors)")
      return path
    }
    let table = files + "/layers.csv"
    let own = try step(run, "--csv", table)
    let lines = try String(contentsOfFile: table, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 1 + own.count / 2 + work)
    let weights = try export("safetensors", "w.safetensors")
    let masks = try export("masks", "m.npz")
    let all = try export("masks", "all", "--snapshot", "all")
    // Kept weights may be zero as well: those that a mask update has just brought back.
    let byZeros = try step(weights)
    #expect(byZeros.count == own.count)
    for index in stride(from: 1, to: own.count, by: 2) { #expect(byZeros[index] <= own[index]) }
    #expect(try step(weights, "--masks", masks) == own)
    #expect(try step(run, "--masks", all) == own)
    let snapshot = try #require(
      FileManager.default.contentsOfDirectory(atPath: run + "/masks").max())
    #expect(try step(weights, "--masks", run + "/masks/" + snapshot) == own)
    #expect(try step(weights, "--sparsity", "0") != own)
    let onnx = try export("onnx", "n.onnx")
    let folded = try export("onnx", "f.onnx", "--fold-batch-norm")
    // A network of ONNX moves layer by layer, so its cycles are its own.
    func products(_ step: [Int]) -> [Int] {
      stride(from: 1, to: step.count, by: 2).map { step[$0] }
    }
    #expect(try products(step(onnx)) == products(byZeros))
    #expect(try products(step(folded, "--masks", masks)) == products(own))

    let foreign = try Program("compare", "--model", "mlp", "--own", "structured=" + run).wait()
    #expect(foreign.status != 0 && foreign.errors.contains("another network"), "\(foreign.errors)")

    let whole = try Program("simulate", run, "--snapshot", "all").wait()
    let fromFiles = try Program("simulate", run, "--masks", all, "--snapshot", "all").wait()
    #expect(whole.status == 0 && fromFiles.status == 0, "\(fromFiles.errors)")
    let snapshots = try FileManager.default.contentsOfDirectory(atPath: all)
    #expect(fromFiles.errors.contains("snapshot \(snapshots.count) of \(snapshots.count)"))

    let tuned = try Program(
      train + ["--output", run + "-tuned", "--initialize-from", weights, "--tensorboard"]
    ).wait()
    defer { try? FileManager.default.removeItem(atPath: run + "-tuned") }
    #expect(tuned.status == 0 && tuned.errors.contains("tensors taken"), "\(tuned.errors)")
    let written = try FileManager.default.contentsOfDirectory(atPath: run + "-tuned")
    #expect(written.contains { $0.contains("tfevents") })

    // The run itself, in place of the file that is exported from it.
    let again = try Program(train + ["--output", run + "-again", "--initialize-from", run]).wait()
    defer { try? FileManager.default.removeItem(atPath: run + "-again") }
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.errors.contains("Weights of \(run)") && again.errors.contains("tensors taken"))
    #expect(again.errors.contains(", of step "), "\(again.errors)")
    // An older checkpoint in place of a damaged one is not taken in silence.
    let checkpoints = run + "-again/checkpoints"
    let newest = try #require(
      FileManager.default.contentsOfDirectory(atPath: checkpoints).filter { $0 != "best.ckpt" }
        .max())
    try Data().write(to: URL(fileURLWithPath: checkpoints + "/" + newest))
    for command in [
      ["export", run + "-again", "--format", "safetensors", "--output", files + "/d"],
      ["evaluate", run + "-again"], ["predict", run + "-again", files],
      train + ["--initialize-from", run + "-again", "--output", files + "/started"],
      ["train", "--resume", run + "-again", "--epochs", "2"],
    ] {
      let told = try Program(command).wait()
      #expect(told.errors.contains(newest) && told.errors.contains("before it"), "\(told.errors)")
    }
    let nothing = try Program("train", "--initialize-from", all).wait()
    #expect(nothing.status != 0 && nothing.errors.contains("config.yaml"), "\(nothing.errors)")
  }

  @Test("A topology of SCALE-Sim is simulated, and its ignored columns are named")
  func topology() throws {
    let file = folder() + ".csv"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try """
    Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides, Sparsity
    Conv1, 34, 34, 3, 3, 3, 16, 1, 1:1,
    Conv2, 34, 34, 3, 3, 16, 16, 1, 1:4,
    """.write(toFile: file, atomically: true, encoding: .utf8)
    let result = try Program("simulate", file, "--sparsity", "0.5").wait()
    #expect(result.status == 0, "\(result.errors)")
    #expect(String(decoding: result.output, as: UTF8.self).contains("Conv2"))
    #expect(result.errors.contains("Not simulated: column 'Sparsity'"))
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

  @Test("All data sets are listed, missing ones with the command that fetches them")
  func dataList() throws {
    struct Row: Decodable {
      let name, source, terms: String
      let downloadBytes: Int?
      let folder: String?
    }
    let result = try Program("data", "list", "--to", "/nowhere", "--json").wait()
    let rows = try JSONDecoder().decode([Row].self, from: result.output)
    #expect(rows.map(\.name) == ["synthetic", "cifar10", "cifar100", "mnist", "idx", "folder"])
    #expect(rows.allSatisfy { $0.folder == nil && !$0.source.isEmpty && !$0.terms.isEmpty })
    #expect(rows.compactMap(\.downloadBytes) == [170_052_171, 168_513_733, 11_594_722])
    let text = try Program("data", "list", "--to", "/nowhere").wait().output
    #expect(String(decoding: text, as: UTF8.self).contains("swpu data fetch mnist"))
  }

  @Test("Help teaches with examples")
  func help() throws {
    let result = try Program("train", "--help").wait()
    let text = String(decoding: result.output, as: UTF8.self)
    #expect(text.contains("swpu train --against-dense") && text.contains("--granularity"))
  }
}
