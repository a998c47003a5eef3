// SPDX-License-Identifier: Apache-2.0
import Foundation
import Pruning
import Tensor

/// Everything that determines a training run, with the keys of the configuration file.
///
/// Keys are the names of the command's options. A file may name some of them; the rest have their
/// defaults.
///
/// ```swift
/// let text = "model: lenet5\nepochs: 3"
/// var configuration = try TrainingConfiguration(yaml: text, file: "mine.yaml")
/// configuration.pruning.sparsity = 0.8
/// try configuration.validate()
/// print(configuration.yaml)  // every key
/// ```
public struct TrainingConfiguration: Decodable, Sendable, Equatable {
  /// Which optimiser.
  public enum OptimizerName: String, Codable, Sendable, CaseIterable {
    /// Stochastic gradient descent with momentum.
    case sgd
    /// AdamW.
    case adamw
  }

  /// What batch normalisations do in training.
  public enum NormMode: String, Codable, Sendable, CaseIterable {
    /// Normalise by the batch, and train.
    case train
    /// Stay as they are at the start: statistics, scales and shifts.
    case frozen
  }

  /// How training images are cropped.
  public enum CropMode: String, Codable, Sendable, CaseIterable {
    /// A window of the image's size, moved by up to an eighth (four pixels of CIFAR).
    case shift
    /// A random part of 35 to 100 % of the image, of a random shape, scaled to its size.
    case resized
  }

  /// The network.
  public var model = ModelName.resnet20
  /// An ONNX file whose network is trained in place of `model`; nil for none.
  public var modelFile: String?
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
  /// Layers, or the beginnings of their names, that are not trained, with commas between; nil for none.
  public var freeze: String?
  /// What batch normalisations do in training.
  public var batchNorm = NormMode.train
  /// A data set of the same classes that is not to be forgotten; nil for none.
  public var replay: DatasetSource?
  /// How many of its images are trained on as well; nil for as many as there are new ones.
  public var replayImages: Int?
  /// How training images are cropped; nil lets their size decide.
  public var crops: CropMode?
  /// Passes over the training images.
  public var epochs = 8
  /// Images a step.
  public var batch = 32
  /// What activations and gradients are held in.
  public var precision = PrecisionChoice.fp32
  /// The format of stored activations; nil for the precision.
  public var stashFormat: EightBitFormat?
  /// The format of stored gradients of activations; nil for the precision.
  public var gradientFormat: EightBitFormat?
  /// The optimiser.
  public var optimizer = OptimizerName.sgd
  /// The highest learning rate; by default 0.05 for SGD and 0.001 for AdamW, a tenth in fine-tuning.
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
  /// Folder of a run whose network is the teacher; none when absent.
  public var distillFrom: String?
  /// Weight of the teacher's part of the loss, 0 to 1.
  public var distillWeight: Float = 0.5
  /// Divides the logits of both networks.
  public var distillTemperature: Float = 4
  /// Largest norm of all gradients together; 0 for no clipping.
  public var clip: Float = 0
  /// Longest step of SGD, in units of the one at which weight decay settles; 0 for no limit.
  public var rotationLimit: Float = 1
  /// Whether training images are cropped (and mirrored where the data set allows it).
  public var augment = true
  /// Batches of training images whose means become the norms' statistics after the last step; 0 keeps
  /// the running averages.
  public var recalibrationBatches = 0
  /// A published method whose values pruning starts from; keys of their own win.
  public var recipe: Recipe? {
    didSet { if let recipe { pruning.apply(recipe) } }
  }
  /// What pruning removes, how much and when.
  public var pruning = PruningConfiguration()
  /// Seeds every random choice.
  public var seed: UInt64 = 1

  /// The defaults.
  public init() {}

  /// Reads the keys that are there; the others keep their defaults.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: ConfigurationKey.Name.self)
    if values.contains(ConfigurationKey.Name(stringValue: "initialize-from")) {
      takeFineTuningDefaults()
    }
    for key in Self.keys { try key.decode(&self, values) }
  }

  /// The name of the network: of one of the engine's, or of a file.
  public var modelName: String {
    modelFile.map { URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent }
      ?? model.rawValue
  }

  /// Whether training starts from given weights.
  package var startsFromWeights: Bool { initializeFrom != nil || modelFile != nil }

  /// The highest learning rate, with its default filled in.
  public var peakLearningRate: Float {
    learningRate
      ?? (optimizer == .sgd ? 0.05 : 0.001) / (startsFromWeights ? 10 : 1)
  }

  var storage: StorageFormats {
    StorageFormats(activations: stashFormat, gradients: gradientFormat)
  }

  var distillation: Distillation {
    Distillation(weight: distillWeight, temperature: distillTemperature)
  }

  var optimizerSettings: Optimizer {
    switch optimizer {
    case .sgd: .sgd(momentum: momentum, nesterov: nesterov, weightDecay: weightDecay)
    case .adamw: .adamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: weightDecay)
    }
  }
}
