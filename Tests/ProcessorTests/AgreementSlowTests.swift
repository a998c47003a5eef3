// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor

/// Thousands of random cases, in a release build:
/// `SWPU_SLOW_TESTS=1 swift test -c release -Xswiftc -enable-testing --filter AgreementSlowTests`.
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
}
