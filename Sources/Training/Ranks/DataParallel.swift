// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor

/// A training on several ranks: what they exchange in a step. Only gradients of kept weights travel, except
/// in steps that move the masks, which need those of pruned weights too.
final class DataParallel {
  /// What a step comes to on all ranks.
  struct StepTotals {
    /// Mean loss of the batch.
    var loss: Double
    /// Images that were classified correctly.
    var correct: Int
    /// Whether a rank asks to stop.
    var stops: Bool
  }

  let ranks: any Ranks
  private let batch: Int
  private var buffer = Tensor(count: 0)
  private var scratch = Tensor(count: 0)
  private(set) var report: ExchangeReport

  init(_ ranks: any Ranks, batch: Int) {
    (self.ranks, self.batch) = (ranks, batch)
    report = ExchangeReport(ranks: ranks.count)
  }

  var share: BatchShare { BatchShare(index: ranks.rank, count: ranks.count) }

  /// The means over the batch of what each rank has found on its share: gradients, running statistics, loss.
  func average(_ model: Model, _ own: StepTotals, denseGradients: Bool) -> StepTotals {
    let start = ContinuousClock.now
    let weight = Float(share.range(of: batch).count) / Float(batch)
    // Three numbers behind the tensors; small counts are exact.
    let totals = [Float(own.loss) * weight, Float(own.correct), own.stops ? 1 : 0]
    let sums = add(
      model.parameters.filter { !$0.isFrozen }.map(\.gradient) + model.statistics.map(\.values),
      scaledBy: weight, totals)
    report.steps += 1
    report.bytes += bytesSent
    let middle = ContinuousClock.now
    report.seconds += (middle - start) / .seconds(1)
    if denseGradients {
      let layers = model.convolutions.filter {
        $0.isPrunable && !$0.weight.isFrozen && $0.denseGradient != nil
      }
      let gradients = layers.map { Tensor($0.denseGradient ?? []) }
      _ = add(gradients, scaledBy: weight, [])
      for (layer, gradient) in zip(layers, gradients) {
        layer.store(denseGradient: gradient.array())
      }
      report.maskUpdates += 1
      report.maskBytes += bytesSent
      report.maskSeconds += (ContinuousClock.now - middle) / .seconds(1)
      scratch = Tensor(count: 0)
    }
    return StepTotals(loss: Double(sums[0]), correct: Int(sums[1]), stops: sums[2] > 0)
  }

  /// The means of the running statistics.
  func averageStatistics(_ model: Model) {
    let weight = Float(share.range(of: batch).count) / Float(batch)
    _ = add(model.statistics.map(\.values), scaledBy: weight, [])
  }

  /// Replaces tensors by the sums over all ranks of `weight` times them; gives the sums of more numbers.
  private func add(_ tensors: [Tensor], scaledBy weight: Float, _ numbers: [Float]) -> [Float] {
    let count = tensors.reduce(0) { $0 + $1.count } + numbers.count
    if buffer.count != count { buffer = Tensor(count: count) }
    var place = buffer.address
    for tensor in tensors {
      let values = tensor.address
      for index in 0..<tensor.count { place[index] = values[index] * weight }
      place += tensor.count
    }
    for index in numbers.indices { place[index] = numbers[index] }
    ranks.add(buffer, scratch: &scratch)
    place = buffer.address
    for tensor in tensors {
      tensor.address.update(from: place, count: tensor.count)
      place += tensor.count
    }
    return Array(UnsafeBufferPointer(start: place, count: numbers.count))
  }

  /// Bytes that this rank has sent, and received, for what is in the buffer.
  private var bytesSent: Int { 2 * (ranks.count - 1) * buffer.count * 4 / ranks.count }

  /// Compares what the ranks are about to train.
  ///
  /// - Throws: a `RankDifference` on every rank, where two differ.
  func checkEqual(
    _ configuration: TrainingConfiguration, _ data: Dataset, _ engine: Engine,
    _ progress: TrainingProgress?
  ) throws(RankDifference) {
    let labels = Data((data.train.labels + data.test.labels).map(UInt8.init(truncatingIfNeeded:)))
    try RankDifference.check(
      [
        "version: \(swpuVersion)", "kernels: \(engine.name)",
        "data: \(data.train.count) and \(data.test.count) images of \(data.name), "
          + "labels \(String(wordChecksum(labels), radix: 16))",
        "a checkpoint: \(progress.map { "of step \($0.step)" } ?? "none")",
      ]
        + configuration.yaml.split(separator: "\n").filter { !$0.hasPrefix("data-path:") }.map(
          String.init), ranks,
      hint: "give all the same command, and --kernels where processors differ")
  }

  /// Compares masks, weights and their training on all ranks: they are equal by construction.
  ///
  /// - Throws: a `RankDifference` on every rank, where they are not.
  func checkEqual(_ model: Model, step: Int) throws(RankDifference) {
    let lines = model.blobs().map { blob in
      "\(blob.name): \(String(wordChecksum(blob.bytes), radix: 16)) after step \(step)"
    }
    try RankDifference.check(
      lines, ranks, hint: "weights and masks are equal on all ranks unless one computes wrongly")
  }

  /// The classification of all images, of the shares of the ranks.
  func merge(_ own: Classification) throws -> Classification {
    var all = try ranks.gather(JSONEncoder().encode(own)).map {
      try JSONDecoder().decode(Classification.self, from: $0)
    }
    var result = all.removeFirst()
    for share in all { result.add(share) }
    return result
  }
}

/// What a training on several ranks has exchanged.
public struct ExchangeReport: Codable, Sendable, Equatable {
  /// Processes.
  public let ranks: Int
  /// Steps since the start, or since the run was resumed.
  public internal(set) var steps = 0
  /// Bytes that a rank has sent, and received, in them: gradients of kept weights, running statistics.
  public internal(set) var bytes = 0
  /// Seconds that the first rank has spent on them, stalls for other ranks included.
  public internal(set) var seconds = 0.0
  /// Updates of the masks that may bring weights back.
  public internal(set) var maskUpdates = 0
  /// Bytes that a rank has sent, and received, in them: gradients of all weights.
  public internal(set) var maskBytes = 0
  /// Seconds that the first rank has spent on them.
  public internal(set) var maskSeconds = 0.0

  init(ranks: Int) { self.ranks = ranks }
}
