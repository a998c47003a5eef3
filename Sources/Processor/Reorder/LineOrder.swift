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
  package var places: Int { lines * kernelColumns }
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
  package func entry(_ place: Int) -> Int {
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
  package static let linesPerScan = 4
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
    let needs = LineNeeds(self, group, detects: detects)
    let rows = group.count
    var counts = RowCounts(rows: rows)
    // Entries that the window holds.
    var held = 0
    var ordered: [Int32] = []
    ordered.reserveCapacity(needs.lines.count)
    // The next lines in natural order, as indices.
    var candidates = Array(0..<min(LineOrder.lookahead, needs.lines.count))
    var next = candidates.count
    while !candidates.isEmpty {
      // The least of rows · (max - mean), less the mean of the counts so far, which all share; on a tie
      // the line of which more is emitted. What cannot win is not counted to the end.
      var best = (place: 0, key: Int.max / 2, emitted: 0)
      for (place, index) in candidates.enumerated() {
        let emitted = needs.emittedCounts[index]
        let bound = best.key + needs.sums[index] + (emitted > best.emitted ? 1 : 0)
        var most = counts.most
        while most * rows < bound, counts.exceed(most, with: needs.counts, line: index) {
          most += 1
        }
        if most * rows < bound { best = (place, most * rows - needs.sums[index], emitted) }
      }
      let index = candidates.remove(at: best.place)
      if next < needs.lines.count {
        candidates.append(next)
        next += 1
      }
      ordered.append(needs.lines[index])
      if held + needs.emittedCounts[index] <= window {
        held += needs.emittedCounts[index]
        counts.add(needs.counts, line: index)
        continue
      }
      for tap in 0..<kernelColumns where needs.emitted[index] >> UInt32(tap) & 1 != 0 {
        if held == window {
          held = 0
          counts = RowCounts(rows: rows)
        }
        held += 1
        counts.add(needs.rows(index, tap: tap), line: 0)
      }
    }
    return ordered
  }

  /// Up to 32 bits of a mask of entries.
  static func taps(_ words: ArraySlice<UInt64>, from first: Int, count: Int) -> UInt32 {
    let word = words.startIndex + first >> 6
    let shift = UInt64(first & 63)
    var bits = words[word] >> shift
    if first & 63 + count > 64 { bits |= words[word + 1] << (64 - shift) }
    return UInt32(truncatingIfNeeded: bits & (1 << UInt64(count) - 1))
  }
}

/// Counts of the rows of a group in the current window, a byte each: at most the 64 entries of a window
/// and the 32 taps of a line.
private struct RowCounts {
  private var words: [UInt64]
  /// The largest.
  private(set) var most = 0

  init(rows: Int) { words = [UInt64](repeating: 0, count: Self.words(rows: rows)) }

  /// Words that hold a byte for each row.
  static func words(rows: Int) -> Int { (rows + 7) / 8 }

  private static let ones: UInt64 = 0x0101_0101_0101_0101

  /// Whether any count exceeds a number, at least the largest so far, once a line has added so much.
  func exceed(_ number: Int, with more: [UInt64], line: Int) -> Bool {
    // The highest bit of a byte is set if its count exceeds the number.
    let room = UInt64(0x7F - number) * Self.ones
    for word in words.indices
    where (words[word] + more[line * words.count + word] + room) & (0x80 * Self.ones) != 0 {
      return true
    }
    return false
  }

  /// Adds a line.
  mutating func add(_ more: [UInt64], line: Int) {
    while exceed(most, with: more, line: line) { most += 1 }
    for word in words.indices { words[word] += more[line * words.count + word] }
  }
}

/// The lines that a group's controller emits, in natural order, and what the rows need of them.
private struct LineNeeds {
  /// Their numbers.
  private(set) var lines: [Int32] = []
  /// The taps of each line that are emitted, and their number.
  private(set) var emitted: [UInt32] = []
  private(set) var emittedCounts: [Int] = []
  /// The number of taps that each row needs, line by line, as in `RowCounts`.
  private(set) var counts: [UInt64]
  /// What all rows need of each line.
  private(set) var sums: [Int]
  /// The taps that each row needs, row by row.
  private var taps: [UInt32] = []
  private let rowCount: Int

  init(_ part: LoweredPart, _ group: [Int], detects: Bool) {
    let columns = part.kernelColumns
    rowCount = group.count
    var wanted = [UInt64](repeating: 0, count: part.wordsPerRow)
    for row in group {
      for (index, word) in part.mask(row).enumerated() { wanted[index] |= word }
    }
    let reached = group.map { part.reachedEntries($0) }
    let first = (reached.map(\.lowerBound).min() ?? 0) / columns
    let end = (reached.map(\.upperBound).max() ?? 0) / columns
    for line in first..<max(first, end) {
      var emits = LoweredPart.taps(wanted[...], from: line * columns, count: columns)
      if !detects, reached.contains(where: { $0.contains(line * columns) }) {
        emits = UInt32(truncatingIfNeeded: (1 as UInt64) << UInt64(columns) - 1)
      }
      if emits == 0 { continue }
      lines.append(Int32(line))
      emitted.append(emits)
      emittedCounts.append(emits.nonzeroBitCount)
    }
    let words = RowCounts.words(rows: group.count)
    counts = [UInt64](repeating: 0, count: lines.count * words)
    sums = [Int](repeating: 0, count: lines.count)
    taps.reserveCapacity(lines.count * group.count)
    for (place, row) in group.enumerated() {
      let mask = part.mask(row)
      for (index, line) in lines.enumerated() {
        let bits = LoweredPart.taps(mask, from: Int(line) * columns, count: columns)
        taps.append(bits)
        if bits == 0 { continue }
        let count = bits.nonzeroBitCount
        counts[index * words + place / 8] += UInt64(count) << UInt64(place % 8 * 8)
        sums[index] += count
      }
    }
  }

  /// The rows that need a tap of a line, as counts.
  func rows(_ index: Int, tap: Int) -> [UInt64] {
    var counts = [UInt64](repeating: 0, count: RowCounts.words(rows: rowCount))
    for place in 0..<rowCount {
      let bit = UInt64(taps[place * lines.count + index] >> UInt32(tap) & 1)
      counts[place / 8] += bit << UInt64(place % 8 * 8)
    }
    return counts
  }
}
