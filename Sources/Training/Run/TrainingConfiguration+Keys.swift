// SPDX-License-Identifier: Apache-2.0
import Masks
import Pruning

extension TrainingConfiguration {
  /// The keys of files, in their order; each is an option of `swpu train` as well.
  public static let keys: [ConfigurationKey] = [
    ConfigurationKey(
      "recipe", \.recipe,
      "Schedule, exchange and budget of a published method (docs/recipes.md); other keys override it.",
      default: "swpu"),
    ConfigurationKey(
      "model", \.model, file: \.modelFile,
      "Network, or an ONNX file of one (.onnx), whose weights training starts from."),
    ConfigurationKey(
      "width", \.width, "Factor on the filters of every layer, more than 0, at most 16.",
      .only("more than 0, at most 16") { $0 > 0 && $0 <= 16 }),
    ConfigurationKey("data", \.data, "Data set; synthetic needs no files."),
    ConfigurationKey(
      "data-path", \.dataPath, "Folder of the data set's files.", valueName: "dir",
      default: "where swpu data fetch stores them"),
    ConfigurationKey(
      "image-size", \.imageSize,
      "Rows and columns in pixels to which the images of a folder are scaled, 8 to 1024.",
      .only("8 to 1024") { (8...1024).contains($0) }),
    ConfigurationKey(
      "train-images", \.trainImages,
      "Number of training images to use, the first ones; at least a batch.", valueName: "n",
      default: "all",
      ConfigurationKey.Rule(
        allowed: { "at least one batch of \($0.batch)" }, isRight: { $0 >= $1.batch })),
    ConfigurationKey(
      "initialize-from", \.initializeFrom,
      "Fine-tune: start from the weights of this run or safetensors file; sets other defaults (epochs "
        + "30, batch 8, start-density 1, rotation-limit 0; model, width and image-size "
        + "from it). A classifier of another size is re-initialised, and so is a first convolution of "
        + "another kernel size.",
      valueName: "run|file", default: "random weights"),
    ConfigurationKey(
      "freeze", \.freeze,
      "Layers that are not trained: names or their beginnings, comma-separated, such as conv1,layer1.",
      valueName: "names", default: "none"),
    ConfigurationKey(
      "batch-norm", \.batchNorm,
      "Batch normalisation; frozen: its statistics, scales and shifts stay those of the start."),
    ConfigurationKey(
      "replay", \.replay,
      "Data set of the same classes to train on as well, so that the network does not forget it.",
      default: "none"),
    ConfigurationKey(
      "replay-images", \.replayImages, "Number of its images, chosen at random.", valueName: "n",
      default: "as many as new images", .only("1 or more") { $0 > 0 }),
    ConfigurationKey(
      "epochs", \.epochs, "Passes over the training images, 1 to 100000.",
      .only("1 to 100000") { (1...100_000).contains($0) }),
    ConfigurationKey(
      "batch", \.batch, "Batch size: images per step, 1 to 4096.",
      .only("1 to 4096") { (1...4096).contains($0) }),
    ConfigurationKey(
      "precision", \.precision,
      "Precision of activations and gradients; weights and sums are fp32 in any. auto: bf16 with the "
        + "kernels for AVX-512, else fp32."),
    ConfigurationKey(
      "stash-format", \.stashFormat,
      "Format in which outputs and activations wait for their next use, a scale per channel, emulated by "
        + "rounding.", default: "the precision"),
    ConfigurationKey(
      "gradient-format", \.gradientFormat,
      "Format in which gradients of activations wait, a scale per tensor, emulated by rounding.",
      default: "the precision"),
    ConfigurationKey("optimizer", \.optimizer, "Optimiser."),
    ConfigurationKey(
      "learning-rate", \.learningRate, "Peak learning rate, more than 0.",
      default: "0.05 with sgd, 0.001 with adamw; a tenth in fine-tuning",
      written: { $0.peakLearningRate },
      .only("more than 0") { $0 > 0 && $0.isFinite }),
    ConfigurationKey(
      "learning-rate-decay", \.learningRateDecay,
      "Decay of the learning rate after the warm-up; step: a tenth at 50 % and at 75 % of all steps."
    ),
    ConfigurationKey(
      "warm-up-epochs", \.warmUpEpochs,
      "Epochs of linear warm-up of the learning rate, 0 to all epochs.",
      ConfigurationKey.Rule(
        allowed: { _ in "0 to the number of epochs" },
        isRight: { $0 >= 0 && $0 <= Double($1.epochs) })),
    ConfigurationKey(
      "momentum", \.momentum, "Momentum of SGD, 0 to less than 1.",
      .only("0 to less than 1") { (0..<1).contains($0) }),
    ConfigurationKey("nesterov", \.nesterov, "Nesterov momentum: true or false."),
    ConfigurationKey(
      "weight-decay", \.weightDecay, "Weight decay, 0 or more.",
      .only("0 or more") { $0 >= 0 && $0.isFinite }),
    ConfigurationKey(
      "label-smoothing", \.labelSmoothing, "Label smoothing, 0 to less than 1.",
      .only("0 to less than 1") { (0..<1).contains($0) }),
    ConfigurationKey(
      "distill-from", \.distillFrom, "Teacher for knowledge distillation: the network of this run.",
      valueName: "run", default: "none"),
    ConfigurationKey(
      "distill-weight", \.distillWeight, "Weight of the distillation loss, 0 to 1.",
      .only("0 to 1") { (0...1).contains($0) }),
    ConfigurationKey(
      "distill-temperature", \.distillTemperature, "Temperature of the distillation, more than 0.",
      .only("more than 0") { $0 > 0 && $0.isFinite }),
    ConfigurationKey(
      "clip", \.clip, "Gradient clipping: largest norm of all gradients together; 0: no limit.",
      .only("0 or more; 0 is no limit") { $0 >= 0 && $0.isFinite }),
    ConfigurationKey(
      "rotation-limit", \.rotationLimit,
      "Largest step of SGD relative to the weights of a layer, in units of the step at which weight decay "
        + "settles, sqrt(2 rate decay (1 - momentum)); 0: no limit.",
      .only("0 or more; 0 is no limit") { $0 >= 0 && $0.isFinite }),
    ConfigurationKey(
      "recalibration-batches", \.recalibrationBatches,
      "Training batches over which the statistics of batch normalisation are recomputed after the "
        + "last step; 0: keep the running averages.",
      .only("0 to 100000") { (0...100_000).contains($0) }),
    ConfigurationKey(
      "augment", \.augment, "Crop and mirror training images at random: true or false."),
    ConfigurationKey(
      "crops", \.crops,
      "Random crops; shift: windows of the image size; resized: parts of 35 to 100 %, scaled.",
      default: "resized from 96 pixels on, else shift"),
    ConfigurationKey("granularity", \.pruning.granularity, "Unit of pruning."),
    ConfigurationKey(
      "sparsity", \.pruning.sparsity, "Target sparsity of the prunable weights, 0 to less than 1."),
    ConfigurationKey(
      "schedule", \.pruning.schedule,
      "Density over the run; gradual: falls from start-density to the target; dynamic: at the target "
        + "from the first step."),
    ConfigurationKey(
      "start-density", \.pruning.startDensity,
      "Density at the first step of a gradual schedule, more than 0, at most 1."),
    ConfigurationKey(
      "ramp-end", \.pruning.rampEnd,
      "Fraction of the training at which a gradual schedule reaches its target, 0 to 1."),
    ConfigurationKey(
      "exchange-from", \.pruning.exchangeFrom,
      "Fraction of the training from which updates also exchange units, 0 to 1.",
      default: "ramp-end with gradual, 0.1 with dynamic"),
    ConfigurationKey(
      "freeze-from", \.pruning.freezeFrom,
      "Fraction of the training from which the masks are fixed, ramp-end to 1."),
    ConfigurationKey("budget", \.pruning.budget, "Distribution of the sparsity over the layers."),
    ConfigurationKey(
      "balanced", \.pruning.balanced,
      "What keeps equal numbers of lines: nothing, filters, or filters and channels."),
    ConfigurationKey(
      "shape-share", \.pruning.shapeShare,
      "Fraction of the removed weights that shapes account for in sub-structured pruning, 0 to 1.",
      default: "one threshold for shapes and lines"),
    ConfigurationKey(
      "update-interval", \.pruning.updateInterval, "Steps between two mask updates, 1 or more."),
    ConfigurationKey(
      "grow-fraction", \.pruning.growFraction,
      "Fraction of the kept units that the first update exchanges, 0 to less than 1; decays to 0 at "
        + "freeze-from."),
    ConfigurationKey("growth", \.pruning.growth, "Criterion for growing units back."),
    ConfigurationKey(
      "shape-update-fraction", \.pruning.shapeUpdateFraction,
      "Fraction of the kept shapes that an update exchanges, once an epoch, 0 to less than 1."),
    ConfigurationKey(
      "minimum-shape-fraction", \.pruning.minimumShapeFraction,
      "Smallest fraction of a layer's shapes to keep, 0 to 1."),
    ConfigurationKey(
      "block-side", \.pruning.blockSide, "Side of the blocks that are lines of 1x1 kernels: 2 or 4."
    ),
    ConfigurationKey("seed", \.seed, "Random seed, 0 or more."),
  ]

  /// The key of a name.
  public static func key(_ name: String) -> ConfigurationKey? { keys.first { $0.name == name } }

  /// Changes the value of a key.
  public mutating func apply(_ change: ConfigurationKey.Change) { change.apply(&self) }
}
