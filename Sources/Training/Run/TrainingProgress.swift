// SPDX-License-Identifier: Apache-2.0
/// Where a training is, with the sums of the epoch under way.
public struct TrainingProgress: Codable, Sendable, Equatable {
  /// The epoch under way, from 0; the number of epochs when training has ended.
  public var epoch = 0
  /// Batches of that epoch that are done.
  public var batch = 0
  /// Steps done since the start.
  public var step = 0
  /// Sum of the batches' losses in this epoch.
  public var lossSum = 0.0
  /// Images of this epoch that were classified rightly while training.
  public var correct = 0
  /// Images of this epoch that were trained on.
  public var images = 0
  /// Test accuracy after the last whole epoch, 0...1.
  public var testAccuracy = 0.0
  /// Test loss after the last whole epoch.
  public var testLoss = 0.0
  /// The best epoch so far; nil before the first one, and in checkpoints of older versions.
  public var best: BestEpoch?

  mutating func startEpoch(_ epoch: Int) {
    self.epoch = epoch
    batch = 0
    lossSum = 0
    correct = 0
    images = 0
  }
}
