// SPDX-License-Identifier: Apache-2.0
import Masks
import Pruning

extension TrainingConfiguration {
  /// The keys of files, in their order; those that `swpu train` has options for are options there.
  public static let keys: [ConfigurationKey] = [
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
      "clip", \.clip, "Largest norm of all gradients together.",
      .only("more than 0") { $0 > 0 }),
    ConfigurationKey("augment", \.augment, "Crop training images, and mirror them."),
    ConfigurationKey("granularity", \.pruning.granularity, "What pruning removes."),
    ConfigurationKey(
      "sparsity", \.pruning.sparsity, "Target sparsity of the prunable weights, 0 to less than 1."),
    ConfigurationKey(
      "schedule", \.pruning.schedule,
      "gradual: from half the weights down to the target; dynamic: sparse from scratch."),
    ConfigurationKey(
      "start-density", \.pruning.startDensity, "Density that a gradual schedule starts from."),
    ConfigurationKey("budget", \.pruning.budget, "How layers share the sparsity."),
    ConfigurationKey("balanced", \.pruning.balanced, "What keeps equal numbers of lines."),
    ConfigurationKey(
      "shape-share", \.pruning.shapeShare, "Share of the pruning that shapes do."),
    ConfigurationKey(
      "update-interval", \.pruning.updateInterval, "Steps between two updates of the masks."),
    ConfigurationKey(
      "grow-fraction", \.pruning.growFraction, "Share of the kept lines that an update exchanges."),
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
