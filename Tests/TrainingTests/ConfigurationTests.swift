// SPDX-License-Identifier: Apache-2.0
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
    configuration.clip = 1.5
    configuration.learningRate = 0.25
    #expect(
      try TrainingConfiguration(yaml: configuration.yaml, file: "config.yaml") == configuration)
  }

  @Test("Missing keys keep their defaults; an empty file is the defaults")
  func partial() throws {
    let configuration = try TrainingConfiguration(yaml: "epochs: 3\nbatch: 16", file: "c.yaml")
    #expect(configuration.epochs == 3 && configuration.batch == 16)
    #expect(configuration.model == TrainingConfiguration().model)
    #expect(try TrainingConfiguration(yaml: "", file: "c.yaml") == TrainingConfiguration())
  }

  @Test(
    "Wrong values are named with file and key",
    arguments: [
      ("epochs: 0", "epochs"), ("epochs: many", "epochs"), ("modle: resnet20", "modle"),
      ("model: resnet21", "model"), ("sparsity: 1.5", "sparsity"),
      ("learning-rate: -1", "learning-rate"),
      ("label-smoothing: 1", "label-smoothing"), ("granularity: rows", "granularity"),
      ("balanced: filters\ngranularity: shape", "balanced"), ("block-side: 3", "block"),
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
}
