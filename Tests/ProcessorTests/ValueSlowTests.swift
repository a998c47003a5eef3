// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor

/// Values against the reference on many more and larger cases: `SWPU_SLOW_TESTS=1` runs them.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SWPU_SLOW_TESTS"] == "1"))
struct ValueSlowTests {
  @Test("2,400 cases equal the reference in every bit", arguments: 0..<8 as Range<UInt64>)
  func bits(block: UInt64) {
    var values = 0
    var products = 0
    for seed in 1000 + block * 100..<1000 + (block + 1) * 100 {
      let value = ValueCase(seed: seed, largestMap: 7, largestPlanes: 8)
      for pass in Pass.allCases {
        let run = value.run(pass)
        let difference = run.firstDifference(from: value.reference(pass))
        #expect(difference == nil, "\(pass) of seed \(seed)")
        values += run.values.count
        products += run.counts.products
      }
    }
    print("block \(block): 300 cases, \(values) values, \(products) products")
    #expect(products > 0)
  }

  @Test func everyMaskOfSixteenLanesIsPackedAndBroughtBack() {
    let network = CompressNetwork(lanes: 16)
    let checks = CompressNetworkTests()
    let wrong = (0..<UInt64(1) << 16).count { checks.violation(network, $0) != nil }
    #expect(wrong == 0)
  }
}
