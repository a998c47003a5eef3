// SPDX-License-Identifier: Apache-2.0
import AllocationCounter
import Foundation
import Masks
import Oracles
import Synchronization
import Testing

@testable import Tensor
@testable import Training

/// Counts allocations of a test's thread and of its engine's workers only: other tests run in parallel,
/// and the loader's thread may allocate.
private struct WatchedThreads {
  private let engine: Engine

  /// Without optimisation, loops and closures over generic code of the standard library keep their
  /// state on the heap, tens to some hundreds of bytes. There only what could hold values of the
  /// training counts. With it, everything does on one thread; on several, the closure that hands a
  /// kernel to the pool takes some tens of bytes.
  private var leastBytes: Int64 {
    #if DEBUG
      1024
    #else
      engine.pool.threads == 1 ? 0 : 256
    #endif
  }

  init(_ engine: Engine) { self.engine = engine }

  /// Allocations of all watched threads so far.
  var total: Int { Int(allocation_counter_total()) }

  /// Each thread of the pool takes one shard: it waits until all have theirs.
  func watch(_ isWatched: Bool) {
    let arrived = Atomic<Int>(0)
    engine.run(0, shards: engine.pool.threads) { _, _, _ in
      arrived.add(1, ordering: .sequentiallyConsistent)
      while arrived.load(ordering: .sequentiallyConsistent) < engine.pool.threads { sched_yield() }
      allocation_counter_watch_thread(isWatched, leastBytes)
    }
  }
}

/// Linux with glibc only: elsewhere a program cannot replace malloc.
@Suite(
  "Allocations",
  .enabled(
    if: allocation_counter_works() || RequiredTools.contains("allocation-counter"),
    "the program's malloc cannot be replaced here"), .serialized)
struct AllocationTests {
  @Test("The counter sees arrays of the test's thread and tensors of the workers")
  func counts() {
    let engine = Engine(threads: 3)
    let counter = WatchedThreads(engine)
    counter.watch(true)
    let before = counter.total
    let lengths = (0..<5).map { [Int](repeating: $0, count: 1000).count }
    #expect(lengths.count == 5)
    let here = counter.total
    let arrived = Atomic<Int>(0)
    engine.run(0, shards: 3) { _, _, _ in
      arrived.add(1, ordering: .sequentiallyConsistent)
      while arrived.load(ordering: .sequentiallyConsistent) < 3 { sched_yield() }
      Tensor(count: 1000).fill(1)
    }
    let everywhere = counter.total
    counter.watch(false)
    #expect(here >= before + 5)
    #expect(everywhere >= here + 3)
    let after = counter.total
    #expect([Int](repeating: 1, count: 1000).count == 1000)
    #expect(counter.total == after)
  }

  @Test(
    "A step after the first allocates nothing, mask updates aside",
    arguments: [Granularity.dense, .subStructured], [1, 3])
  func steps(granularity: Granularity, threads: Int) throws {
    var configuration = TrainerTests.configuration(granularity)
    configuration.clip = 1
    configuration.labelSmoothing = 0.1
    configuration.optimizer = threads == 1 ? .sgd : .adamw
    let engine = Engine(threads: threads)
    let trainer = try Trainer(
      configuration, data: TrainerTests.data, engine: engine, folder: nil)
    #expect(trainer.totalSteps == 16)
    // Of 8 steps an epoch, counted from 0; masks move in the steps 2, 4 … 10.
    let counter = WatchedThreads(engine)
    var allocations: [Int] = []
    var before: Int?
    var isWatched = false
    _ = try trainer.run(report: { event in
      guard case .step(let report) = event else { return }
      if let before { allocations.append(counter.total - before) }
      let counts = [3..<4, 5..<6, 9..<10, 11..<15].contains { $0.contains(report.step) }
      if counts != isWatched { counter.watch(counts) }
      isWatched = counts
      before = counts ? counter.total : nil
    })
    #expect(allocations == [Int](repeating: 0, count: 7))
  }
}
