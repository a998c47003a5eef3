// SPDX-License-Identifier: Apache-2.0
import CKernels
import Foundation
import Synchronization

/// Threads that run the shards of a kernel.
///
/// A waiting thread spins for some microseconds and then blocks: layers follow each other within
/// microseconds, but a pool that spins for ever starves whatever else the machine runs. Shards are
/// handed out by a counter, so a slow thread takes fewer; no result depends on who ran what.
public final class ThreadPool: Sendable {
  /// Threads that compute, the calling one included: as many as were asked for, or half of those that
  /// could be started.
  public let threads: Int
  /// Why there are fewer threads than were asked for; nil where there are as many.
  public let shortage: ThreadError?
  private let shared: Shared

  /// A pool of `threads` threads, one of which is the caller of `run`.
  public init(threads: Int) {
    precondition(threads >= 1, "a pool has at least the calling thread")
    shared = Shared()
    var (started, shortage) = (1, ThreadError?.none)
    while started < threads && shortage == nil {
      do throws(ThreadError) {
        try startThread("swpu worker") { [shared] in shared.serve() }
        started += 1
      } catch {
        shortage = error
        // What could be had to the last is not all for this pool: who loads data needs threads, too, and
        // Dispatch waits for one for ever.
        let kept = (started + 1) / 2
        shared.dismiss(started - kept)
        started = kept
      }
    }
    self.threads = started
    self.shortage = shortage
  }

  deinit { shared.dismiss(threads - 1) }

  /// The processors that are online.
  public static var processors: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Calls `job(arguments, shard, shards)` for each shard and returns when all are done. One caller
  /// at a time.
  func run(
    shards: Int, arguments: UnsafeRawPointer, _ job: (UnsafeRawPointer, Int32, Int32) -> Void
  ) {
    if threads == 1 || shards == 1 {
      let previous = ck_flush_subnormals()
      for shard in 0..<shards { job(arguments, Int32(shard), Int32(shards)) }
      ck_restore_float_control(previous)
      return
    }
    withoutActuallyEscaping(job) { job in
      shared.run(Work(job: job, arguments: arguments, shards: Int32(shards)))
    }
  }

  private struct Work {
    let job: (UnsafeRawPointer, Int32, Int32) -> Void
    let arguments: UnsafeRawPointer
    let shards: Int32
  }

  // Unchecked: `work` is written while no shard is left to take or under way, and read only by who
  // has taken one.
  private final class Shared: @unchecked Sendable {
    private var work: Work?
    // The number of the call in the upper half, the shards that nobody has taken in the lower: a
    // thread that was away for a while cannot take a shard of one call for that of another.
    private let waiting = Atomic<UInt64>(0)
    private let finished = Atomic<Int32>(0)
    private let sleeping = Atomic<Int>(0)
    // How many threads shall leave and have not.
    private let leaving = Atomic<Int>(0)
    private let condition = NSCondition()

    // Waits for shards, not for threads: one that another program keeps away from its processor is
    // only waited for if it took a shard.
    func run(_ work: Work) {
      self.work = work
      finished.store(0, ordering: .relaxed)
      let call = (waiting.load(ordering: .relaxed) >> 32) &+ 1
      waiting.store(call << 32 | UInt64(work.shards), ordering: .sequentiallyConsistent)
      if sleeping.load(ordering: .sequentiallyConsistent) > 0 { wake() }
      takeShards()
      var spins = 0
      while finished.load(ordering: .acquiring) < work.shards {
        spins += 1
        if spins < 20_000 { ck_spin_pause() } else { sched_yield() }
      }
      self.work = nil
    }

    func serve() {
      while !leaves() {
        takeShards()
        var spins = 0
        while !isCalled && spins < 20_000 {
          spins += 1
          ck_spin_pause()
        }
        if !isCalled { sleepUntilCalled() }
      }
    }

    /// Ends as many threads, when they have done what they do.
    func dismiss(_ threads: Int) {
      leaving.add(threads, ordering: .sequentiallyConsistent)
      wake()
    }

    private func leaves() -> Bool {
      var count = leaving.load(ordering: .sequentiallyConsistent)
      while count > 0 {
        let (taken, now) = leaving.weakCompareExchange(
          expected: count, desired: count - 1, ordering: .acquiringAndReleasing)
        if taken { return true }
        count = now
      }
      return false
    }

    private var isCalled: Bool {
      waiting.load(ordering: .sequentiallyConsistent) & 0xffff_ffff > 0
        || leaving.load(ordering: .sequentiallyConsistent) > 0
    }

    private func takeShards() {
      let previous = ck_flush_subnormals()
      defer { ck_restore_float_control(previous) }
      var seen = waiting.load(ordering: .acquiring)
      while seen & 0xffff_ffff > 0 {
        let (taken, now) = waiting.weakCompareExchange(
          expected: seen, desired: seen - 1, ordering: .acquiringAndReleasing)
        guard taken else {
          seen = now
          continue
        }
        runShard(remaining: Int32(seen & 0xffff_ffff))
        finished.add(1, ordering: .releasing)
        seen = waiting.load(ordering: .acquiring)
      }
    }

    // A function of its own, so that this thread's hold of the job has ended when the shard counts as
    // finished: the job may not outlive the call.
    @inline(never)
    private func runShard(remaining: Int32) {
      let work = work!
      work.job(work.arguments, work.shards - remaining, work.shards)
    }

    private func sleepUntilCalled() {
      condition.lock()
      defer { condition.unlock() }
      sleeping.add(1, ordering: .sequentiallyConsistent)
      defer { sleeping.subtract(1, ordering: .sequentiallyConsistent) }
      // Once: even where others took all shards by now, the next call is likely near.
      if !isCalled { condition.wait() }
    }

    private func wake() {
      condition.lock()
      condition.broadcast()
      condition.unlock()
    }
  }
}
