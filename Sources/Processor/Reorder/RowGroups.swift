// SPDX-License-Identifier: Apache-2.0
extension LoweredPart {
  /// The rows in groups of at most G, in the order that a policy gives them.
  ///
  /// `hamming` is what the reorder unit does: start a group from the sparsest remaining row, then
  /// repeatedly add, of the next `rowLookahead` rows by need, the row whose Hamming distances to the
  /// group's rows sum to the least. Equal rows are taken by number. (A dense start would attract sparse
  /// rows and balance nothing.) `swapRefined` improves by exchanges.
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
    let byNeed = (0..<rows).sorted { (needed[$0], $0) < (needed[$1], $1) }
    // The rows within the unit's reach, each with its summed distance to the current group.
    var near = byNeed.prefix(Self.rowLookahead).map { (row: $0, distance: 0) }
    var next = near.count
    var ordered: [Int] = []
    ordered.reserveCapacity(rows)
    while !near.isEmpty {
      var group: [Int] = []
      var chosen = 0
      while true {
        let row = near.remove(at: chosen).row
        group.append(row)
        for index in near.indices { near[index].distance += hammingDistance(near[index].row, row) }
        if next < rows {
          let entering = byNeed[next]
          near.append((entering, group.reduce(0) { $0 + hammingDistance(entering, $1) }))
          next += 1
        }
        if near.isEmpty || group.count >= groupSize { break }
        chosen = 0
        for index in near.indices
        where (near[index].distance, near[index].row)
          < (near[chosen].distance, near[chosen].row)
        {
          chosen = index
        }
      }
      ordered += group
      for index in near.indices { near[index].distance = 0 }
    }
    return ordered
  }

  /// Rows that the unit compares with a group, by need: in networks of up to so many filters all.
  static let rowLookahead = 512

  /// Comparisons of rows that the unit makes at most.
  static func comparisons(rows: Int) -> Int {
    let far = max(0, rows - rowLookahead)
    let near = min(rows, rowLookahead)
    return far * rowLookahead + near * (near - 1) / 2
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
