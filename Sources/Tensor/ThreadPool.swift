import CKernels
import Foundation
import Synchronization

/// Threads that run the shards of a kernel.
///
/// A waiting thread spins for some microseconds and then blocks: layers follow each other within
/// microseconds, but a pool that spins for ever starves whatever else the machine runs. Shards are
/// handed out by a counter, so a slow thread takes fewer; no result depends on who ran what.
public final class ThreadPool: Sendable {
  /// Threads that compute, the calling one included.
  public let threads: Int
  private let shared: Shared

  /// A pool of `threads` threads, one of which is the caller of `run`.
  public init(threads: Int) {
    precondition(threads >= 1, "a pool has at least the calling thread")
    self.threads = threads
    shared = Shared()
    for _ in 1..<max(threads, 1) {
      let shared = shared
      let worker = Thread { shared.serve() }
      worker.name = "swpu worker"
      worker.start()
    }
    shared.workers = threads - 1
  }

  deinit { shared.stop() }

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

  // Unchecked: `work` is written before `generation` is released and read after it is acquired.
  private final class Shared: @unchecked Sendable {
    var workers = 0
    private var work: Work?
    private let generation = Atomic<Int>(0)
    private let nextShard = Atomic<Int32>(0)
    private let finished = Atomic<Int>(0)
    private let sleeping = Atomic<Int>(0)
    private let stopped = Atomic<Bool>(false)
    private let condition = NSCondition()

    func run(_ work: Work) {
      self.work = work
      nextShard.store(0, ordering: .relaxed)
      finished.store(0, ordering: .relaxed)
      generation.add(1, ordering: .sequentiallyConsistent)
      if sleeping.load(ordering: .sequentiallyConsistent) > 0 {
        condition.lock()
        condition.broadcast()
        condition.unlock()
      }
      takeShards(of: work)
      var spins = 0
      while finished.load(ordering: .acquiring) < workers {
        spins += 1
        if spins < 20_000 { ck_spin_pause() } else { sched_yield() }
      }
      self.work = nil
    }

    func serve() {
      _ = ck_flush_subnormals()
      var seen = 0
      while true {
        seen = waitForGeneration(after: seen)
        if stopped.load(ordering: .acquiring) { return }
        if let work { takeShards(of: work) }
        finished.add(1, ordering: .releasing)
      }
    }

    func stop() {
      stopped.store(true, ordering: .releasing)
      generation.add(1, ordering: .sequentiallyConsistent)
      condition.lock()
      condition.broadcast()
      condition.unlock()
    }

    private func takeShards(of work: Work) {
      let previous = ck_flush_subnormals()
      while true {
        let shard = nextShard.add(1, ordering: .relaxed).oldValue
        if shard >= work.shards { break }
        work.job(work.arguments, shard, work.shards)
      }
      ck_restore_float_control(previous)
    }

    private func waitForGeneration(after seen: Int) -> Int {
      for _ in 0..<20_000 {
        let now = generation.load(ordering: .acquiring)
        if now != seen { return now }
        ck_spin_pause()
      }
      condition.lock()
      defer { condition.unlock() }
      sleeping.add(1, ordering: .sequentiallyConsistent)
      defer { sleeping.subtract(1, ordering: .sequentiallyConsistent) }
      while true {
        let now = generation.load(ordering: .sequentiallyConsistent)
        if now != seen { return now }
        condition.wait()
      }
    }
  }
}
