// SPDX-License-Identifier: Apache-2.0
import Foundation
import Processor
import Masks
import Testing
import Training

@testable import swpu

/// Every option of a command arrives where it belongs. The options are read in this process, so that all
/// of them take no time.
@Suite("Options of the commands")
struct OptionTests {
  @Test(
    "An option of a training is the key of its name, and changes no other",
    arguments: [
      ("model", "mlp"), ("width", "0.5"), ("data", "cifar10"), ("data-path", "/some/where"),
      ("image-size", "64"), ("train-images", "640"), ("freeze", "layer1"),
      ("batch-norm", "frozen"),
      ("replay", "cifar10"), ("replay-images", "32"), ("crops", "resized"),
      ("granularity", "line"), ("sparsity", "0.8"), ("schedule", "dynamic"),
      ("balanced", "filters"), ("budget", "erk"), ("epochs", "3"), ("batch", "16"),
      ("precision", "bf16"), ("stash-format", "fp8-e4m3"), ("gradient-format", "fp8-e5m2"),
      ("optimizer", "adamw"), ("learning-rate", "0.25"),
      ("learning-rate-decay", "step"),
      ("clip", "1.5"), ("label-smoothing", "0.25"), ("seed", "7"), ("start-density", "0.875"),
      ("ramp-end", "0.25"), ("exchange-from", "0.125"), ("freeze-from", "0.625"),
      ("shape-share", "0.5"), ("update-interval", "7"), ("grow-fraction", "0.25"),
      ("growth", "random"), ("shape-update-fraction", "0.0625"),
      ("minimum-shape-fraction", "0.375"), ("block-side", "2"), ("warm-up-epochs", "0.5"),
      ("momentum", "0.75"), ("nesterov", "true"), ("weight-decay", "0.125"), ("augment", "false"),
      ("rotation-limit", "0.75"),
      ("recalibration-batches", "3"), ("distill-from", "runs/teacher"),
      ("distill-weight", "0.25"), ("distill-temperature", "2.5"),
    ])
  func training(option: String, value: String) throws {
    func lines(_ arguments: [String]) throws -> Set<String> {
      let yaml = try ConfigurationOptions.parse(arguments).read().yaml
      return Set(yaml.split(separator: "\n").map(String.init))
    }
    let changed = try lines(["--\(option)", value]).subtracting(lines([]))
    let names = changed.map { $0.prefix { $0 != ":" } }
    // The default learning rate follows the optimiser.
    #expect(
      Set(names.map(String.init)) == Set([option] + (Self.followers[option].map { [$0] } ?? [])))
    // YAML may write a number in another way; a path on the command line becomes an absolute one.
    let found = changed.filter { $0.hasPrefix("\(option): ") }.map {
      $0.dropFirst(option.count + 2)
    }
    #expect(
      found.contains {
        $0 == value || $0.hasSuffix("/" + value)
          || (Double($0) != nil && Double($0) == Double(value))
      },
      "\(changed)")
  }

  /// The keys whose defaults follow from another one: a path means a folder of images.
  private static let followers = ["optimizer": "learning-rate", "data-path": "data"]

  @Test("Weights to start from are looked for, and named where they are not there")
  func givenWeights() throws {
    let options = try ConfigurationOptions.parse(["--initialize-from", "/nowhere.safetensors"])
    let error = #expect(throws: (any Error).self) { try options.read() }
    #expect(error.map { "\($0)" }?.contains("/nowhere.safetensors") == true)
  }

  @Test("Every key of a file is an option")
  func everyKeyIsAnOption() throws {
    let help = SWPU.helpMessage(for: TrainCommand.self, columns: 80)
    for key in TrainingConfiguration.keys {
      #expect(help.contains("--\(key.name) "), "\(key.name)")
    }
  }

  @Test("A recipe sets keys, which options override")
  func recipe() throws {
    var expected = TrainingConfiguration()
    expected.recipe = .set
    expected.pruning.freezeFrom = 0.5
    let found = try ConfigurationOptions.parse(["--freeze-from", "0.5", "--recipe", "set"]).read()
    #expect(found == expected && found.pruning.growth == .random)
  }

  @Test("Options override the file, the file overrides the defaults")
  func configurationFile() throws {
    let file = FileManager.default.temporaryDirectory.appendingPathComponent("c-\(UUID()).yaml")
    defer { try? FileManager.default.removeItem(at: file) }
    try "epochs: 5\nbatch: 16\nmomentum: 0.5\n".write(to: file, atomically: true, encoding: .utf8)
    let found = try ConfigurationOptions.parse(["--config", file.path, "--batch", "24"]).read()
    #expect(found.epochs == 5 && found.batch == 24 && found.momentum == 0.5)
    #expect(found.width == TrainingConfiguration().width)
  }

  @Test("A start that a file names brings its network as that of an option does")
  func startOfFile() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("s-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let (run, file) = (folder.path + "/run", folder.path + "/c.yaml")
    try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: true)
    try "model: lenet5\nwidth: 0.25\nimage-size: 64\n"
      .write(toFile: run + "/config.yaml", atomically: true, encoding: .utf8)
    func read(_ text: String, _ arguments: String...) throws -> TrainingConfiguration {
      try text.write(toFile: file, atomically: true, encoding: .utf8)
      return try ConfigurationOptions.parse(["--config", file] + arguments).read()
    }
    for found in [
      try read("initialize-from: \(run)\n"), try read("epochs: 30\n", "--initialize-from", run),
    ] {
      #expect(found.model == .lenet5 && found.width == 0.25 && found.imageSize == 64)
      #expect(found.batch == 8 && found.initializeFrom == run)
    }
    let named = try read("initialize-from: \(run)\nwidth: 0.5\n", "--image-size", "32")
    #expect(named.model == .lenet5 && named.width == 0.5 && named.imageSize == 32)
  }

  @Test("A machine is a preset, its changes and its supply")
  func machine() throws {
    func description(_ arguments: String...) throws -> HardwareDescription {
      try MachineOptions.parse(arguments).description()
    }
    #expect(try description() == .swpu)
    #expect(try description("--hardware", "swpu-small") == .small)
    let changed = try description(
      "--set", "array.rows=4", "--set", "techniques.compress=false", "--voltage", "0.75")
    var expected = HardwareDescription.swpu
    expected.array.rows = 4
    expected.techniques.compress = false
    expected.supply.volts = 0.75
    #expect(changed == expected)
  }

  @Test("The constants of energy are those that are named")
  func energyTable() throws {
    #expect(try MachineOptions.parse([]).table() == .standard)
    let synthesised = try MachineOptions.parse(["--energy-table", "synthesised"]).table()
    #expect(synthesised != .standard)
    #expect(try MachineOptions.parse(["--energy-table", "published"]).table() == .standard)
  }

  @Test("A workload has the network, the masks, the seed and the batch that were asked for")
  func workload() throws {
    func workload(_ arguments: String...) throws -> Workload {
      try WorkloadOptions.parse(["--model", "lenet5"] + arguments).workload()
    }
    let plain = try workload()
    #expect(plain.layers.map(\.name) == ["conv1", "conv2", "fc1", "fc2", "fc3"])
    func sparsity(_ workload: Workload) -> Double {
      let pruned = workload.layers.filter { $0.granularity != .dense }
      let all = pruned.reduce(0) { $0 + $1.mask.shape.count }
      return 1 - Double(pruned.reduce(0) { $0 + $1.mask.keptElements }) / Double(max(1, all))
    }
    #expect(abs(sparsity(plain) - 0.9) < 0.01)
    #expect(abs(sparsity(try workload("--sparsity", "0.5")) - 0.5) < 0.01)
    #expect(try workload("--sparsity", "0").layers.allSatisfy { $0.mask.density == 1 })
    #expect(try workload("--seed", "2").layers.map(\.mask) != plain.layers.map(\.mask))
    let lines = try workload("--granularity", "unstructured")
    #expect(lines.layers.contains { $0.mask.elements != nil })
    #expect(try workload("--batch", "5").batch == 5)
    let large = try workload("--image-size", "64")
    #expect(large.layers[0].geometry.input.height == 64)
  }

  @Test("The words that choose a workload again are words of a shell")
  func words() throws {
    func line(_ arguments: String...) throws -> String {
      try WorkloadOptions.parse(arguments).words.joined(separator: " ")
    }
    #expect(try line("my runs/one") == "'my runs/one' --snapshot last")
    #expect(
      try line("--masks", "it's.npz", "--batch", "4")
        == #"--model resnet18 --image-size 32 --masks 'it'\''s.npz' --snapshot last --batch 4"#)
    // Layers without weights in the file get random masks.
    #expect(try line("a.onnx") == "a.onnx --seed 1")
  }
}
