// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A pass of a layer cut into items of work and scheduled on the cores.
///
/// An item is a group of rows on a slice of the tiles (in the weight-gradient pass of the windows, so
/// that no sum is split). There are at least four items a core where the layer has as many; the one
/// with the most work left goes to the core with the least.
package struct PassSchedule: Sendable {
  /// One group of one part, and the plan of its windows.
  package struct Group: Sendable {
    package let part: Int
    package let rows: [Int]
    /// The order of the lines.
    package let order: LineOrder
    /// Entries of each tap that the controller emits where the tap reads inside the map.
    let emittedPerTap: [Int]
    /// One plan for each distinct slice of the tiles.
    let plans: [WindowPlan]
  }

  /// What a core processes without a break.
  package struct Item: Sendable {
    package let group: Int
    /// Index of the distinct tile order.
    let order: Int
    /// Bands of the batch, whose tiles are in that order.
    package let bands: Range<Int>
    /// Windows, in the weight-gradient pass.
    package let windows: Range<Int>
    /// Estimate by which items are scheduled: `WindowPlan.work`.
    let work: Int
  }

  package let pass: Pass
  package let images: Int
  package let parts: [LoweredPart]
  package let groups: [Group]
  /// Distinct tile orders of each part.
  package let orders: [[TileOrder]]
  /// The items of each core, in order.
  package let cores: [[Item]]

  /// Items a core should have at least.
  package static let itemsPerCore = 4

  package init(
    _ geometry: ConvolutionGeometry, mask: LayerMask, pass: Pass, images: Int,
    hardware: HardwareDescription
  ) {
    self.init(
      LoweredPart.lower(geometry, mask: mask, pass: pass), pass: pass, images: images,
      hardware: hardware)
  }

  package init(_ parts: [LoweredPart], pass: Pass, images: Int, hardware: HardwareDescription) {
    self.pass = pass
    self.images = images
    self.parts = parts
    let array = hardware.array
    let rowGroups = parts.map {
      $0.groups(of: array.rows, order: hardware.techniques.reorder)
    }
    let groupCount = rowGroups.reduce(0) { $0 + $1.count }
    let slices = ceilingDivision(array.cores * Self.itemsPerCore, max(1, groupCount))
    var groups: [Group] = []
    var orders: [[TileOrder]] = []
    var items: [Item] = []
    for (index, part) in parts.enumerated() {
      let tiling = Tiling(part, images: images, lanes: array.lanes)
      let tileSlices = pass == .weightGradient ? 1 : min(slices, tiling.bands)
      let cut = (0..<tileSlices).map {
        TileOrder(tiling, bands: tiling.slice($0, of: tileSlices))
      }
      let distinct = Self.distinct(cut)
      orders.append(distinct.orders)
      for rows in rowGroups[index] {
        let order = part.lineOrder(rows, hardware)
        var scan = GroupScan(
          part, group: rows, order: order, array: array, techniques: hardware.techniques)
        // The count of the rows' bits, by which they were grouped, shows a group without work.
        if scan.emittedPerTap.allSatisfy({ $0 == 0 }) { continue }
        let plans = distinct.orders.map {
          WindowPlan(&scan, classes: $0.classes, memory: hardware.memory)
        }
        if pass == .weightGradient {
          let windows = plans[0].fixedWindows
          let windowSlices = min(slices, windows)
          for slice in 0..<windowSlices {
            let range = windows * slice / windowSlices..<windows * (slice + 1) / windowSlices
            items.append(
              Item(
                group: groups.count, order: 0, bands: 0..<tiling.bands, windows: range,
                work: plans[0].work(tiles: cut[0].counts, windows: range)))
          }
        } else {
          for slice in 0..<tileSlices {
            items.append(
              Item(
                group: groups.count, order: distinct.indices[slice],
                bands: tiling.slice(slice, of: tileSlices), windows: 0..<0,
                work: plans[distinct.indices[slice]].work(tiles: cut[slice].counts, windows: nil)))
          }
        }
        groups.append(
          Group(
            part: index, rows: rows, order: order, emittedPerTap: scan.emittedPerTap,
            plans: plans))
      }
    }
    self.groups = groups
    self.orders = orders
    cores = Self.deal(items, cores: array.cores)
  }

  private static func distinct(_ orders: [TileOrder]) -> (orders: [TileOrder], indices: [Int]) {
    var found: [TileOrder] = []
    var known: [TileOrder: Int] = [:]
    let indices = orders.map { order in
      if let index = known[order] { return index }
      known[order] = found.count
      found.append(order)
      return found.count - 1
    }
    return (found, indices)
  }

  /// Longest processing time first: each item to the core with the least work so far; equal ones by
  /// number.
  private static func deal(_ items: [Item], cores: Int) -> [[Item]] {
    var dealt = [[Item]](repeating: [], count: cores)
    var load = [Int](repeating: 0, count: cores)
    let order = items.indices.sorted { (-items[$0].work, $0) < (-items[$1].work, $1) }
    for index in order {
      let core = load.indices.min { (load[$0], $0) < (load[$1], $1) } ?? 0
      dealt[core].append(items[index])
      load[core] += items[index].work
    }
    return dealt
  }
}

extension PassSchedule {
  /// Cycles of an item without fill, and the use of its group's rows, at some level of the model.
  package typealias Level = (Item) -> (cycles: Int, use: RowUse)

  /// The timing of the pass from that of its items.
  package func timing(_ hardware: HardwareDescription, level: Level) -> PassTiming {
    var timing = PassTiming()
    let fill = hardware.array.fillCycles(pass)
    let rows = hardware.array.rows
    for items in cores {
      var total = 0
      for item in items {
        let (cycles, use) = level(item)
        if cycles == 0 { continue }
        total += cycles + fill
        timing.issue += use.issue
        timing.drain += use.drain
        timing.loading += use.loading
        timing.imbalance += use.imbalance
        timing.unusedRows += (rows - groups[item.group].rows.count) * cycles
        timing.fill += fill * rows
      }
      timing.coreCycles.append(total)
    }
    timing.cycles = timing.coreCycles.max() ?? 0
    timing.coreImbalance = timing.coreCycles.reduce(0) { $0 + (timing.cycles - $1) * rows }
    return timing
  }

  /// The timing at the fast level. Items alike are computed once.
  package func fastTiming(_ hardware: HardwareDescription) -> PassTiming {
    struct Key: Hashable {
      let group: Int
      let order: Int
      let windows: Range<Int>
    }
    var known: [Key: (cycles: Int, use: RowUse)] = [:]
    return timing(hardware) { item in
      let key = Key(group: item.group, order: item.order, windows: item.windows)
      if let result = known[key] { return result }
      let result = fast(item, hardware)
      known[key] = result
      return result
    }
  }

  /// An item at the fast level.
  package func fast(_ item: Item, _ hardware: HardwareDescription) -> (cycles: Int, use: RowUse) {
    let group = groups[item.group]
    return FastTiming.run(
      group.plans[item.order], pass: pass, tiles: orders[group.part][item.order],
      windows: item.windows, array: hardware.array)
  }
}
