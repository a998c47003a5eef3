// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Something that happened in a training.
public enum TrainingEvent: Sendable {
  /// A step was done.
  case step(StepReport)
  /// An epoch was done and tested.
  case epoch(EpochReport)
}

/// Where a training stands after a step.
public struct StepReport: Sendable {
  /// The epoch under way, from 1, and how many there are.
  public let epoch, epochs: Int
  /// Steps done, and how many there are.
  public let step, totalSteps: Int
  /// Mean training loss and accuracy of the epoch so far.
  public let loss, accuracy: Double
  /// Share of the prunable weights that is pruned.
  public let sparsity: Double
  /// Training images a second, over the last steps.
  public let imagesPerSecond: Double
  /// What is left at the speed of the last steps, without tests.
  public let secondsLeft: Double
  /// Seconds that the computation has waited for data since the start.
  public let loaderWaitingSeconds: Double
}

/// What an epoch came to.
public struct EpochReport: Codable, Sendable {
  /// The epoch, from 1, and how many there are.
  public let epoch, epochs: Int
  /// Mean over the training images as they were trained on.
  public let trainLoss, trainAccuracy: Double
  /// Mean over the test images after the epoch.
  public let testLoss, testAccuracy: Double
  /// Share of the prunable weights that is pruned.
  public let sparsity: Double
  /// Multiply-accumulates of a forward pass as a fraction of the dense network's; nil in runs of older
  /// versions.
  public let macDensity: Double?
  /// Seconds of training, tests left out.
  public let seconds: Double
}

struct StepMetrics: Codable {
  let loss, accuracy: Double
  let learningRate: Float
}

struct MaskReport: Codable {
  let sparsity: Double
}

/// A loss that is not a number or infinite: training stops, and checkpoints stay as they were.
public struct NonFiniteLoss: Error, CustomStringConvertible {
  /// The step, counted from 0, and its epoch.
  public let step, epoch: Int
  /// The loss.
  public let loss: Double
  /// The first layer whose output is not finite; nil when all are and only the loss is not.
  public let layer: String?
  /// The last good checkpoint.
  public let checkpoint: URL?

  /// Step, value, layer, and what to do.
  public var description: String {
    let place = layer.map { "the output of layer '\($0)' is not finite" } ?? "all layers are finite"
    let saved = checkpoint.map { " The last good checkpoint is \($0.path)." } ?? ""
    return "the loss is \(loss) at step \(step) (epoch \(epoch + 1)): \(place).\(saved) "
      + "A lower learning rate, more warm-up or gradient clipping usually helps."
  }
}

/// Seconds a step over the last steps.
struct SpeedMeter {
  private var marks: [ContinuousClock.Instant] = [.now]
  private static let window = 32

  init() { marks.reserveCapacity(Self.window + 1) }

  mutating func finishStep() {
    if marks.count > Self.window { marks.removeFirst() }
    marks.append(.now)
  }

  /// Forgets the steps so far, so that a test between epochs does not count.
  mutating func pause() {
    marks.removeAll(keepingCapacity: true)
    marks.append(.now)
  }

  var secondsPerStep: Double {
    guard let first = marks.first, let last = marks.last, marks.count > 1 else { return 0 }
    return (last - first) / .seconds(1) / Double(marks.count - 1)
  }
}
