// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// Which checkpoint of a run.
public enum CheckpointChoice: String, Sendable, CaseIterable {
  /// The last one.
  case last
  /// The one with the best test accuracy, at the sparsity that the run has reached.
  case best
}

/// The epoch with the best test accuracy so far.
public struct BestEpoch: Codable, Sendable, Equatable {
  /// The epoch, from 1.
  public let epoch: Int
  /// Its test accuracy, 0...1.
  public let testAccuracy: Double
  /// Fraction of the prunable weights that were pruned.
  public let sparsity: Double

  /// Whether this one takes the place of `other`. A network that prunes on the way is compared only with
  /// those that are as sparse: before, it was a larger one.
  func isBetter(than other: BestEpoch?) -> Bool {
    guard let other else { return true }
    if abs(sparsity - other.sparsity) > 0.005 { return sparsity > other.sparsity }
    return testAccuracy > other.testAccuracy
  }
}

extension RunFolder {
  /// The checkpoint of the epoch with the best test accuracy.
  public var bestCheckpoint: URL { checkpoints.appendingPathComponent("best.ckpt") }

  /// A checkpoint of the run.
  ///
  /// - Throws: `FileError`, `InputError`.
  public func checkpoint(_ choice: CheckpointChoice) throws -> (file: URL, checkpoint: Checkpoint) {
    switch choice {
    case .last: return try latestCheckpoint()
    case .best:
      guard let data = try readFileIfThere(bestCheckpoint) else {
        throw FileError(
          bestCheckpoint.path, "read the best checkpoint",
          reason: "the file is not there; it is written after the first epoch")
      }
      return (bestCheckpoint, try Checkpoint(decoding: data, file: bestCheckpoint.path))
    }
  }
}
