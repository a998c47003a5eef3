// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Processor

@Suite struct RowGroupsTests {
  /// The rule of the reorder unit, written out over entries.
  private func hamming(_ part: LoweredPart, _ size: Int) -> [[Int]] {
    func distance(_ a: Int, _ b: Int) -> Int {
      (0..<part.entries).count { part.needs(row: a, entry: $0) != part.needs(row: b, entry: $0) }
    }
    var left = Array(0..<part.rows)
    var groups: [[Int]] = []
    while !left.isEmpty {
      var group: [Int] = []
      while group.count < size && !left.isEmpty {
        func rank(_ row: Int) -> (Int, Int) {
          group.isEmpty
            ? (part.needed(row: row), row) : (group.reduce(0) { $0 + distance($1, row) }, row)
        }
        let next = left.min { rank($0) < rank($1) } ?? left[0]
        group.append(next)
        left.removeAll { $0 == next }
      }
      groups.append(group)
    }
    return groups
  }

  @Test("hamming seeds with the sparsest row and takes the nearest ones")
  func hammingOrder() {
    for seed in 0..<60 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let size = random.hardware.array.rows
      for pass in Pass.allCases {
        for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: pass) {
          #expect(part.groups(of: size, order: .hamming) == hamming(part, size), "seed \(seed)")
        }
      }
    }
  }

  @Test("the refined order is that of exchanges from the greedy one, and not always the same")
  func refined() {
    var different = 0
    for seed in 0..<60 as Range<UInt64> {
      let random = RandomCase(seed: seed, largestPlanes: 40)
      let size = random.hardware.array.rows
      for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: .forward) {
        let greedy = part.groups(of: size, order: .hamming)
        let refined = part.groups(of: size, order: .swapRefined)
        #expect(refined == part.swapRefined(from: greedy), "seed \(seed)")
        if refined != greedy { different += 1 }
      }
    }
    #expect(different > 0)
  }

  @Test("every order holds every row once, in groups of the size")
  func permutations() {
    for seed in 0..<60 as Range<UInt64> {
      let random = RandomCase(seed: seed)
      let size = random.hardware.array.rows
      for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: .forward) {
        for order in HardwareDescription.Reorder.allCases {
          let groups = part.groups(of: size, order: order)
          #expect(groups.joined().sorted() == Array(0..<part.rows), "seed \(seed), \(order)")
          #expect(groups.dropLast().allSatisfy { $0.count == size })
        }
        let sorted = part.groups(of: size, order: .popcount).joined().map { part.needed(row: $0) }
        #expect(sorted == sorted.sorted())
      }
    }
  }
}
