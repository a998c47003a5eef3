// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// Prepares batches on a thread of its own, a few ahead of the computation.
///
///     let loader = BatchLoader(
///       set: data.train, mean: data.mean, deviation: data.deviation, batch: 128,
///       augmentation: data.augmentation, seed: 1, shuffle: true, dropLast: true)
///     var batch = Batch()
///     loader.start(epoch: 0)
///     while try loader.next(into: &batch) { … }
///
/// Batch b of epoch e depends on the seed, e and b only, so a run that starts at
/// `fromBatch: b` sees what an uninterrupted run sees from there on. One thread at a time may use a
/// loader. A loader that is no longer referenced ends its thread.
public final class BatchLoader {
  /// The batches of an epoch: with `dropLast` only full ones.
  public var batchesPerEpoch: Int { recipe.batchesPerEpoch }

  /// How often `next` stalled; for the first batch after `start` it nearly always does.
  public private(set) var stalls = 0

  /// The seconds that `next` has stalled since the loader was made. More than a few milliseconds an
  /// epoch mean that preparing batches, and not computing, limits the throughput.
  public private(set) var waitingSeconds = 0.0

  private let recipe: BatchRecipe
  private var buffers: [Batch]
  private var queue: BatchQueue?

  /// A loader for `set`, whose values v become (v / 255 - mean) / deviation, channel by channel.
  ///
  /// - Parameters:
  ///   - mean: one value a channel, in units of 0...1.
  ///   - deviation: the standard deviation, one value a channel, in units of 0...1, above 0.
  ///   - batch: images in a full batch.
  ///   - seed: the seed of order and augmentation.
  ///   - shuffle: whether each epoch has its own random order; otherwise the order of the set.
  ///   - dropLast: whether images that do not fill a batch are left out of the epoch.
  ///   - depth: batches prepared ahead.
  public convenience init(
    set: ImageSet, mean: [Float], deviation: [Float], batch: Int, augmentation: Augmentation,
    seed: UInt64, shuffle: Bool, dropLast: Bool, depth: Int = 4
  ) {
    self.init(
      set: set, mean: mean, deviation: deviation, batch: batch, augmentation: augmentation,
      seed: seed, shuffle: shuffle, dropLast: dropLast, share: .whole, depth: depth)
  }

  /// As the public one, for a share of each batch.
  init(
    set: ImageSet, mean: [Float], deviation: [Float], batch: Int, augmentation: Augmentation,
    seed: UInt64, shuffle: Bool, dropLast: Bool, share: BatchShare, depth: Int = 4
  ) {
    precondition(depth > 0, "a loader prepares at least one batch ahead")
    recipe = BatchRecipe(
      set: set, mean: mean, deviation: deviation, batch: batch, augmentation: augmentation,
      seed: seed, shuffle: shuffle, dropLast: dropLast, share: share)
    buffers = [Batch](repeating: Batch(), count: depth)
  }

  deinit { stop() }

  /// Begins to prepare the batches of `epoch`, the first of them number `fromBatch`; what was being
  /// prepared before is dropped.
  public func start(epoch: Int, fromBatch: Int = 0) {
    precondition(epoch >= 0, "epochs count from 0")
    precondition(
      (0...batchesPerEpoch).contains(fromBatch), "an epoch has batches 0..<\(batchesPerEpoch)")
    stop()
    let queue = BatchQueue(batches: buffers)
    buffers = []
    self.queue = queue
    let indices = fromBatch..<batchesPerEpoch
    do throws(ThreadError) {
      try startThread("swpu batches") { [recipe] in
        let order = recipe.order(epoch: epoch)
        queue.produce(indices) { batch, index throws(DatasetError) in
          try recipe.fill(&batch, epoch: epoch, index: index, order: order)
        }
      }
    } catch {
      queue.produce(indices) { (_, _) throws(DatasetError) in
        throw DatasetError(
          fault: .noThread, file: "batches", found: "an error (\(error))",
          expected: "one thread that prepares them, in addition to those of --threads",
          home: "docs/tutorials/README.md")
      }
    }
  }

  /// Puts the next batch of the epoch in `batch`, whose buffers are used again.
  ///
  /// Returns false, and leaves `batch` as it is, behind the last one and where nothing was started.
  ///
  /// - Throws: a `DatasetError` where the file of the images cannot be read.
  public func next(into batch: inout Batch) throws(DatasetError) -> Bool {
    guard let queue else { return false }
    let (found, waitedSeconds) = try queue.next(into: &batch)
    if found && waitedSeconds > 0 { stalls += 1 }
    waitingSeconds += waitedSeconds
    return found
  }

  /// Ends the thread, even in the middle of an epoch; `start` begins again.
  public func stop() {
    guard let queue else { return }
    buffers = queue.stop()
    self.queue = nil
  }
}
