// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The hand-over of batches from the thread that prepares them to the one that uses them.
///
/// A fixed number of batches circulates: `spare` ones are to be filled, `ready` ones to be used.
// Unchecked: every variable is read and written only while `condition` is locked.
final class BatchQueue: @unchecked Sendable {
  private let condition = NSCondition()
  private var spare: [Batch]
  private var ready: [Batch] = []
  private var stopped = false
  private var running = true
  private var failure: DatasetError?

  /// A queue over the buffers of `batches`.
  init(batches: [Batch]) {
    spare = batches
    ready.reserveCapacity(batches.count)
  }

  /// Fills the batches `indices` with `fill` and puts them in the queue, in order, until the last
  /// one is there, `stop` is called or one fails. Runs once, on the thread that prepares.
  func produce(_ indices: Range<Int>, fill: (inout Batch, Int) throws(DatasetError) -> Void) {
    for index in indices {
      guard var batch = takeSpare() else { break }
      do throws(DatasetError) {
        try fill(&batch, index)
        locked { ready.append(batch) }
      } catch {
        locked {
          spare.append(batch)
          failure = error
        }
        break
      }
    }
    locked { running = false }
  }

  /// Exchanges `batch` for the next one of the queue.
  ///
  /// Returns whether there was one, and the seconds of the stall until it was ready.
  ///
  /// - Throws: what `fill` threw, behind the batches that were ready before.
  func next(into batch: inout Batch) throws(DatasetError) -> (found: Bool, waitedSeconds: Double) {
    condition.lock()
    defer { condition.unlock() }
    var waited = Duration.zero
    if ready.isEmpty && running {
      waited = ContinuousClock().measure {
        while ready.isEmpty && running { condition.wait() }
      }
    }
    if ready.isEmpty, let failure { throw failure }
    if ready.isEmpty { return (false, waited / .seconds(1)) }
    swap(&batch, &ready[0])
    spare.append(ready.removeFirst())
    condition.broadcast()
    return (true, waited / .seconds(1))
  }

  /// Ends `produce`, waits until it has returned, and gives back the buffers.
  func stop() -> [Batch] {
    condition.lock()
    defer { condition.unlock() }
    stopped = true
    condition.broadcast()
    while running { condition.wait() }
    defer { (spare, ready) = ([], []) }
    return spare + ready
  }

  private func takeSpare() -> Batch? {
    condition.lock()
    defer { condition.unlock() }
    while spare.isEmpty && !stopped { condition.wait() }
    return stopped ? nil : spare.removeLast()
  }

  private func locked(_ change: () -> Void) {
    condition.lock()
    change()
    condition.broadcast()
    condition.unlock()
  }
}
