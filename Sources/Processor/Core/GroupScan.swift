// SPDX-License-Identifier: Apache-2.0
/// The masks of a group while its windows are planned.
struct GroupScan {
  let part: LoweredPart
  let group: [Int]
  let detects: Bool
  /// The order in which the controller goes through the lines; all places below are along it.
  let order: LineOrder
  private let slots: Int
  private let window: Int
  private let compresses: Bool
  /// What the controller emits where every tap reads inside the map: what any row needs, or
  /// all that any can read (no machine would load channels of other groups of a grouped convolution).
  private let wanted: [UInt64]
  /// What each row of the group needs, row by row.
  private let needed: [UInt64]
  /// Lane of each place in its window, for the current set.
  private var lane: [Int]
  /// Windows that are packed for each tile, by active taps: tile orders share them.
  private var tileSets: [[Bool]: WindowPlan.WindowSet] = [:]

  init(
    _ part: LoweredPart, group: [Int], order: LineOrder, array: HardwareDescription.Array,
    techniques: HardwareDescription.Techniques
  ) {
    self.part = part
    self.group = group
    slots = array.slots
    window = array.window
    detects = techniques.detectBeforeLoad
    compresses = techniques.compress
    self.order = order
    lane = [Int](repeating: 0, count: order.places)
    var wanted = [UInt64](repeating: 0, count: part.wordsPerRow)
    for row in group {
      if detects {
        for (index, word) in part.mask(row).enumerated() { wanted[index] |= word }
      } else {
        let entries = part.reachedEntries(row)
        for index in entries.lowerBound >> 6..<(entries.upperBound + 63) >> 6 {
          wanted[index] |= Self.inside(entries, word: index)
        }
      }
    }
    self.wanted = Self.ordered(wanted[...], order)
    needed = group.flatMap { Self.ordered(part.mask($0), order) }
  }

  /// Words of entries as words of places.
  private static func ordered(_ words: ArraySlice<UInt64>, _ order: LineOrder) -> [UInt64] {
    guard let list = order.list else { return Array(words) }
    let columns = order.kernelColumns
    var ordered = [UInt64](repeating: 0, count: order.words)
    for (index, line) in list.enumerated() {
      let taps = UInt64(LoweredPart.taps(words, from: Int(line) * columns, count: columns))
      if taps == 0 { continue }
      let place = index * columns
      ordered[place >> 6] |= taps << UInt64(place & 63)
      if place & 63 + columns > 64 {
        ordered[place >> 6 + 1] |= taps >> UInt64(64 - place & 63)
      }
    }
    return ordered
  }

  /// Entries of each tap that the controller emits where the tap reads inside the map.
  var emittedPerTap: [Int] {
    var counts = [Int](repeating: 0, count: part.tapCount)
    Self.forEachBit(wanted, 0..<order.places) { counts[order.tap($0)] += 1 }
    return counts
  }

  /// The entries of active taps that the controller emits, as words.
  private func emitted(active: [Bool]) -> [UInt64] {
    if active.allSatisfy({ $0 }) {
      var words = wanted
      if order.places & 63 != 0 { words[words.count - 1] &= 1 << UInt64(order.places & 63) - 1 }
      return words
    }
    var words = [UInt64](repeating: 0, count: order.words)
    for line in 0..<order.lines {
      let first = order.kernelRow(line: line) * order.kernelColumns
      for column in 0..<order.kernelColumns where active[first + column] {
        let place = line * order.kernelColumns + column
        words[place >> 6] |= 1 << UInt64(place & 63)
      }
    }
    for index in words.indices { words[index] &= wanted[index] }
    return words
  }

  /// Windows as runs of places that hold E emitted entries each.
  func windows(active: [Bool]) -> [Range<Int>] {
    var windows: [Range<Int>] = []
    var start = 0
    var held = 0
    for (index, word) in emitted(active: active).enumerated() {
      var rest = word
      while rest != 0 {
        if held == window {
          let place = index * 64 + rest.trailingZeroBitCount
          windows.append(start..<place)
          start = place
          held = 0
        }
        let room = window - held
        if rest.nonzeroBitCount <= room {
          held += rest.nonzeroBitCount
          break
        }
        for _ in 0..<room { rest &= rest - 1 }
        held = window
      }
    }
    if held > 0 { windows.append(start..<order.places) }
    return windows
  }

  /// Cycles of the scan for each window: a word a cycle, from that of its first entry to that of the
  /// next window's, by which a full window knows that it is not the last; or to the last word.
  func scanCycles(_ windows: [Range<Int>]) -> [Int] {
    windows.indices.map { index in
      let last = index + 1 < windows.count ? windows[index + 1].lowerBound : order.places - 1
      let scan = order.placesPerScan
      return last / scan - windows[index].lowerBound / scan + 1
    }
  }

  /// The windows, packed again, of a tile in which only some taps read inside the map.
  mutating func tileSet(active: [Bool]) -> WindowPlan.WindowSet {
    if let known = tileSets[active] { return known }
    let windows = windows(active: active)
    var set = set(windows, active: active, readsLinesAnew: false)
    set.scanCycles = scanCycles(windows)
    tileSets[active] = set
    return set
  }

  /// What the group does in given windows when only some taps read inside the map.
  mutating func set(_ windows: [Range<Int>], active: [Bool], readsLinesAnew: Bool)
    -> WindowPlan.WindowSet
  {
    let emitted = emitted(active: active)
    var set = WindowPlan.WindowSet(windows: windows.count)
    set.needed.reserveCapacity(windows.count * group.count)
    set.issues.reserveCapacity(windows.count * group.count)
    var lastLine = -1
    var distinctLines = 0
    var highestLine = -1
    for range in windows {
      var vectors = 0
      var lines = [Int](repeating: 0, count: part.kernelRows)
      if readsLinesAnew { lastLine = -1 }
      Self.forEachBit(emitted, range) { place in
        lane[place] = vectors
        vectors += 1
        let line = place / order.kernelColumns
        if line == lastLine { return }
        lines[order.kernelRow(line: line)] += 1
        lastLine = line
        if line > highestLine {
          distinctLines += 1
          highestLine = line
        }
      }
      set.entries.append(vectors)
      set.lines.append(lines)
      var moves = 0
      for row in group.indices {
        let (needed, moved) = pack(row, emitted, range)
        moves += moved
        set.needed.append(Int32(needed))
        set.issues.append(Int32(((compresses ? needed : vectors) + slots - 1) / slots))
      }
      set.moves.append(compresses ? moves : 0)
    }
    let activeRows = (0..<part.kernelRows).count { row in
      (0..<part.kernelColumns).contains { active[row * part.kernelColumns + $0] }
    }
    set.skippedLines = part.planes * activeRows - distinctLines
    return set
  }

  /// Entries of a window that a row needs, and the switches that move them when the row packs them to
  /// the front: one for each bit of the number of unneeded vectors below.
  private func pack(_ row: Int, _ emitted: [UInt64], _ range: Range<Int>) -> (Int, Int) {
    var count = 0
    var moves = 0
    let first = row * order.words
    for index in range.lowerBound >> 6..<(range.upperBound + 63) >> 6 {
      var rest = needed[first + index] & emitted[index] & Self.inside(range, word: index)
      while rest != 0 {
        moves += (lane[index * 64 + rest.trailingZeroBitCount] - count).nonzeroBitCount
        count += 1
        rest &= rest - 1
      }
    }
    return (count, moves)
  }

  private static func forEachBit(_ words: [UInt64], _ range: Range<Int>, _ body: (Int) -> Void) {
    for index in range.lowerBound >> 6..<(range.upperBound + 63) >> 6 {
      var rest = words[index] & inside(range, word: index)
      while rest != 0 {
        body(index * 64 + rest.trailingZeroBitCount)
        rest &= rest - 1
      }
    }
  }

  /// The bits of a word that lie in a range of bits.
  private static func inside(_ range: Range<Int>, word: Int) -> UInt64 {
    let first = max(0, range.lowerBound - word * 64)
    let end = min(64, range.upperBound - word * 64)
    if end <= first { return 0 }
    let low = UInt64.max << UInt64(first)
    return end == 64 ? low : low & (1 << UInt64(end) - 1)
  }
}
