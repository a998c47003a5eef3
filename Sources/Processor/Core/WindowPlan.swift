/// What a group of rows does in each window, for every class of tiles: the schedule that the timing
/// model runs.
///
/// The controller ORs the masks of the group's rows, and packs the entries that remain, in ascending
/// order, into windows of E (with detect-before-load off, all entries). Entries that read nothing but
/// padding are left out. In the forward and input-gradient pass that happens anew for each tile; in
/// the weight-gradient pass windows are fixed, and all tiles run through one before the next.
struct WindowPlan: Sendable {
  /// Rows of the group.
  let rowCount: Int
  /// The windows of each set of active taps.
  let sets: [WindowSet]
  /// The set of each tile class.
  let setOfClass: [Int]
  /// Cycles to load a window, by class and window.
  let loadCycles: [[Int]]
  /// Runs read from the activation memory for a window, by class and window.
  let sourceAccesses: [[Int]]
  /// Runs of output gradients read for a window, by class and window; weight-gradient pass only.
  let gradientAccesses: [[Int]]
  /// Entries that each row needs of each window in any tile (weight gradients that it makes).
  let ownEntries: [[Int]]

  /// The windows that remain when only some taps read inside the map.
  struct WindowSet: Sendable {
    /// Windows, some perhaps empty in the weight-gradient pass.
    var windows: Int
    /// Operand vectors of each window.
    var entries: [Int] = []
    /// Entries needed, window by window, row by row.
    var needed: [Int32] = []
    /// Cycles that a row takes for a window, window by window, row by row.
    var issues: [Int32] = []
    /// Switches that move an operand vector in a window, over all rows and stages.
    var moves: [Int] = []
    /// Lines read for a window, by kernel row.
    var lines: [[Int]] = []
    /// Lines that are not read because no row of the group needs them, in a whole tile.
    var skippedLines: Int = 0
  }

  init(
    _ part: LoweredPart, group: [Int], classes: [TileClass], array: HardwareDescription.Array,
    techniques: HardwareDescription.Techniques, memory: HardwareDescription.Memory
  ) {
    rowCount = group.count
    var scan = GroupScan(part, group: group, array: array, techniques: techniques)
    var setIndices: [[Bool]: Int] = [:]
    var actives: [[Bool]] = []
    setOfClass = classes.map { tileClass in
      let active = (0..<part.tapCount).map {
        tileClass.lanes(row: $0 / part.kernelColumns, column: $0 % part.kernelColumns) > 0
      }
      if let known = setIndices[active] { return known }
      setIndices[active] = actives.count
      actives.append(active)
      return actives.count - 1
    }
    let isWeightGradient = part.pass == .weightGradient
    if isWeightGradient {
      let anywhere = (0..<part.tapCount).map { tap in actives.contains { $0[tap] } }
      let windows = scan.windows(active: anywhere)
      sets = actives.map { scan.set(windows, active: $0, readsLinesAnew: true) }
      let own = scan.set(windows, active: anywhere, readsLinesAnew: true)
      let rows = group.count
      ownEntries = (0..<own.windows).map { window in
        own.needed[window * rows..<(window + 1) * rows].map { Int($0) }
      }
    } else {
      sets = actives.map {
        scan.set(scan.windows(active: $0), active: $0, readsLinesAnew: false)
      }
      ownEntries = []
    }

    var loads: [[Int]] = []
    var sources: [[Int]] = []
    var gradients: [[Int]] = []
    for (index, tileClass) in classes.enumerated() {
      let set = sets[setOfClass[index]]
      let perLine = (0..<part.kernelRows).map {
        tileClass.accesses(row: $0, portElements: memory.portElements)
      }
      let perGradient = ceilingDivision(tileClass.outputs, memory.portElements)
      let source = set.lines.map { zip($0, perLine).reduce(0) { $0 + $1.0 * $1.1 } }
      let gradient = (0..<set.windows).map { window in
        if !isWeightGradient || set.entries[window] == 0 { return 0 }
        let first = window * group.count
        let rows =
          techniques.detectBeforeLoad
          ? set.needed[first..<first + group.count].count { $0 > 0 } : group.count
        return rows * perGradient
      }
      sources.append(source)
      gradients.append(gradient)
      loads.append(
        zip(source, gradient).map {
          ceilingDivision(max($0.0, $0.1), memory.portsPerCore)
        })
    }
    loadCycles = loads
    sourceAccesses = sources
    gradientAccesses = gradients
  }

  /// Windows of the weight-gradient pass.
  var fixedWindows: Int { sets.first?.windows ?? 0 }
}

/// The masks of a group while its windows are planned.
private struct GroupScan {
  let part: LoweredPart
  let group: [Int]
  let slots: Int
  let window: Int
  let detects: Bool
  let compresses: Bool

  init(
    _ part: LoweredPart, group: [Int], array: HardwareDescription.Array,
    techniques: HardwareDescription.Techniques
  ) {
    self.part = part
    self.group = group
    slots = array.slots
    window = array.window
    detects = techniques.detectBeforeLoad
    compresses = techniques.compress
  }

  /// The entries of active taps, as words.
  func words(active: [Bool]) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: part.wordsPerRow)
    if active.allSatisfy({ $0 }) {
      for index in words.indices { words[index] = .max }
      if part.entries & 63 != 0 {
        words[words.count - 1] = 1 << UInt64(part.entries & 63) - 1
      }
      return words
    }
    for plane in 0..<part.planes {
      for tap in active.indices where active[tap] {
        let entry = plane * active.count + tap
        words[entry >> 6] |= 1 << UInt64(entry & 63)
      }
    }
    return words
  }

  /// What the controller emits, as words: what any row needs, or everything.
  func emitted(active: [UInt64]) -> [UInt64] {
    if !detects { return active }
    var union = [UInt64](repeating: 0, count: part.wordsPerRow)
    for row in group {
      let mask = part.mask(row)
      for (index, word) in mask.enumerated() { union[index] |= word }
    }
    for index in union.indices { union[index] &= active[index] }
    return union
  }

  /// Windows as runs of entry numbers that hold E emitted entries each.
  func windows(active: [Bool]) -> [Range<Int>] {
    let emitted = emitted(active: words(active: active))
    var windows: [Range<Int>] = []
    var start = 0
    var held = 0
    for (index, word) in emitted.enumerated() {
      var rest = word
      while rest != 0 {
        if held == window {
          let entry = index * 64 + rest.trailingZeroBitCount
          windows.append(start..<entry)
          start = entry
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
    if held > 0 { windows.append(start..<part.entries) }
    return windows
  }

  /// What the group does in given windows when only some taps read inside the map.
  func set(_ windows: [Range<Int>], active: [Bool], readsLinesAnew: Bool) -> WindowPlan.WindowSet {
    let activeWords = words(active: active)
    let emitted = emitted(active: activeWords)
    var set = WindowPlan.WindowSet(windows: windows.count)
    set.needed.reserveCapacity(windows.count * group.count)
    set.issues.reserveCapacity(windows.count * group.count)
    var lastLine = -1
    var linesRead = 0
    for range in windows {
      let vectors = popcount(emitted[...], range)
      set.entries.append(vectors)
      var moves = 0
      for row in group {
        let mask = part.mask(row)
        let needed = popcount(mask, range, and: activeWords)
        set.needed.append(Int32(needed))
        let taken = compresses ? needed : vectors
        set.issues.append(Int32((taken + slots - 1) / slots))
        if compresses && needed > 0 && needed < vectors {
          moves += self.moves(mask, emitted: emitted, active: activeWords, range)
        }
      }
      set.moves.append(moves)
      var lines = [Int](repeating: 0, count: part.kernelRows)
      forEachBit(emitted, range) { entry in
        let line = entry / part.kernelColumns
        if line != lastLine {
          lines[line % part.kernelRows] += 1
          linesRead += 1
          lastLine = line
        }
      }
      if readsLinesAnew { lastLine = -1 }
      set.lines.append(lines)
    }
    let activeRows = (0..<part.kernelRows).count { row in
      (0..<part.kernelColumns).contains { active[row * part.kernelColumns + $0] }
    }
    set.skippedLines = max(0, part.planes * activeRows - linesRead)
    return set
  }

  /// Switches that move a vector when a row packs its entries of a window to the front: one for each
  /// bit of the number of unneeded vectors below.
  private func moves(
    _ mask: ArraySlice<UInt64>, emitted: [UInt64], active: [UInt64], _ range: Range<Int>
  ) -> Int {
    var moves = 0
    var unneeded = 0
    forEachBit(emitted, range) { entry in
      let word = mask[mask.startIndex + entry >> 6] & active[entry >> 6]
      if word >> UInt64(entry & 63) & 1 != 0 {
        moves += unneeded.nonzeroBitCount
      } else {
        unneeded += 1
      }
    }
    return moves
  }

  private func popcount(
    _ words: ArraySlice<UInt64>, _ range: Range<Int>, and other: [UInt64]? = nil
  ) -> Int {
    var total = 0
    for index in range.lowerBound >> 6..<(range.upperBound + 63) >> 6 {
      var word = words[words.startIndex + index]
      if let other { word &= other[index] }
      total += (word & Self.inside(range, word: index)).nonzeroBitCount
    }
    return total
  }

  private func forEachBit(_ words: [UInt64], _ range: Range<Int>, _ body: (Int) -> Void) {
    for index in range.lowerBound >> 6..<(range.upperBound + 63) >> 6 {
      var rest = words[index] & Self.inside(range, word: index)
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
