// SPDX-License-Identifier: Apache-2.0
import Foundation
import Pruning
import Tensor
import Yams

/// Everything that determines a training run, with the keys of the configuration file.
///
/// Keys are the names of the command's options. A file may name some of them; the rest have their
/// defaults.
///
/// ```swift
/// var configuration = try TrainingConfiguration(yaml: "model: lenet5\nepochs: 3", file: "mine.yaml")
/// configuration.pruning.sparsity = 0.8
/// try configuration.validate()
/// print(configuration.yaml)  // every key
/// ```
public struct TrainingConfiguration: Codable, Sendable, Equatable {
  /// Which optimiser.
  public enum OptimizerName: String, Codable, Sendable, CaseIterable {
    /// Stochastic gradient descent with momentum.
    case sgd
    /// AdamW.
    case adamw
  }

  /// The network.
  public var model = ModelName.resnet20
  /// Multiplies the filters of every layer.
  public var width = 1.0
  /// The data set.
  public var data = DatasetSource.synthetic
  /// Where the files of the data set are.
  public var dataPath: String?
  /// Rows and columns that pictures of a folder are scaled to; other data sets have their own size.
  public var imageSize = 32
  /// The most training images to use; all when absent.
  public var trainImages: Int?
  /// A safetensors file whose weights training starts from; drawn ones when absent.
  public var initializeFrom: String?
  /// Passes over the training images.
  public var epochs = 8
  /// Images a step.
  public var batch = 32
  /// The optimiser.
  public var optimizer = OptimizerName.sgd
  /// The highest learning rate; by default 0.05 for SGD and 0.001 for AdamW.
  public var learningRate: Float?
  /// How the learning rate falls.
  public var learningRateDecay = LearningRate.Decay.cosine
  /// Epochs of linear warm-up.
  public var warmUpEpochs = 1.0
  /// Momentum of SGD.
  public var momentum: Float = 0.9
  /// Nesterov momentum.
  public var nesterov = false
  /// Weight decay.
  public var weightDecay: Float = 5e-4
  /// Share of the label spread over all classes.
  public var labelSmoothing: Float = 0
  /// Largest norm of all gradients together; no clipping when absent.
  public var clip: Float?
  /// Whether training images are cropped (and mirrored where the data set allows it).
  public var augment = true
  /// What pruning removes, how much and when.
  public var pruning = PruningConfiguration()
  /// Seeds every random choice.
  public var seed: UInt64 = 1

  /// The defaults.
  public init() {}

  enum CodingKeys: String, CodingKey, CaseIterable {
    case model, width, data
    case dataPath = "data-path"
    case imageSize = "image-size"
    case trainImages = "train-images"
    case initializeFrom = "initialize-from"
    case epochs, batch, optimizer
    case learningRate = "learning-rate"
    case learningRateDecay = "learning-rate-decay"
    case warmUpEpochs = "warm-up-epochs"
    case momentum, nesterov
    case weightDecay = "weight-decay"
    case labelSmoothing = "label-smoothing"
    case clip, augment, granularity, sparsity, schedule
    case startDensity = "start-density"
    case budget, balanced
    case shapeShare = "shape-share"
    case updateInterval = "update-interval"
    case growFraction = "grow-fraction"
    case shapeUpdateFraction = "shape-update-fraction"
    case minimumShapeFraction = "minimum-shape-fraction"
    case blockSide = "block-side"
    case seed
  }

  /// Reads the keys that are there; the others keep their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    func read<Value: Decodable>(_ key: CodingKeys, into value: inout Value) throws {
      if let found = try values.decodeIfPresent(Value.self, forKey: key) { value = found }
    }
    try read(.model, into: &model)
    try read(.width, into: &width)
    try read(.data, into: &data)
    dataPath = try values.decodeIfPresent(String.self, forKey: .dataPath)
    try read(.imageSize, into: &imageSize)
    trainImages = try values.decodeIfPresent(Int.self, forKey: .trainImages)
    initializeFrom = try values.decodeIfPresent(String.self, forKey: .initializeFrom)
    try read(.epochs, into: &epochs)
    try read(.batch, into: &batch)
    try read(.optimizer, into: &optimizer)
    learningRate = try values.decodeIfPresent(Float.self, forKey: .learningRate)
    try read(.learningRateDecay, into: &learningRateDecay)
    try read(.warmUpEpochs, into: &warmUpEpochs)
    try read(.momentum, into: &momentum)
    try read(.nesterov, into: &nesterov)
    try read(.weightDecay, into: &weightDecay)
    try read(.labelSmoothing, into: &labelSmoothing)
    clip = try values.decodeIfPresent(Float.self, forKey: .clip)
    try read(.augment, into: &augment)
    try read(.granularity, into: &pruning.granularity)
    try read(.sparsity, into: &pruning.sparsity)
    try read(.schedule, into: &pruning.schedule)
    try read(.startDensity, into: &pruning.startDensity)
    try read(.budget, into: &pruning.budget)
    try read(.balanced, into: &pruning.balanced)
    pruning.shapeShare = try values.decodeIfPresent(Double.self, forKey: .shapeShare)
    try read(.updateInterval, into: &pruning.updateInterval)
    try read(.growFraction, into: &pruning.growFraction)
    try read(.shapeUpdateFraction, into: &pruning.shapeUpdateFraction)
    try read(.minimumShapeFraction, into: &pruning.minimumShapeFraction)
    try read(.blockSide, into: &pruning.blockSide)
    try read(.seed, into: &seed)
  }

  /// Writes every key that has a value.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(model, forKey: .model)
    try values.encode(width, forKey: .width)
    try values.encode(data, forKey: .data)
    try values.encodeIfPresent(dataPath, forKey: .dataPath)
    try values.encode(imageSize, forKey: .imageSize)
    try values.encodeIfPresent(trainImages, forKey: .trainImages)
    try values.encodeIfPresent(initializeFrom, forKey: .initializeFrom)
    try values.encode(epochs, forKey: .epochs)
    try values.encode(batch, forKey: .batch)
    try values.encode(optimizer, forKey: .optimizer)
    try values.encode(peakLearningRate, forKey: .learningRate)
    try values.encode(learningRateDecay, forKey: .learningRateDecay)
    try values.encode(warmUpEpochs, forKey: .warmUpEpochs)
    try values.encode(momentum, forKey: .momentum)
    try values.encode(nesterov, forKey: .nesterov)
    try values.encode(weightDecay, forKey: .weightDecay)
    try values.encode(labelSmoothing, forKey: .labelSmoothing)
    try values.encodeIfPresent(clip, forKey: .clip)
    try values.encode(augment, forKey: .augment)
    try values.encode(pruning.granularity, forKey: .granularity)
    try values.encode(pruning.sparsity, forKey: .sparsity)
    try values.encode(pruning.schedule, forKey: .schedule)
    try values.encode(pruning.startDensity, forKey: .startDensity)
    try values.encode(pruning.budget, forKey: .budget)
    try values.encode(pruning.balanced, forKey: .balanced)
    try values.encodeIfPresent(pruning.shapeShare, forKey: .shapeShare)
    try values.encode(pruning.updateInterval, forKey: .updateInterval)
    try values.encode(pruning.growFraction, forKey: .growFraction)
    try values.encode(pruning.shapeUpdateFraction, forKey: .shapeUpdateFraction)
    try values.encode(pruning.minimumShapeFraction, forKey: .minimumShapeFraction)
    try values.encode(pruning.blockSide, forKey: .blockSide)
    try values.encode(seed, forKey: .seed)
  }

  /// The highest learning rate, with its default filled in.
  public var peakLearningRate: Float {
    learningRate ?? (optimizer == .sgd ? 0.05 : 0.001)
  }

  var optimizerSettings: Optimizer {
    switch optimizer {
    case .sgd: .sgd(momentum: momentum, nesterov: nesterov, weightDecay: weightDecay)
    case .adamw: .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: weightDecay)
    }
  }
}
