// SPDX-License-Identifier: Apache-2.0
import Masks

/// The timeline of a pass: which group each core processes when.
public struct PassTimeline: Sendable {
  /// A stretch of a core's time.
  public struct Item: Sendable {
    /// The core.
    public let core: Int
    /// Number of the group, and its rows.
    public let group: Int
    /// Rows of the group.
    public let rows: Int
    /// Cycles since the pass began.
    public let start: Int
    /// Cycles, fill included.
    public let cycles: Int
    /// Fraction of the core's row-cycles in which rows take entries.
    public let occupancy: Double
  }

  /// The items, core by core, in order.
  public let items: [Item]
  /// Cycles of the array.
  public let cycles: Int

  /// The timeline of a pass of a layer on SWPU.
  public init(
    _ layer: Workload.Layer, pass: Pass, images: Int, hardware: HardwareDescription
  ) {
    let work = LayerPass(layer: layer, pass: pass, images: images, hardware: hardware)
    let schedule = work.swpuSchedule
    let pass = work.pass
    let fill = hardware.array.fillCycles(pass)
    // Items are asked for core by core, in order.
    var results: [(cycles: Int, use: RowUse)] = []
    let timing = schedule.timing(work.hardware) { item in
      let result = schedule.fast(item, work.hardware)
      results.append(result)
      return result
    }
    var items: [Item] = []
    var next = 0
    for (core, list) in schedule.cores.enumerated() {
      var start = 0
      for item in list {
        let (cycles, use) = results[next]
        next += 1
        if cycles == 0 { continue }
        let total = cycles + fill
        items.append(
          Item(
            core: core, group: item.group, rows: schedule.groups[item.group].rows.count,
            start: start, cycles: total,
            occupancy: Double(use.issue) / Double(total * hardware.array.rows)))
        start += total
      }
    }
    self.items = items
    cycles = timing.cycles
  }
}
