// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Tensor

@Suite("Thread pool")
struct ThreadPoolTests {
  @Test("Every shard of every call runs once, before the call returns", arguments: [1, 2, 3, 8])
  func shardsRunOnce(threads: Int) {
    let pool = ThreadPool(threads: threads)
    // More threads than processors, and calls of hardly any work: threads come late to most of them.
    for call in 0..<4_000 {
      let shards = 1 + call % 7
      var values = [Int](repeating: 0, count: 7)
      values.withUnsafeMutableBufferPointer { buffer in
        pool.run(shards: shards, arguments: UnsafeRawPointer(buffer.baseAddress!)) {
          raw, shard, shards in
          let values = UnsafeMutablePointer(mutating: raw.assumingMemoryBound(to: Int.self))
          values[Int(shard)] += 100 * call + Int(shards)
        }
      }
      let expected = (0..<7).map { $0 < shards ? 100 * call + shards : 0 }
      #expect(values == expected)
    }
  }

  @Test("Pools that slept between calls, and pools given up in the middle of it")
  func poolsSleepAndEnd() {
    for round in 0..<20 {
      let pool = ThreadPool(threads: 4)
      var sums = [0, 0, 0, 0]
      for _ in 0..<3 {
        sums.withUnsafeMutableBufferPointer { buffer in
          pool.run(shards: 4, arguments: UnsafeRawPointer(buffer.baseAddress!)) { raw, shard, _ in
            UnsafeMutablePointer(mutating: raw.assumingMemoryBound(to: Int.self))[Int(shard)] +=
              round
          }
        }
        // Longer than waiting threads spin.
        if round % 2 == 0 { usleep(2_000) }
      }
      #expect(sums == Array(repeating: 3 * round, count: 4))
    }
  }
}
