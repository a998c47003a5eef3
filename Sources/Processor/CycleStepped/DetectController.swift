// SPDX-License-Identifier: Apache-2.0
/// The detect-before-load controller of a group: finds the entries that any row needs, one after
/// another, and packs them into windows; counts what has to be read for a window, and what each row
/// does in it.
///
/// It scans a word of the masks a cycle, for the next window while the port loads the one before. A
/// window is complete when it is full and another entry is found, or the last word is through.
struct DetectController: Sendable {
  let part: LoweredPart
  let rowCount: Int
  /// Entries are numbered along this order.
  let order: LineOrder
  private let array: HardwareDescription.Array
  private let techniques: HardwareDescription.Techniques
  private let memory: HardwareDescription.Memory
  /// The masks of the rows, one after another.
  private let masks: [UInt64]
  /// Entries that any row needs; without detection all.
  private let wanted: [UInt64]
  private var tile: SteppedTile?
  /// Where the scan of the tile continues, and where it ends.
  private var position = 0
  private var end = 0
  private var lastLine = -1
  /// What happened so far.
  private(set) var counts = PassActivity()
  /// Cycles of the scan since the last window.
  private var scanCycles = 0

  init(
    _ part: LoweredPart, group: [Int], order: LineOrder, hardware: HardwareDescription
  ) {
    self.part = part
    rowCount = group.count
    array = hardware.array
    techniques = hardware.techniques
    memory = hardware.memory
    self.order = order
    var masks = [UInt64](repeating: 0, count: group.count * order.words)
    var wanted = [UInt64](repeating: 0, count: order.words)
    for place in 0..<order.places {
      let entry = order.entry(place)
      let bit: UInt64 = 1 << UInt64(place & 63)
      for (index, row) in group.enumerated() {
        let isNeeded = part.needs(row: row, entry: entry)
        if isNeeded { masks[index * order.words + place >> 6] |= bit }
        // Planes of other groups of a grouped convolution are not loaded even without detection.
        if techniques.detectBeforeLoad ? isNeeded : part.reachedEntries(row).contains(entry) {
          wanted[place >> 6] |= bit
        }
      }
    }
    self.masks = masks
    self.wanted = wanted
  }

  /// Whether masks are read at all.
  private var readsMasks: Bool { techniques.detectBeforeLoad || techniques.compress }

  /// Opens a tile; the scan goes over a run of entries.
  mutating func open(_ tile: SteppedTile, run: Range<Int>) {
    self.tile = tile
    position = run.lowerBound
    end = run.upperBound
    lastLine = -1
    // A fixed window is in a register; one look at the tile's taps suffices.
    if part.pass == .weightGradient { scanCycles += 1 }
    if part.pass != .weightGradient, readsMasks {
      counts.maskBits += rowCount * order.places + order.listBits(0..<order.places)
    }
    let columns = part.kernelColumns
    if order.list != nil {
      // Lines that are not in the list are those that no row needs.
      if part.pass != .weightGradient || run.lowerBound == 0 { skipUnlisted(tile) }
    }
    for line in ceilingDivision(run.lowerBound, columns)..<ceilingDivision(run.upperBound, columns)
    {
      let taps = order.kernelRow(line: line) * columns
      let entry = line * columns
      let isInside = (taps..<taps + columns).contains { tile.lanes[$0] > 0 }
      if isInside, next(from: entry, end: entry + columns, lanes: tile.lanes) == nil {
        counts.linesSkipped += 1
      }
    }
  }

  /// Counts the lines inside the map of a tile that the list leaves out.
  private mutating func skipUnlisted(_ tile: SteppedTile) {
    var listed = [Int](repeating: 0, count: part.kernelRows)
    for line in 0..<order.lines { listed[order.kernelRow(line: line)] += 1 }
    for row in 0..<part.kernelRows {
      let taps = row * part.kernelColumns
      if (taps..<taps + part.kernelColumns).contains(where: { tile.lanes[$0] > 0 }) {
        counts.linesSkipped += part.planes - listed[row]
      }
    }
  }

  /// Packs the next window of the tile; nil when no entry is left.
  mutating func nextWindow() -> (window: SteppedWindow, isLast: Bool)? {
    guard let tile, position < end else { return nil }
    let packed = pack(from: position, end: end, lanes: tile.lanes, lastLine: lastLine)
    if part.pass != .weightGradient { scan(from: position, to: packed.next) }
    position = packed.next ?? end
    lastLine = packed.lastLine
    if packed.vectors == 0 { return nil }
    let taken =
      techniques.compress
      ? packed.needed : [Int](repeating: packed.vectors, count: rowCount)
    var source = 0
    for (row, lines) in packed.lines.enumerated() {
      source += lines * tile.lineAccesses[row]
      counts.linesRead += lines
    }
    var gradient = 0
    if part.pass == .weightGradient {
      let reading =
        techniques.detectBeforeLoad ? packed.needed.count { $0 > 0 } : rowCount
      gradient = reading * tile.gradientAccesses
    }
    let total = taken.reduce(0, +)
    counts.windows += 1
    counts.vectorsLoaded += packed.vectors
    counts.vectorsTaken += total
    counts.effectualMACs += packed.neededLanes
    counts.executedMACs += techniques.compress ? packed.neededLanes : packed.lanes * rowCount
    counts.networkMoves += packed.moves
    counts.sourceAccesses += source
    counts.gradientAccesses += gradient
    if part.pass != .weightGradient { counts.weightsRead += total }
    let reads = (max(source, gradient) + memory.portsPerCore - 1) / memory.portsPerCore
    let window = SteppedWindow(
      scanCycles: takeScanCycles(), loadCycles: max(1, reads),
      issues: taken.map { ($0 + array.slots - 1) / array.slots })
    return (window, packed.next == nil)
  }

  /// Steps from word to word until the next window's first entry, or through the last word.
  private mutating func scan(from first: Int, to next: Int?) {
    var word = first / order.placesPerScan
    scanCycles += 1
    while word < (next ?? order.places - 1) / order.placesPerScan {
      word += 1
      scanCycles += 1
    }
  }

  /// Cycles of the scan since the last window, or the item's begin.
  mutating func takeScanCycles() -> Int {
    defer { scanCycles = 0 }
    return scanCycles
  }

  /// The cycles of all rows that add up the outputs of the open tile.
  mutating func outputDrains() -> [Int] {
    let results = rowCount * (tile?.outputs ?? 0)
    let sums = array.slots * array.adderStages
    counts.resultsWritten += results
    counts.extraAdditions += results * (sums - 1)
    return [Int](repeating: sums * array.adderStages + 1, count: rowCount)
  }

  /// The run of entries of the next fixed window of the weight-gradient pass, which holds E entries of
  /// taps that read inside the map in any tile, and what each row needs of it.
  func fixedWindow(from first: Int, lanesAnywhere: [Int])
    -> (run: Range<Int>, needed: [Int], moves: Int)?
  {
    let packed = pack(from: first, end: order.places, lanes: lanesAnywhere, lastLine: -1)
    if packed.vectors == 0 { return nil }
    return (first..<(packed.next ?? order.places), packed.needed, packed.moves)
  }

  /// Finds a fixed window, whose run ends where the next one's begins.
  mutating func beginFixedWindow(_ run: Range<Int>) {
    scan(from: run.lowerBound, to: run.upperBound == order.places ? nil : run.upperBound)
    if readsMasks {
      counts.maskBits += rowCount * run.count + order.listBits(run)
    }
  }

  /// The cycles of each row that adds up its weight gradients of a fixed window and writes them back
  /// through the network. With a second bank, a row that needs nothing has nothing to turn to.
  mutating func gradientDrains(needed: [Int], moves: Int) -> [Int] {
    let stages = array.adderStages
    counts.networkMoves += moves
    var levels = 0
    while 1 << levels < array.lanes { levels += 1 }
    return needed.map { entries in
      if array.sumBanks > 1, entries == 0 { return 0 }
      counts.resultsWritten += entries
      counts.extraAdditions += entries * (stages - 1)
      let round = max(stages, (entries + array.slots - 1) / array.slots)
      // The last product comes through pipeline, tree and accumulator; then rounds of additions, the
      // last of which are written as they complete.
      let lastProduct = CorePipeline.takeToAdd + (levels + 1) * stages
      return lastProduct + (stages - 1) * round + max(1, stages - 1)
    }
  }

  /// Whether any entry of a run is emitted in a tile.
  func hasWork(_ tile: SteppedTile, run: Range<Int>) -> Bool {
    next(from: run.lowerBound, end: run.upperBound, lanes: tile.lanes) != nil
  }

  /// Entries packed into one window.
  private struct Packed {
    var vectors = 0
    var needed: [Int]
    var moves = 0
    /// Lanes inside the map of all vectors, and of those that rows need.
    var lanes = 0
    var neededLanes = 0
    /// Lines read, by kernel row.
    var lines: [Int]
    var lastLine: Int
    /// The first entry after the window.
    var next: Int?
  }

  private func pack(from first: Int, end: Int, lanes: [Int], lastLine: Int) -> Packed {
    var packed = Packed(
      needed: [Int](repeating: 0, count: rowCount),
      lines: [Int](repeating: 0, count: part.kernelRows), lastLine: lastLine)
    // In each row a vector moves down by the unneeded vectors below it: one switch for each bit.
    var unneeded = [Int](repeating: 0, count: rowCount)
    let words = order.words
    packed.next = next(from: first, end: end, lanes: lanes)
    while packed.vectors < array.window, let entry = packed.next {
      let lanesInside = lanes[order.tap(entry)]
      let line = entry / part.kernelColumns
      if line != packed.lastLine {
        packed.lines[order.kernelRow(line: line)] += 1
        packed.lastLine = line
      }
      packed.vectors += 1
      packed.lanes += lanesInside
      for row in 0..<rowCount {
        if masks[row * words + entry >> 6] >> UInt64(entry & 63) & 1 != 0 {
          packed.needed[row] += 1
          packed.neededLanes += lanesInside
          if techniques.compress { packed.moves += unneeded[row].nonzeroBitCount }
        } else {
          unneeded[row] += 1
        }
      }
      packed.next = next(from: entry + 1, end: end, lanes: lanes)
    }
    return packed
  }

  /// The next wanted entry whose tap reads inside the map.
  private func next(from first: Int, end: Int, lanes: [Int]) -> Int? {
    var entry = first
    while entry < end {
      let word = wanted[entry >> 6] >> UInt64(entry & 63)
      if word == 0 {
        entry = (entry | 63) + 1
        continue
      }
      entry += word.trailingZeroBitCount
      if entry >= end { return nil }
      if lanes[order.tap(entry)] > 0 { return entry }
      entry += 1
    }
    return nil
  }
}
