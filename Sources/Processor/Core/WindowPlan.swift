// SPDX-License-Identifier: Apache-2.0
/// What a group of rows does in each window, for every class of tiles: the schedule that the timing
/// model runs.
///
/// The controller ORs the masks of the group's rows, and packs the entries that remain, in ascending
/// order, into windows of E (with detect-before-load off, all entries). Entries that read nothing but
/// padding are left out. In the forward and input-gradient pass that happens again for each tile; in
/// the weight-gradient pass windows are fixed, and all tiles run through one before the next.
struct WindowPlan: Sendable {
  /// Rows of the group.
  let rowCount: Int
  /// The windows of each set of active taps.
  let sets: [WindowSet]
  /// The set of each tile class.
  let setOfClass: [Int]
  /// Cycles of a scan that finds nothing.
  let emptyScanCycles: Int
  /// Bits of masks, and of the list of lines, that are read for a tile, or in the weight-gradient
  /// pass for all fixed windows.
  let scannedBits: Int
  /// Cycles of the scan that finds each fixed window of the weight-gradient pass.
  let fixedScanCycles: [Int]
  /// Cycles to load a window, by class and window: at least one for a window with any entry.
  let loadCycles: [[Int]]
  /// Runs read from the activation memory for a window, by class and window.
  let sourceAccesses: [[Int]]
  /// Runs of output gradients read for a window, by class and window; weight-gradient pass only.
  let gradientAccesses: [[Int]]
  /// Entries that each row needs of each window in any tile (weight gradients that it makes).
  let ownEntries: [[Int]]
  /// Switches that move those on their way back, window by window, over all rows and stages.
  let ownMoves: [Int]

  /// The windows that remain when only some taps read inside the map.
  struct WindowSet: Sendable {
    /// Windows, some perhaps empty in the weight-gradient pass.
    var windows: Int
    /// Cycles of the scan that finds each window, where it is packed again in each tile.
    var scanCycles: [Int] = []
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
    /// Lines inside the map that are not read in a tile because no row of the group needs them.
    var skippedLines = 0
  }

  /// The plan of a group for the classes of a tile order.
  init(_ scan: inout GroupScan, classes: [TileClass], memory: HardwareDescription.Memory) {
    let part = scan.part
    let rows = scan.group.count
    rowCount = rows
    let order = scan.order
    scannedBits = rows * order.places + order.listBits(0..<order.places)
    emptyScanCycles = order.scanCycles
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
      let own =
        if let index = setIndices[anywhere] {
          sets[index]
        } else {
          scan.set(windows, active: anywhere, readsLinesAnew: true)
        }
      ownEntries = (0..<own.windows).map { window in
        own.needed[window * rows..<(window + 1) * rows].map { Int($0) }
      }
      ownMoves = own.moves
      fixedScanCycles = scan.scanCycles(windows)
    } else {
      sets = actives.map { scan.tileSet(active: $0) }
      ownEntries = []
      ownMoves = []
      fixedScanCycles = []
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
        let first = window * rows
        let reading = scan.detects ? set.needed[first..<first + rows].count { $0 > 0 } : rows
        return reading * perGradient
      }
      sources.append(source)
      gradients.append(gradient)
      loads.append(
        set.entries.indices.map {
          let cycles = ceilingDivision(max(source[$0], gradient[$0]), memory.portsPerCore)
          return max(cycles, min(1, set.entries[$0]))
        })
    }
    loadCycles = loads
    sourceAccesses = sources
    gradientAccesses = gradients
  }

  /// An estimate of the group's cycles, by which items are scheduled on cores: for each window the
  /// slowest row or the loads, whichever is longer.
  ///
  /// - Parameters:
  ///   - tiles: tiles of each class.
  ///   - windows: some of the fixed windows; nil for all windows.
  func work(tiles: [Int], windows: Range<Int>?) -> Int {
    var work = 0
    for (tileClass, count) in tiles.enumerated() {
      let set = sets[setOfClass[tileClass]]
      for window in windows ?? 0..<set.windows {
        let first = window * rowCount
        let slowest = set.issues[first..<first + rowCount].max() ?? 0
        work += count * max(Int(slowest), loadCycles[tileClass][window])
      }
    }
    return work
  }

  /// Windows of the weight-gradient pass.
  var fixedWindows: Int { sets.first?.windows ?? 0 }
}
