// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Processor

@Suite struct SumsTests {
  /// Values whose sums show their order: 2^24 absorbs a single one added later, but not two added together.
  @Test func partialSumsAreAddedFromTheFirst() {
    var sums = PartialSums(results: 2, count: 3)
    sums.add(0x1p24, to: 1, partial: 0)
    sums.add(1, to: 1, partial: 1)
    sums.add(1, to: 1, partial: 2)
    #expect(sums.take(1) == 0x1p24)
    #expect(sums.take(1) == 0)
    sums.add(1, to: 1, partial: 0)
    sums.add(1, to: 1, partial: 1)
    sums.add(0x1p24, to: 1, partial: 2)
    #expect(sums.take(1) == 0x1p24 + 2)
    #expect(sums.take(0).sign == .plus)
  }

  @Test func treeAddsNeighboursFirst() {
    #expect(treeSum([0x1p24, 1, 1, 1, 1]) == 0x1p24 + 4)
    #expect(treeSum([1, 0x1p24, nil, 1]) == 0x1p24)
    #expect(treeSum([1, nil, nil, 1, 0x1p24]) == 0x1p24 + 2)
    #expect(treeSum([1, 1, 1, 0x1p24]) == 0x1p24 + 2)
  }

  @Test func absentLanesArePassedOver() {
    #expect(treeSum([nil, nil, nil]) == nil)
    #expect(treeSum([]) == nil)
    #expect(treeSum([nil, -0.0])?.sign == .minus)
    #expect(treeSum([nil, nil, 3]) == 3)
  }

  @Test func nanIsCanonical() {
    var sums = PartialSums(results: 1, count: 1)
    sums.add(Float(bitPattern: 0xFFC1_2345), to: 0, partial: 0)
    #expect(sums.take(0).bitPattern == 0x7FC0_0000)
  }
}
