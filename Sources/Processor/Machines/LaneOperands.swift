// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// How many operands each row of an item takes when its lanes skip the zeros of a mask: in each tile, in
/// the weight-gradient pass in each window over all tiles, those of its slowest lane.
struct LaneOperands {
  private let pass: Pass
  private let geometry: ConvolutionGeometry
  private let zeros: ZeroMask
  /// Whether the zeros are those of output gradients in the weight-gradient pass; else those of what
  /// operand vectors hold.
  private let isGradient: Bool
  private let schedule: PassSchedule
  private let detects: Bool
  private let window: Int
  private let lanes: Int
  private var known: [Key: [Int]] = [:]

  /// Rows with the same mask take the same.
  private struct Key: Hashable {
    var part: Int
    var bands: Range<Int>
    var windows: Range<Int>
    var masks: [ArraySlice<UInt64>]
    /// Rows, where their gradients decide.
    var rows: [Int]
  }

  /// The operands of a pass on a schedule of the array; nil without a mask of the skipped operand.
  init?(_ work: LayerPass, _ schedule: PassSchedule, detects: Bool) {
    let layer = work.layer
    pass = work.pass
    isGradient =
      work.pass == .weightGradient && layer.gradientSparsity > layer.inputSparsity
    let skipsGradients = work.pass == .inputGradient || isGradient
    guard let zeros = skipsGradients ? layer.gradientZeros : layer.inputZeros else { return nil }
    self.zeros = zeros
    self.schedule = schedule
    self.detects = detects
    geometry = layer.geometry
    window = work.hardware.array.window
    lanes = work.hardware.array.lanes
  }

  /// Operands that each row of an item takes.
  mutating func taken(_ item: PassSchedule.Item) -> [Int] {
    let group = schedule.groups[item.group]
    let part = schedule.parts[group.part]
    let masks = group.rows.map { part.mask($0) }
    let isAlike = !isGradient && masks.allSatisfy { $0.elementsEqual(masks[0]) }
    let key = Key(
      part: group.part, bands: item.bands, windows: item.windows,
      masks: isAlike ? [masks[0]] : masks, rows: isGradient ? group.rows : [])
    let counts = known[key] ?? count(item, part, masks: key.masks, rows: group.rows)
    known[key] = counts
    return isAlike ? [Int](repeating: counts[0], count: masks.count) : counts
  }

  private func count(
    _ item: PassSchedule.Item, _ part: LoweredPart, masks: [ArraySlice<UInt64>], rows: [Int]
  ) -> [Int] {
    let tiling = Tiling(part, images: schedule.images, lanes: lanes)
    let tiles = item.bands.flatMap { band in
      (0..<tiling.tilesPerBand).map {
        TileLanes(tiling.tile(band: band, column: $0), part: part, geometry: geometry)
      }
    }
    var taken = [Int](repeating: 0, count: masks.count)
    func add(_ entries: [Int], _ tiles: ArraySlice<TileLanes>) {
      var counts = [Int](repeating: 0, count: masks.count * lanes)
      for tile in tiles {
        for lane in tile.images.indices {
          for row in masks.indices {
            if isGradient, isZeroGradient(rows[row], tile, lane) { continue }
            counts[row * lanes + lane] += entries.count { entry in
              masks[row][masks[row].startIndex + entry >> 6] >> UInt64(entry & 63) & 1 != 0
                && isTaken(entry, tile, lane, part)
            }
          }
        }
      }
      for row in masks.indices {
        taken[row] += counts[row * lanes..<(row + 1) * lanes].max() ?? 0
      }
    }
    if pass == .weightGradient {
      let windows = windows(part, rows: schedule.groups[item.group].rows, tiles)
      for number in item.windows { add(windows[number], tiles[...]) }
    } else {
      for index in tiles.indices { add(Array(0..<part.entries), tiles[index...index]) }
    }
    return taken
  }

  /// Whether a lane takes an entry: it reads inside the map, and no zero.
  private func isTaken(_ entry: Int, _ tile: TileLanes, _ lane: Int, _ part: LoweredPart) -> Bool {
    guard let place = tile.sources[entry % part.tapCount][lane] else { return false }
    if isGradient { return true }
    let pixels = part.rowAxis.source * part.columnAxis.source
    return !zeros.isZero(
      image: tile.images[lane], place: entry / part.tapCount * pixels + place)
  }

  private func isZeroGradient(_ row: Int, _ tile: TileLanes, _ lane: Int) -> Bool {
    zeros.isZero(
      image: tile.images[lane], place: row * geometry.output.pixels + tile.targets[lane])
  }

  /// The entries of the fixed windows, in natural order.
  private func windows(_ part: LoweredPart, rows: [Int], _ tiles: [TileLanes]) -> [[Int]] {
    let anywhere = (0..<part.tapCount).map { tap in tiles.contains { $0.active[tap] } }
    let emitted = (0..<part.entries).filter { entry in
      anywhere[entry % part.tapCount]
        && rows.contains {
          detects ? part.needs(row: $0, entry: entry) : part.reachedEntries($0).contains(entry)
        }
    }
    return stride(from: 0, to: emitted.count, by: window).map {
      Array(emitted[$0..<min($0 + window, emitted.count)])
    }
  }
}
