// SPDX-License-Identifier: Apache-2.0
import Masks

/// The order in which a group's controller goes through the source lines of a part.
///
/// Places are counted along that order: place p is tap p mod S of the line at p / S. In natural order a
/// place is the entry's number; a list holds only lines that the group reads.
public struct LineOrder: Hashable, Sendable {
  /// The lines of a list; nil for the natural order.
  public let list: [Int32]?
  /// Kernel rows and columns of the part.
  let kernelRows, kernelColumns: Int
  /// Lines of the order.
  public let lines: Int

  /// All lines of a part in natural order.
  init(natural part: LoweredPart) {
    list = nil
    (kernelRows, kernelColumns) = (part.kernelRows, part.kernelColumns)
    lines = part.planes * part.kernelRows
  }

  init(list: [Int32], of part: LoweredPart) {
    self.list = list
    (kernelRows, kernelColumns) = (part.kernelRows, part.kernelColumns)
    lines = list.count
  }

  /// Places of all lines.
  var places: Int { lines * kernelColumns }
  /// Words of the places of a row's mask.
  var words: Int { (places + 63) / 64 }
  /// Places that the controller scans in a cycle: a word of the mask, or of a list as many lines as
  /// are read with a word.
  var placesPerScan: Int {
    list == nil ? CorePipeline.maskWord : Self.linesPerScan * kernelColumns
  }
  /// Cycles of a scan that finds nothing.
  var scanCycles: Int { ceilingDivision(places, placesPerScan) }

  /// The entry at a place.
  func entry(_ place: Int) -> Int {
    guard let list else { return place }
    return Int(list[place / kernelColumns]) * kernelColumns + place % kernelColumns
  }

  /// The kernel row of a line of the order.
  func kernelRow(line: Int) -> Int {
    (list.map { Int($0[line]) } ?? line) % kernelRows
  }

  /// The tap of a place.
  func tap(_ place: Int) -> Int {
    kernelRow(line: place / kernelColumns) * kernelColumns + place % kernelColumns
  }

  /// Bits of the list itself, of the lines that begin in a run of places.
  func listBits(_ places: Range<Int>) -> Int {
    if list == nil { return 0 }
    return Self.itemBits
      * (ceilingDivision(places.upperBound, kernelColumns)
        - ceilingDivision(places.lowerBound, kernelColumns))
  }

  /// A line's number and the taps that any row needs, as the unit writes them.
  static let itemBits = 16
  /// Items of a word of 64 bits.
  static let linesPerScan = 4
  /// Lines that the unit chooses among.
  static let lookahead = 32
}

extension LoweredPart {
  /// The order of a group's lines that the reorder unit makes.
  func lineOrder(_ group: [Int], _ hardware: HardwareDescription) -> LineOrder {
    switch hardware.techniques.reorderLines {
    case .none: LineOrder(natural: self)
    case .balanced:
      LineOrder(
        list: balancedLines(
          group, window: hardware.array.window, detects: hardware.techniques.detectBeforeLoad),
        of: self)
    }
  }

  /// Lines in an order in which each row needs about equally many entries of every window, so that rows
  /// seldom stall on the slowest. Greedy: of the next 32 lines that are left in natural order, take the
  /// one that leaves the rows' counts in the current window most level. The counts restart with each
  /// window.
  private func balancedLines(_ group: [Int], window: Int, detects: Bool) -> [Int32] {
    let columns = kernelColumns
    let rows = group.count
    // Lines that are emitted, with what each row and any row needs of them.
    var left: [Int32] = []
    var needs: [UInt32] = []
    var emitted: [UInt32] = []
    let reached = group.reduce(into: (first: Int.max, end: 0)) {
      let entries = reachedEntries($1)
      $0 = (min($0.first, entries.lowerBound), max($0.end, entries.upperBound))
    }
    for line in reached.first / columns..<max(reached.first / columns, reached.end / columns) {
      let first = line * columns
      let taps = group.map { bits(row: $0, from: first, count: columns) }
      var wanted = taps.reduce(0, |)
      if !detects,
        group.contains(where: { reachedEntries($0).contains(first) })
      {
        wanted = 1 << UInt32(columns) - 1
      }
      if wanted == 0 { continue }
      left.append(Int32(line))
      needs += taps
      emitted.append(wanted)
    }
    // The window's counts so far, and the entries that it holds.
    var counts = [Int32](repeating: 0, count: rows)
    var held = 0
    var ordered: [Int32] = []
    ordered.reserveCapacity(left.count)
    // The next lines in natural order, as indices.
    var candidates = Array(0..<min(LineOrder.lookahead, left.count))
    var next = candidates.count
    while !candidates.isEmpty {
      var best = 0
      var bestKey = (Int32.max, Int32.max)
      for (place, index) in candidates.enumerated() {
        var most: Int32 = 0
        var sum: Int32 = 0
        for row in 0..<rows {
          let count = counts[row] + Int32(needs[index * rows + row].nonzeroBitCount)
          most = max(most, count)
          sum += count
        }
        // rows · (max - mean), then the line of which more is emitted.
        let key = (most * Int32(rows) - sum, -Int32(emitted[index].nonzeroBitCount))
        if key < bestKey { (best, bestKey) = (place, key) }
      }
      let index = candidates.remove(at: best)
      if next < left.count {
        candidates.append(next)
        next += 1
      }
      ordered.append(left[index])
      for tap in 0..<columns where emitted[index] >> UInt32(tap) & 1 != 0 {
        if held == window {
          held = 0
          for row in 0..<rows { counts[row] = 0 }
        }
        held += 1
        for row in 0..<rows { counts[row] += Int32(needs[index * rows + row] >> UInt32(tap) & 1) }
      }
    }
    return ordered
  }

  /// Up to 32 bits of a row's mask.
  private func bits(row: Int, from first: Int, count: Int) -> UInt32 {
    let word = row * wordsPerRow + first >> 6
    let shift = UInt64(first & 63)
    var bits = words[word] >> shift
    if first & 63 + count > 64 { bits |= words[word + 1] << (64 - shift) }
    return UInt32(truncatingIfNeeded: bits & (1 << UInt64(count) - 1))
  }
}
