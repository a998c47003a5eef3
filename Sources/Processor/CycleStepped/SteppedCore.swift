// SPDX-License-Identifier: Apache-2.0
/// A core at the cycle-stepped level: every unit is a state machine that is stepped a clock at a
/// time. It shares with the fast level only what comes before the core (lowering, tiles, groups, and
/// which core gets which item).
package struct SteppedCore: Sendable {
  private let hardware: HardwareDescription
  /// Cycles of all items so far.
  package private(set) var cycles = 0
  /// Where the row-cycles went so far.
  package private(set) var timing = PassTiming()
  /// What happened so far.
  package private(set) var activity = PassActivity()

  package init(_ hardware: HardwareDescription) { self.hardware = hardware }

  /// Works through an item of a schedule.
  package mutating func run(_ item: PassSchedule.Item, of schedule: PassSchedule) {
    let group = schedule.groups[item.group]
    let part = schedule.parts[group.part]
    var units = CoreUnits(
      TileSequencer(
        DetectController(part, group: group.rows, order: group.order, hardware: hardware),
        tiles: tiles(item, part: part, images: schedule.images), windows: item.windows),
      rows: group.rows.count, slots: hardware.array.windowsInFlight,
      banks: SteppedRows.Banks(hardware.array, schedule.pass))
    let rows = hardware.array.rows
    if !units.isDone {
      for _ in 0..<hardware.array.fillCycles(schedule.pass) {
        timing.fill += rows
        cycles += 1
      }
    }
    while !units.isDone {
      units.step()
      timing.unusedRows += rows - group.rows.count
      cycles += 1
    }
    let use = units.use
    timing.issue += use.issue
    timing.drain += use.drain
    timing.loading += use.loading
    timing.imbalance += use.imbalance
    activity = activity + units.counts
    activity.issuedMultiplierCycles += use.issue * hardware.array.lanes * hardware.array.slots
  }

  private func tiles(_ item: PassSchedule.Item, part: LoweredPart, images: Int) -> [SteppedTile] {
    let tiling = Tiling(part, images: images, lanes: hardware.array.lanes)
    return item.bands.flatMap { band in
      (0..<tiling.tilesPerBand).map {
        SteppedTile(
          TileClass(tiling.tile(band: band, column: $0), tiling), part: part,
          memory: hardware.memory)
      }
    }
  }
}

/// The units of a core while it works through an item.
private struct CoreUnits {
  private var sequencer: TileSequencer
  /// The window that the scan is about to complete; none behind the last.
  private var found: SteppedWindow?
  /// Cycles left of the scan.
  private var scanning = 0
  private var port = LoadPort()
  private var buffer: WindowBuffer
  private var rows: SteppedRows
  private(set) var isDone = false

  init(_ sequencer: TileSequencer, rows: Int, slots: Int, banks: SteppedRows.Banks) {
    self.sequencer = sequencer
    buffer = WindowBuffer(slots: slots)
    self.rows = SteppedRows(count: rows, banks: banks)
    scan()
    exchange()
  }

  /// Where the cycles of the rows went; all that is left at the end is a stall on the last sums and the
  /// last row.
  var use: RowUse {
    var ended = rows
    ended.chargeLastWaits()
    return ended.use
  }

  var counts: PassActivity { sequencer.controller.counts }

  /// A clock.
  mutating func step() {
    if scanning > 0 { scanning -= 1 }
    port.step()
    buffer.step()
    rows.step(&buffer)
    exchange()
  }

  /// What changes hands at the edge of a clock: windows without work for a row are passed at once, so
  /// that several may.
  private mutating func exchange() {
    rows.take(&buffer)
    if port.isReady, buffer.hasFreeSlot {
      rows.chargeWaits(isHeld: port.isHeld)
      buffer.publish(port.handOver())
      rows.take(&buffer)
    }
    if port.isEmpty, scanning == 0, let window = found {
      port.accept(window)
      scan()
    }
    isDone = found == nil && scanning == 0 && port.isEmpty && rows.isDone(buffer)
  }

  /// Sets out to find the next window.
  private mutating func scan() {
    found = sequencer.step()
    scanning = found?.scanCycles ?? sequencer.lastScanCycles
  }
}

extension PassSchedule {
  /// The pass at the cycle-stepped level: its timing, and what happened as far as a core sees it
  /// (`denseMACs` and `zeroShare` are not events).
  package func cycleStepped(_ hardware: HardwareDescription) -> (
    timing: PassTiming, activity: PassActivity
  ) {
    var timing = PassTiming()
    var activity = PassActivity()
    for items in cores {
      var core = SteppedCore(hardware)
      for item in items { core.run(item, of: self) }
      timing.coreCycles.append(core.cycles)
      timing.issue += core.timing.issue
      timing.drain += core.timing.drain
      timing.loading += core.timing.loading
      timing.imbalance += core.timing.imbalance
      timing.unusedRows += core.timing.unusedRows
      timing.fill += core.timing.fill
      activity = activity + core.activity
    }
    timing.cycles = timing.coreCycles.max() ?? 0
    for cycles in timing.coreCycles {
      timing.coreImbalance += (timing.cycles - cycles) * hardware.array.rows
    }
    return (timing, activity)
  }
}
