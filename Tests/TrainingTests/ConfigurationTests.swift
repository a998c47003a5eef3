// SPDX-License-Identifier: Apache-2.0
import Files
import Pruning
import Testing

@testable import Training

@Suite("Configuration files")
struct ConfigurationTests {
  @Test("What is written is read")
  func roundTrip() throws {
    var configuration = TrainingConfiguration()
    configuration.model = .mobilenetv2
    configuration.pruning.granularity = .line
    configuration.pruning.balanced = .both
    configuration.pruning.rampEnd = 0.25
    configuration.pruning.exchangeFrom = 0.125
    configuration.pruning.freezeFrom = 0.875
    configuration.clip = 1.5
    configuration.learningRate = 0.25
    #expect(
      try TrainingConfiguration(yaml: configuration.yaml, file: "config.yaml") == configuration)
  }

  @Test("Numbers are written as people write them, and texts stay texts")
  func writing() throws {
    var configuration = TrainingConfiguration()
    configuration.weightDecay = 0.00001
    configuration.dataPath = "/a b/#1: 'x'"
    configuration.distillFrom = "2024"
    let yaml = configuration.yaml
    for line in [
      "momentum: 0.9", "width: 1", "sparsity: 0.9", "weight-decay: 1e-05", "distill-from: \"2024\"",
      "rotation-limit: 1", "nesterov: false",
    ] {
      #expect(yaml.split(separator: "\n").contains { $0 == line }, "\(line) in \(yaml)")
    }
    let read = try TrainingConfiguration(yaml: yaml, file: "c.yaml")
    #expect(read.yaml == yaml && read.dataPath == configuration.dataPath)
  }

  @Test("The commented file has every key with its default, is read back, and fits 80 columns")
  func commented() throws {
    var configuration = TrainingConfiguration()
    configuration.epochs = 3
    configuration.initializeFrom = "w.safetensors"
    let text = configuration.commentedYAML
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.allSatisfy { $0.count <= 80 })
    for key in TrainingConfiguration.keys {
      #expect(
        lines.contains { $0.hasPrefix("\(key.name):") || $0 == "# \(key.name):" }, "\(key.name)")
      #expect(!key.defaultText.isEmpty)
    }
    #expect(lines.contains("epochs: 3") && text.contains("Default: 8."))
    #expect(try TrainingConfiguration(yaml: text, file: "c.yaml").yaml == configuration.yaml)
  }

  @Test("Missing keys keep their defaults; an empty file is the defaults")
  func partial() throws {
    let configuration = try TrainingConfiguration(yaml: "epochs: 3\nbatch: 16", file: "c.yaml")
    #expect(configuration.epochs == 3 && configuration.batch == 16)
    #expect(configuration.model == TrainingConfiguration().model)
    #expect(try TrainingConfiguration(yaml: "", file: "c.yaml") == TrainingConfiguration())
  }

  @Test("A recipe is a set of keys, which explicit keys override", arguments: Recipe.allCases)
  func recipes(recipe: Recipe) throws {
    var expected = PruningConfiguration(granularity: .line, sparsity: 0.5)
    expected.apply(recipe)
    expected.budget = .uniform
    let configuration = try TrainingConfiguration(
      yaml: "granularity: line\nbudget: uniform\nsparsity: 0.5\nrecipe: \(recipe.rawValue)",
      file: "c.yaml")
    #expect(configuration.pruning == expected)
    #expect(
      try TrainingConfiguration(yaml: configuration.yaml, file: "c.yaml").pruning == expected)
  }

  @Test("Recipes have the values of their papers")
  func recipeValues() {
    func applied(_ recipe: Recipe) -> PruningConfiguration {
      var configuration = PruningConfiguration(
        schedule: .dynamic, growFraction: 0.1, growth: .random)
      configuration.apply(recipe)
      return configuration
    }
    #expect(applied(.swpu) == PruningConfiguration())
    #expect(applied(.set).growth == .random && applied(.set).schedule == .dynamic)
    #expect(applied(.rigl).growth == .gradient && applied(.rigl).freezeFrom == 0.75)
    #expect(applied(.rigl).budget == .erk && applied(.rigl).firstExchange == 0)
    #expect(applied(.granet).schedule == .gradual && applied(.granet).growFraction == 0.5)
    #expect(applied(.granet).budget == .global)
  }

  @Test(
    "Wrong values are named with file and key",
    arguments: [
      ("epochs: 0", "epochs"), ("epochs: many", "epochs"), ("modle: resnet20", "modle"),
      ("model: resnet21", "model"), ("sparsity: 1.5", "sparsity"),
      ("learning-rate: -1", "learning-rate"), ("clip: -1", "clip"),
      ("distill-weight: 2", "distill-weight"),
      ("distill-temperature: 0", "distill-temperature"), ("recipe: rigel", "recipe"),
      ("growth: fast", "growth"), ("recalibration-batches: -1", "recalibration-batches"),
      ("rotation-limit: -1", "rotation-limit"),
      ("label-smoothing: 1", "label-smoothing"), ("granularity: rows", "granularity"),
      ("balanced: filters\ngranularity: shape", "balanced"),
      ("block-side: 3", "block-side"),
      ("ramp-end: 2", "ramp-end"), ("exchange-from: -1", "exchange-from"),
      ("budget: global\nschedule: dynamic", "budget"),
      ("freeze-from: 0.4", "freeze-from"), ("start-density: 0", "start-density"),
      ("balanced: true", "balanced"),
      ("- a\n- b", "document"), ("a: [", "document"), ("batch: 99999999999999999999", "batch"),
    ])
  func wrong(text: String, key: String) throws {
    let error = #expect(throws: ConfigurationError.self) {
      try TrainingConfiguration(yaml: text, file: "some.yaml")
    }
    let message = error?.description ?? ""
    #expect(message.contains("some.yaml") && message.contains(key), "\(message)")
  }

  @Test("the default learning rate is that of the optimiser")
  func learningRate() throws {
    func peak(_ text: String) throws -> Float {
      try TrainingConfiguration(yaml: text, file: "some.yaml").peakLearningRate
    }
    #expect(try peak("optimizer: sgd") == 0.05)
    #expect(try peak("optimizer: adamw") == 0.001)
    #expect(try peak("optimizer: adamw\nlearning-rate: 0.2") == 0.2)
  }
}
