// SPDX-License-Identifier: Apache-2.0
import Masks
import Pruning

extension TrainingConfiguration {
  /// The keys of files, in their order; those that `swpu train` has options for are options there.
  public static let keys: [ConfigurationKey] = [
    ConfigurationKey(
      "recipe", \.recipe,
      "Schedule, exchange and budget of a published method; other keys win over it."),
    ConfigurationKey("model", \.model, "Network."),
    ConfigurationKey(
      "width", \.width, "Multiplies the filters of every layer.",
      .only("more than 0, at most 16") { $0 > 0 && $0 <= 16 }),
    ConfigurationKey("data", \.data, "Data set; synthetic needs no files."),
    ConfigurationKey(
      "data-path", \.dataPath,
      "Folder of the data set's files (default: where swpu data fetch puts them).",
      valueName: "dir"),
    ConfigurationKey(
      "image-size", \.imageSize,
      "Rows and columns that the images of a folder are scaled to.",
      .only("8 to 1024") { (8...1024).contains($0) }),
    ConfigurationKey(
      "train-images", \.trainImages, "Use only the first training images.",
      ConfigurationKey.Rule(
        allowed: { "at least one batch of \($0.batch)" }, isRight: { $0 >= $1.batch })),
    ConfigurationKey(
      "initialize-from", \.initializeFrom,
      "Start from the weights of a safetensors file, in torchvision's names (fine-tuning). A "
        + "classifier of another size, or a first kernel, is re-initialised.", valueName: "file"),
    ConfigurationKey(
      "epochs", \.epochs, "Passes over the training images.",
      .only("1 to 100000") { (1...100_000).contains($0) }),
    ConfigurationKey(
      "batch", \.batch, "Batch size.", .only("1 to 4096") { (1...4096).contains($0) }),
    ConfigurationKey("optimizer", \.optimizer, "Optimiser."),
    ConfigurationKey(
      "learning-rate", \.learningRate,
      "Highest learning rate (default: 0.05 for sgd, 0.001 for adamw).",
      written: { $0.peakLearningRate }, .only("more than 0") { $0 > 0 && $0.isFinite }),
    ConfigurationKey(
      "learning-rate-decay", \.learningRateDecay, "How the learning rate decreases."),
    ConfigurationKey(
      "warm-up-epochs", \.warmUpEpochs, "Epochs of linear warm-up.",
      ConfigurationKey.Rule(
        allowed: { _ in "0 to the number of epochs" },
        isRight: { $0 >= 0 && $0 <= Double($1.epochs) })),
    ConfigurationKey(
      "momentum", \.momentum, "Momentum of SGD.",
      .only("0 to less than 1") { (0..<1).contains($0) }),
    ConfigurationKey("nesterov", \.nesterov, "Nesterov momentum."),
    ConfigurationKey(
      "weight-decay", \.weightDecay, "Weight decay.",
      .only("0 or more") { $0 >= 0 && $0.isFinite }),
    ConfigurationKey(
      "label-smoothing", \.labelSmoothing, "Share of a label that is spread over all classes.",
      .only("0 to less than 1") { (0..<1).contains($0) }),
    ConfigurationKey(
      "distill-from", \.distillFrom,
      "Learn from the network of this run, its logits, besides the labels.", valueName: "run"),
    ConfigurationKey(
      "distill-weight", \.distillWeight, "Weight of the teacher's part of the loss, 0 to 1.",
      .only("0 to 1") { (0...1).contains($0) }),
    ConfigurationKey(
      "distill-temperature", \.distillTemperature, "Divides the logits of both networks.",
      .only("more than 0") { $0 > 0 && $0.isFinite }),
    ConfigurationKey(
      "clip", \.clip, "Largest norm of all gradients together; 0, the default, for no limit.",
      .only("0 or more; 0 is no limit") { $0 >= 0 && $0.isFinite }),
    ConfigurationKey(
      "step-limit", \.stepLimit,
      "Longest step, rate times gradient, of the weights of a layer that no norm follows, as a "
        + "fraction of their norm; of sgd; 0 for no limit.",
      .only("0 or more; 0 is no limit") { $0 >= 0 && $0.isFinite }),
    ConfigurationKey(
      "recalibration-batches", \.recalibrationBatches,
      "Batches of training images whose means become the norms' statistics after the last step; 0 "
        + "keeps the running averages.",
      .only("0 to 100000") { (0...100_000).contains($0) }),
    ConfigurationKey("augment", \.augment, "Crop training images, and mirror them."),
    ConfigurationKey("granularity", \.pruning.granularity, "What pruning removes."),
    ConfigurationKey(
      "sparsity", \.pruning.sparsity, "Target sparsity of the prunable weights, 0 to less than 1."),
    ConfigurationKey(
      "schedule", \.pruning.schedule,
      "gradual: from the start density down to the target; dynamic: sparse from scratch."),
    ConfigurationKey(
      "start-density", \.pruning.startDensity, "Density that a gradual schedule starts from."),
    ConfigurationKey(
      "ramp-end", \.pruning.rampEnd,
      "Fraction of the training at which a gradual run is at its target."),
    ConfigurationKey(
      "exchange-from", \.pruning.exchangeFrom,
      "Fraction of the training from which on updates also exchange units (default: the end of the "
        + "ramp; 0.1 for a dynamic run)."),
    ConfigurationKey(
      "freeze-from", \.pruning.freezeFrom,
      "Fraction of the training from which on masks stay as they are."),
    ConfigurationKey("budget", \.pruning.budget, "How layers share the sparsity."),
    ConfigurationKey("balanced", \.pruning.balanced, "What keeps equal numbers of lines."),
    ConfigurationKey(
      "shape-share", \.pruning.shapeShare, "Share of the pruning that shapes do."),
    ConfigurationKey(
      "update-interval", \.pruning.updateInterval, "Steps between two updates of the masks."),
    ConfigurationKey(
      "grow-fraction", \.pruning.growFraction, "Share of the kept lines that an update exchanges."),
    ConfigurationKey(
      "growth", \.pruning.growth, "What ranks the pruned units of which some come back."),
    ConfigurationKey(
      "shape-update-fraction", \.pruning.shapeUpdateFraction,
      "Share of the kept shapes that an update exchanges."),
    ConfigurationKey(
      "minimum-shape-fraction", \.pruning.minimumShapeFraction,
      "Share of its shapes that a layer keeps at least."),
    ConfigurationKey(
      "block-side", \.pruning.blockSide, "Side of the blocks that 1x1 kernels are pruned in."),
    ConfigurationKey("seed", \.seed, "Random seed."),
  ]

  /// The key of a name.
  public static func key(_ name: String) -> ConfigurationKey? { keys.first { $0.name == name } }

  /// Changes the value of a key.
  public mutating func apply(_ change: ConfigurationKey.Change) { change.apply(&self) }
}
