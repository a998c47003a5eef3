// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Masks
import Pruning
import Training

/// The options that override a configuration, by the names of its keys.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A YAML file whose keys are these options; options given here win.", valueName: "file"))
  var config: String?

  @Option(help: "Network: \(list(ModelName.self)).")
  var model: ModelName?

  @Option(help: "Multiplies the filters of every layer.")
  var width: Double?

  @Option(help: "Data set: \(list(DatasetSource.self)). synthetic needs no files.")
  var data: DatasetSource?

  @Option(
    help: ArgumentHelp(
      "Folder of the data set's files (default: where swpu data fetch puts them).",
      valueName: "dir"))
  var dataPath: String?

  @Option(help: "Rows and columns that the pictures of a folder are scaled to (default: 32).")
  var imageSize: Int?

  @Option(help: "Use only the first training images.")
  var trainImages: Int?

  @Option(
    help: ArgumentHelp(
      "Start from the weights of a safetensors file, in torchvision's names (fine-tuning). A "
        + "classifier of another size, or a first kernel, is drawn anew.", valueName: "file"))
  var initializeFrom: String?

  @Option(help: "What pruning removes: \(list(Granularity.self)).")
  var granularity: Granularity?

  @Option(help: "Share of the prunable weights to remove, 0 to less than 1.")
  var sparsity: Double?

  @Option(help: "gradual: from half the weights down to the target; dynamic: sparse from scratch.")
  var schedule: PruningConfiguration.Schedule?

  @Option(
    help: "What keeps equal numbers of lines: \(list(PruningConfiguration.Balance.self)).")
  var balanced: PruningConfiguration.Balance?

  @Option(help: "How layers share the sparsity: \(list(PruningConfiguration.Budget.self)).")
  var budget: PruningConfiguration.Budget?

  @Option(help: "Passes over the training images.")
  var epochs: Int?

  @Option(help: "Images a step.")
  var batch: Int?

  @Option(help: "\(list(TrainingConfiguration.OptimizerName.self)).")
  var optimizer: TrainingConfiguration.OptimizerName?

  @Option(help: "Highest learning rate (0.05 for sgd, 0.001 for adamw).")
  var learningRate: Float?

  @Option(help: "How the rate falls: \(list(LearningRate.Decay.self)).")
  var learningRateDecay: LearningRate.Decay?

  @Option(help: "Largest norm of all gradients together.")
  var clip: Float?

  @Option(help: "Share of a label that is spread over all classes.")
  var labelSmoothing: Float?

  @Option(help: "Seeds every random choice.")
  var seed: UInt64?

  /// The file's configuration, or the defaults, with the options given.
  func read() throws -> TrainingConfiguration {
    var result = TrainingConfiguration()
    if let config {
      guard let data = FileManager.default.contents(atPath: config) else {
        throw ValidationError("--config: \(config) cannot be read")
      }
      result = try TrainingConfiguration(yaml: String(decoding: data, as: UTF8.self), file: config)
    }
    func set<Value>(_ path: WritableKeyPath<TrainingConfiguration, Value>, _ value: Value?) {
      if let value { result[keyPath: path] = value }
    }
    set(\.model, model)
    set(\.width, width)
    set(\.data, data)
    if let dataPath { result.dataPath = dataPath }
    set(\.imageSize, imageSize)
    if let trainImages { result.trainImages = trainImages }
    if let initializeFrom { result.initializeFrom = initializeFrom }
    set(\.pruning.granularity, granularity)
    set(\.pruning.sparsity, sparsity)
    set(\.pruning.schedule, schedule)
    set(\.pruning.balanced, balanced)
    set(\.pruning.budget, budget)
    set(\.epochs, epochs)
    set(\.batch, batch)
    set(\.optimizer, optimizer)
    if let learningRate { result.learningRate = learningRate }
    set(\.learningRateDecay, learningRateDecay)
    if let clip { result.clip = clip }
    set(\.labelSmoothing, labelSmoothing)
    set(\.seed, seed)
    // A balance that the file or the defaults ask for has no meaning without lines.
    if balanced == nil, !result.pruning.granularity.prunesLines { result.pruning.balanced = .none }
    try result.validate()
    return result
  }
}

private func list<Choice: CaseIterable & RawRepresentable<String>>(_ type: Choice.Type) -> String {
  type.allCases.map(\.rawValue).joined(separator: ", ")
}

extension ModelName: ExpressibleByArgument {}
extension DatasetSource: ExpressibleByArgument {}
extension Granularity: ExpressibleByArgument {}
extension PruningConfiguration.Schedule: ExpressibleByArgument {}
extension PruningConfiguration.Budget: ExpressibleByArgument {}
extension PruningConfiguration.Balance: ExpressibleByArgument {}
extension TrainingConfiguration.OptimizerName: ExpressibleByArgument {}
extension LearningRate.Decay: ExpressibleByArgument {}
