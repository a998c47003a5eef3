// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct SwapRefinementTests {
  /// The estimate from its definition.
  private func estimate(_ part: LoweredPart, _ groups: [[Int]]) -> Int {
    func longest(_ rows: [Int], _ entries: Range<Int>) -> Int {
      rows.map { row in entries.count { part.needs(row: row, entry: $0) } }.max() ?? 0
    }
    return groups.reduce(0) { sum, rows in
      stride(from: 0, to: part.entries, by: 256).reduce(sum + longest(rows, 0..<part.entries)) {
        $0 + longest(rows, $1..<min(part.entries, $1 + 256))
      }
    }
  }

  @Test("never worse than Hamming by its estimate, and a permutation of the rows")
  func neverWorse() {
    var better = 0
    for seed in 0..<60 as Range<UInt64> {
      let random = RandomCase(seed: seed, largestPlanes: 40)
      let size = random.hardware.array.rows
      for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: .forward) {
        let hamming = part.groups(of: size, order: .hamming)
        let refined = part.groups(of: size, order: .swapRefined)
        #expect(refined.map(\.count) == hamming.map(\.count), "\(seed)")
        #expect(refined.flatMap { $0 }.sorted() == Array(0..<part.rows), "\(seed)")
        let (before, after) = (estimate(part, hamming), estimate(part, refined))
        #expect(after <= before, "\(seed)")
        #expect(SwapRefinement(part, groups: refined).estimate == after, "\(seed)")
        #expect(part.groups(of: size, order: .swapRefined) == refined, "\(seed)")
        if after < before { better += 1 }
      }
    }
    #expect(better > 0)
  }

  @Test("the better of both starts is taken, which is sometimes the order by popcount")
  func bothStarts() {
    var popcounts = 0
    for seed in 0..<150 as Range<UInt64> {
      let random = RandomCase(seed: seed, largestPlanes: 40)
      for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: .forward) {
        let estimates = [HardwareDescription.Reorder.hamming, .popcount].map {
          estimate(part, SwapRefinement(part, groups: part.groups(of: 3, order: $0)).groups)
        }
        let reached = estimate(part, part.groups(of: 3, order: .swapRefined))
        #expect(reached == min(estimates[0], estimates[1]), "\(seed)")
        if estimates[1] < estimates[0] { popcounts += 1 }
      }
    }
    #expect(popcounts > 0)
  }

  @Test("an exchange that saves by the row that leaves is found")
  func leaving() {
    // Only the exchange of 18 with 2 saves anything: 4 and 20 remain as the longest rows.
    let needs = [18, 4, 4, 20, 19, 2]
    let axis = Axis(outputs: 1, source: 1, step: 1, offsets: [0])
    let part = LoweredPart(
      pass: .forward, rows: 6, planes: 24, rowAxis: axis, columnAxis: axis, taps: [(0, 0)],
      words: needs.map { (1 << UInt64($0)) - 1 })
    let refined = SwapRefinement(part, groups: [[0, 1, 2], [3, 4, 5]])
    #expect(refined.groups == [[5, 1, 2], [3, 4, 0]])
    // Each row's need counts for its stretch and for the whole.
    #expect(refined.estimate == 2 * (4 + 20))
  }

  @Test("no single exchange is left that would save anything, where the rounds sufficed")
  func localOptimum() {
    for seed in 0..<20 as Range<UInt64> {
      let random = RandomCase(seed: seed, largestPlanes: 12)
      for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: .forward) {
        var groups = part.groups(of: 3, order: .swapRefined)
        let reached = estimate(part, groups)
        for a in groups.indices {
          for b in groups.indices where b > a {
            for i in groups[a].indices {
              for j in groups[b].indices {
                let (x, y) = (groups[a][i], groups[b][j])
                (groups[a][i], groups[b][j]) = (y, x)
                #expect(estimate(part, groups) >= reached, "\(seed)")
                (groups[a][i], groups[b][j]) = (x, y)
              }
            }
          }
        }
      }
    }
  }
}
