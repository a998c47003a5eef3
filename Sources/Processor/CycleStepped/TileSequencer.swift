// SPDX-License-Identifier: Apache-2.0
/// The sequencer of an item: leads the controller through the tiles, in the weight-gradient pass all
/// tiles for one fixed window before the next, and decides where rows add up their partial sums.
struct TileSequencer: Sendable {
  private(set) var controller: DetectController
  /// Cycles of the scan behind the last window; known when that is through.
  private(set) var lastScanCycles = 0
  private let tiles: [SteppedTile]
  private let windows: Range<Int>
  private var nextTile = 0

  // The weight-gradient pass: the current window, what rows need of it, and the last tile that has
  // work for it.
  private let lanesAnywhere: [Int]
  private var nextWindow = 0
  private var run = 0..<0
  private var needed: [Int] = []
  private var moves = 0
  private var lastTile = 0

  init(_ controller: DetectController, tiles: [SteppedTile], windows: Range<Int>) {
    self.controller = controller
    self.tiles = tiles
    self.windows = windows
    lanesAnywhere = (0..<controller.part.tapCount).map { tap in
      tiles.contains { $0.lanes[tap] > 0 } ? 1 : 0
    }
    if controller.part.pass == .weightGradient { nextTile = tiles.count }
  }

  /// The next window of the item; nil when all are through.
  mutating func step() -> SteppedWindow? {
    while true {
      if let (next, isLast) = controller.nextWindow() {
        var window = next
        if controller.part.pass != .weightGradient {
          if isLast { window.drains = controller.outputDrains() }
        } else if nextTile - 1 == lastTile {
          window.drains = controller.gradientDrains(needed: needed, moves: moves)
        }
        return window
      }
      if nextTile == tiles.count, !beginFixedWindow() {
        lastScanCycles = controller.takeScanCycles()
        return nil
      }
      controller.open(
        tiles[nextTile],
        run: controller.part.pass == .weightGradient ? run : 0..<controller.order.places)
      nextTile += 1
    }
  }

  /// Continues with the next fixed window of the item, back at the first tile.
  private mutating func beginFixedWindow() -> Bool {
    if controller.part.pass != .weightGradient { return false }
    repeat {
      guard nextWindow < windows.upperBound,
        let found = controller.fixedWindow(from: run.upperBound, lanesAnywhere: lanesAnywhere)
      else { return false }
      (run, needed, moves) = found
      nextWindow += 1
    } while nextWindow <= windows.lowerBound
    controller.beginFixedWindow(run)
    guard let last = tiles.lastIndex(where: { controller.hasWork($0, run: run) }) else {
      preconditionFailure("a fixed window without work in any tile")
    }
    lastTile = last
    nextTile = 0
    return true
  }
}
