// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Files
import Foundation
import Masks
import Pruning
import Training

/// The options that override a configuration, by the names of its keys.
struct ConfigurationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "YAML file whose keys are the options below; an option given here overrides its key. "
        + "--print-config prints such a file.", valueName: "file"))
  var config: String?

  @Option("model") var model: ConfigurationKey.Change?
  @Option("width") var width: ConfigurationKey.Change?
  @Option("data") var data: ConfigurationKey.Change?
  @Option("data-path") var dataPath: ConfigurationKey.Change?
  @Option("image-size") var imageSize: ConfigurationKey.Change?
  @Option("train-images") var trainImages: ConfigurationKey.Change?
  @Option("initialize-from") var initializeFrom: ConfigurationKey.Change?
  @Option("freeze") var freeze: ConfigurationKey.Change?
  @Option("batch-norm") var batchNorm: ConfigurationKey.Change?
  @Option("replay") var replay: ConfigurationKey.Change?
  @Option("replay-images") var replayImages: ConfigurationKey.Change?
  @Option("crops") var crops: ConfigurationKey.Change?
  @Option("granularity") var granularity: ConfigurationKey.Change?
  @Option("sparsity") var sparsity: ConfigurationKey.Change?
  @Option("schedule") var schedule: ConfigurationKey.Change?
  @Option("balanced") var balanced: ConfigurationKey.Change?
  @Option("budget") var budget: ConfigurationKey.Change?
  @Option("epochs") var epochs: ConfigurationKey.Change?
  @Option("batch") var batch: ConfigurationKey.Change?
  @Option("precision") var precision: ConfigurationKey.Change?
  @Option("stash-format") var stashFormat: ConfigurationKey.Change?
  @Option("gradient-format") var gradientFormat: ConfigurationKey.Change?
  @Option("optimizer") var optimizer: ConfigurationKey.Change?
  @Option("learning-rate") var learningRate: ConfigurationKey.Change?
  @Option("learning-rate-decay") var learningRateDecay: ConfigurationKey.Change?
  @Option("clip") var clip: ConfigurationKey.Change?
  @Option("label-smoothing") var labelSmoothing: ConfigurationKey.Change?
  @Option("recipe") var recipe: ConfigurationKey.Change?
  @Option("distill-from") var distillFrom: ConfigurationKey.Change?
  @Option("distill-weight") var distillWeight: ConfigurationKey.Change?
  @Option("distill-temperature") var distillTemperature: ConfigurationKey.Change?
  @Option("rotation-limit") var rotationLimit: ConfigurationKey.Change?
  @Option("recalibration-batches") var recalibrationBatches: ConfigurationKey.Change?
  @Option("warm-up-epochs") var warmUpEpochs: ConfigurationKey.Change?
  @Option("momentum") var momentum: ConfigurationKey.Change?
  @Option("nesterov") var nesterov: ConfigurationKey.Change?
  @Option("weight-decay") var weightDecay: ConfigurationKey.Change?
  @Option("augment") var augment: ConfigurationKey.Change?
  @Option("start-density") var startDensity: ConfigurationKey.Change?
  @Option("ramp-end") var rampEnd: ConfigurationKey.Change?
  @Option("exchange-from") var exchangeFrom: ConfigurationKey.Change?
  @Option("freeze-from") var freezeFrom: ConfigurationKey.Change?
  @Option("shape-share") var shapeShare: ConfigurationKey.Change?
  @Option("update-interval") var updateInterval: ConfigurationKey.Change?
  @Option("grow-fraction") var growFraction: ConfigurationKey.Change?
  @Option("growth") var growth: ConfigurationKey.Change?
  @Option("shape-update-fraction") var shapeUpdateFraction: ConfigurationKey.Change?
  @Option("minimum-shape-fraction") var minimumShapeFraction: ConfigurationKey.Change?
  @Option("block-side") var blockSide: ConfigurationKey.Change?
  @Option("seed") var seed: ConfigurationKey.Change?

  private var changes: [ConfigurationKey.Change] {
    let all: [ConfigurationKey.Change?] = [
      recipe,
      model, width, data, dataPath, imageSize, trainImages, initializeFrom, freeze, batchNorm,
      replay, replayImages, crops, granularity, sparsity,
      schedule, balanced, budget, epochs, batch, precision, stashFormat, gradientFormat, optimizer,
      learningRate, learningRateDecay, clip,
      labelSmoothing, seed, distillFrom, distillWeight, distillTemperature, rotationLimit,
      recalibrationBatches, warmUpEpochs, momentum, nesterov, weightDecay, augment, startDensity,
      rampEnd, exchangeFrom, freezeFrom, shapeShare, updateInterval, growFraction, growth,
      shapeUpdateFraction, minimumShapeFraction, blockSide,
    ]
    return all.compactMap { $0 }
  }

  /// The file's configuration, or the defaults, with the options given.
  func read() throws -> TrainingConfiguration {
    guard let config else { return try applied(to: TrainingConfiguration()) }
    guard let data = FileManager.default.contents(atPath: config) else {
      throw ValidationError("--config: \(config) cannot be read")
    }
    return try applied(
      to: TrainingConfiguration(yaml: data, file: config),
      named: Set(YAMLDocument(data, file: config).keys ?? []))
  }

  /// A configuration with the options given, and with paths that hold in any folder.
  ///
  /// - Parameter named: keys that its file names.
  func applied(to configuration: TrainingConfiguration, named: Set<String> = []) throws
    -> TrainingConfiguration
  {
    var result = configuration
    var trial = TrainingConfiguration()
    if let model { trial.apply(model) }
    let isFile = trial.modelFile != nil
    let isNew = !result.startsFromWeights && (initializeFrom != nil || isFile)
    if isNew { result.takeFineTuningDefaults(except: named) }
    for change in changes { result.apply(change) }
    // Generated images are in no folder.
    if data == nil, dataPath != nil, !named.contains("data"), result.data == .synthetic {
      result.data = .folder
    }
    if isNew || named.contains("initialize-from"), !isFile,
      let path = result.absolute().initializeFrom
    {
      try result.takeNetwork(of: path, except: named.union(changes.map(\.name)))
    }
    // A balance that the file or the defaults ask for has no meaning without lines.
    if balanced == nil, !result.pruning.granularity.prunesLines { result.pruning.balanced = .none }
    try result.validate()
    return result.absolute()
  }
}

extension Option where Value == ConfigurationKey.Change? {
  /// The option of a key of the configuration, with the values that it may have.
  fileprivate init(_ name: String) {
    guard let key = TrainingConfiguration.key(name) else {
      preconditionFailure("no key \(name) in a configuration")
    }
    let choices = key.choices.map { "values: \($0.joined(separator: ", ")); " } ?? ""
    self.init(
      name: .customLong(name),
      help: ArgumentHelp(
        key.help + " (\(choices)default: \(key.defaultText))",
        valueName: key.valueName ?? key.name.split(separator: "-").last.map(String.init)),
      completion: key.choices.map { .list($0) }, transform: key.change)
  }
}

extension ModelName: ExpressibleByArgument {}
extension DatasetSource: ExpressibleByArgument {}
extension Granularity: ExpressibleByArgument {}
