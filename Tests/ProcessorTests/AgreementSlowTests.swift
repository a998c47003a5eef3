// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor

/// Thousands of random cases, in a release build:
/// `SWPU_SLOW_TESTS=1 make swift-tests FILTER=AgreementSlowTests`.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SWPU_SLOW_TESTS"] == "1"))
struct AgreementSlowTests {
  @Test("both levels give the same cycles, uses and counts on 10,000 random cases")
  func agreement() {
    let cases = 10_000
    var agreed = 0
    for seed in 100_000..<100_000 + UInt64(cases) {
      // Small cases for ragged edges, some of larger maps and batches for jumps.
      var random = RandomCase(
        seed: seed, largestMap: seed % 4 == 0 ? 20 : 9, largestPlanes: seed % 3 == 0 ? 24 : 12)
      if seed % 5 == 0 { random.images *= 4 }
      if CycleSteppedTests.agrees(random) {
        agreed += 1
      } else {
        Issue.record("the levels differ on seed \(seed): \(random.geometry)")
      }
    }
    print("\(agreed) of \(cases) random cases agree, each in three passes")
    #expect(agreed == cases)
  }

  @Test("closed form and state machines give the same cycles on 10,000 random streams")
  func streams() {
    let cases = 10_000
    let agreed = (200_000..<200_000 + UInt64(cases)).count { seed in
      let (streams, rate) = OperationTimingTests.random(seed: seed)
      return streams.timing(rate) == SteppedOperation.run(streams, rate)
    }
    print("\(agreed) of \(cases) random streams agree")
    #expect(agreed == cases)
  }

  @Test("both levels give the same step on 500 random networks, streams included")
  func steps() throws {
    let cases = 500
    var agreed = 0
    for seed in 300_000..<300_000 + UInt64(cases) {
      let workload = RandomNetwork.workload(seed: seed)
      let fast = try Simulator(.swpu).step(workload)
      let stepped = try Simulator(.swpu, level: .cycle).step(workload)
      let isEqual =
        fast.operations.map(\.cycles) == stepped.operations.map(\.cycles)
        && fast.layers.map(\.timing) == stepped.layers.map(\.timing)
        && fast.totals.energyPicojoules == stepped.totals.energyPicojoules
      if isEqual { agreed += 1 } else { Issue.record("the levels differ on seed \(seed)") }
    }
    print("\(agreed) of \(cases) random networks agree")
    #expect(agreed == cases)
  }
}
