// SPDX-License-Identifier: Apache-2.0
/// A window on its way from the controller to the rows.
struct SteppedWindow: Sendable {
  /// Cycles of the scan that finds it.
  var scanCycles = 1
  /// Cycles of the load port.
  var loadCycles: Int
  /// Cycles in which each row takes its entries.
  var issues: [Int]
  /// Cycles in which each row adds up its partial sums after the window; empty where sums continue.
  var drains: [Int] = []
}

/// What the controller knows of a tile.
struct SteppedTile: Sendable {
  /// Lanes that hold values of the map, for each tap.
  let lanes: [Int]
  /// Runs that reading a line takes, for each kernel row.
  let lineAccesses: [Int]
  /// Runs that the tile's output gradients of one row take.
  let gradientAccesses: Int
  /// Outputs of the tile.
  let outputs: Int

  init(_ tileClass: TileClass, part: LoweredPart, memory: HardwareDescription.Memory) {
    lanes = (0..<part.tapCount).map {
      tileClass.lanes(row: $0 / part.kernelColumns, column: $0 % part.kernelColumns)
    }
    lineAccesses = (0..<part.kernelRows).map {
      tileClass.accesses(row: $0, portElements: memory.portElements)
    }
    gradientAccesses = ceilingDivision(tileClass.outputs, memory.portElements)
    outputs = tileClass.outputs
  }
}
