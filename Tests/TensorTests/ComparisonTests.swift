// SPDX-License-Identifier: Apache-2.0
import Oracles
import Testing

/// What every other test relies on.
@Suite("Comparison of arrays")
struct ComparisonTests {
  @Test("The largest difference, wherever it is")
  func differences() {
    #expect(largestDifference([1, 2, 3] as [Float], [1, 2, 3] as [Float]) == 0)
    #expect(largestDifference([1, 2, 7] as [Float], [1, 4, 3] as [Float]) == 4)
    #expect(largestDifference([5, 2, 3] as [Float], [1, 4, 3] as [Double]) == 4)
    #expect(largestDifference([] as [Float], [] as [Float]) == 0)
    #expect(relativeDifference([100, -6] as [Float], [100, 4] as [Float]) == 0.1)
    #expect(relativeDifference([0.5, 0] as [Float], [0, 0] as [Double]) == 0.5)
    #expect(relativeDifference([0.5, 0] as [Float], [0, 0] as [Double], least: 0.25) == 2)
  }

  @Test(
    "NaN is never near anything",
    arguments: [
      [Float.nan, 0, 0], [0, .nan, 0], [0, 0, .nan], [.nan, .nan, .nan], [.infinity, 0, 0],
    ])
  func notANumber(values: [Float]) {
    let zeros: [Float] = [0, 0, 0]
    #expect(largestDifference(values, zeros) == .infinity)
    #expect(largestDifference(zeros, values) == .infinity)
    #expect(largestDifference(values, zeros.map(Double.init)) == .infinity)
    #expect(!(relativeDifference(values, zeros) < 1e30))
    #expect(!(relativeDifference(zeros, values) < 1e30))
    #expect(largestMagnitude(values + [3]) == 3)
  }

  @Test("Equal infinities are equal, NaN is not, and lengths count")
  func edges() {
    #expect(largestDifference([.infinity] as [Float], [.infinity] as [Float]) == 0)
    #expect(largestDifference([.infinity] as [Float], [-.infinity] as [Float]) == .infinity)
    #expect(largestDifference([.nan] as [Float], [.nan] as [Float]) == .infinity)
    #expect(largestDifference([1] as [Float], [] as [Float]) == .infinity)
  }
}
