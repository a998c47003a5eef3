// SPDX-License-Identifier: Apache-2.0
extension LoweredPart {
  /// The rows in groups of at most G, in the order that a policy gives them.
  ///
  /// `hamming` is what the reorder unit does: seed a group with the row that needs least among those
  /// left, then take again and again the row whose Hamming distances to the group's rows sum to the
  /// least. Equal rows are taken by number. (A dense seed would attract sparse rows and balance
  /// nothing.) `swapRefined` improves by exchanges.
  public func groups(of size: Int, order: HardwareDescription.Reorder) -> [[Int]] {
    let ordered: [Int]
    switch order {
    case .natural:
      ordered = Array(0..<rows)
    case .popcount:
      let needed = (0..<rows).map { self.needed(row: $0) }
      ordered = (0..<rows).sorted { (needed[$0], $0) < (needed[$1], $1) }
    case .hamming, .swapRefined:
      ordered = hammingOrder(groupSize: size)
    }
    let groups = stride(from: 0, to: rows, by: size).map {
      Array(ordered[$0..<min($0 + size, rows)])
    }
    return order == .swapRefined ? swapRefined(from: groups) : groups
  }

  private func hammingOrder(groupSize: Int) -> [Int] {
    let needed = (0..<rows).map { self.needed(row: $0) }
    var left = (0..<rows).sorted { (needed[$0], $0) < (needed[$1], $1) }
    var ordered: [Int] = []
    // Summed distance of every row to the group under way.
    var distance = [Int](repeating: 0, count: rows)
    while !left.isEmpty {
      let seed = left.removeFirst()
      ordered.append(seed)
      for row in left { distance[row] = hammingDistance(row, seed) }
      for _ in 1..<max(1, groupSize) where !left.isEmpty {
        var best = 0
        for index in left.indices
        where (distance[left[index]], left[index]) < (distance[left[best]], left[best]) {
          best = index
        }
        let chosen = left.remove(at: best)
        ordered.append(chosen)
        for row in left { distance[row] += hammingDistance(row, chosen) }
      }
    }
    return ordered
  }

  /// Entries that exactly one of two rows needs.
  func hammingDistance(_ first: Int, _ second: Int) -> Int {
    var total = 0
    let (a, b) = (first * wordsPerRow, second * wordsPerRow)
    for index in 0..<wordsPerRow {
      total += (words[a + index] ^ words[b + index]).nonzeroBitCount
    }
    return total
  }
}
