// SPDX-License-Identifier: Apache-2.0
import CKernels

/// What the tiles of one map read of another: a window each, which may reach into the neighbours'
/// tiles or past the map's edge.
struct WindowGeometry: Hashable {
  /// The map that is read.
  let source: BatchLayout
  /// The tiles that read.
  let tiles: BatchLayout
  /// Rows and columns of a window.
  let height, width: Int
  /// Rows and columns of the source from a tile's window to that of its neighbour.
  let rowStep, columnStep: Int
  /// Where the first tile's window starts; negative above or left of the map.
  let firstRow, firstColumn: Int
}

/// The copies that fill the windows of a plane; see `ck_window_run`.
final class WindowPlan: Sendable {
  let geometry: WindowGeometry
  private let runs: [ck_window_run]
  private let shuffles: [Int32]
  private let gathers: [Int32]

  init(_ geometry: WindowGeometry) {
    self.geometry = geometry
    let lanes = geometry.tiles.lanes
    let inPlace = (0..<lanes).map(Int32.init)
    var runs: [ck_window_run] = []
    var shuffles = inPlace
    var gathers: [Int32] = []
    var known: [[Int32]: Int32] = [inPlace: 0]

    for place in 0..<geometry.height * geometry.width {
      // Pixel and lane of the source, -1 for padding, for each lane.
      let found = (0..<lanes).map { lane in
        geometry.source(of: lane, row: place / geometry.width, column: place % geometry.width)
      }
      let pixels = Set(found.compactMap(\.?.pixel))
      if pixels.count > 1 {
        runs.append(
          ck_window_run(
            to: Int32(place), from: 0, count: 1, shuffle: 0, gather: Int32(gathers.count / lanes)))
        gathers += found.map { $0.map { Int32($0.pixel * lanes + $0.lane) } ?? -1 }
        continue
      }
      var shuffle = found.map { $0.map { Int32($0.lane) } ?? -1 }
      // Lanes without an image on both sides may hold anything: the vector can stay as it is.
      let used = geometry.tiles.usedLanes
      if used == geometry.source.usedLanes, used < lanes,
        shuffle.prefix(used).elementsEqual(inPlace.prefix(used))
      {
        shuffle = inPlace
      }
      let from = Int32(pixels.first ?? 0)
      let number = known[shuffle] ?? Int32(shuffles.count / lanes)
      if known[shuffle] == nil {
        known[shuffle] = number
        shuffles += shuffle
      }
      if let last = runs.last, last.gather < 0, last.shuffle == number, !pixels.isEmpty,
        last.from + last.count == from, last.to + last.count == Int32(place)
      {
        runs[runs.count - 1].count += 1
      } else {
        runs.append(
          ck_window_run(to: Int32(place), from: from, count: 1, shuffle: number, gather: -1))
      }
    }
    self.runs = runs
    self.shuffles = shuffles
    self.gathers = gathers
  }

  /// Vectors from the window of a channel to that of the next.
  private var distance: Int {
    geometry.source.distance(pixels: geometry.height * geometry.width)
  }

  /// Floats of the windows of all channels.
  var floats: Int {
    geometry.source.map.channels * distance * geometry.tiles.lanes
  }

  func withArguments(
    source: Tensor, windows: Tensor, fill: Float, accumulate: Bool, _ body: (ck_window_args) -> Void
  ) {
    let layout = geometry.source
    runs.withUnsafeBufferPointer { runs in
      shuffles.withUnsafeBufferPointer { shuffles in
        gathers.withUnsafeBufferPointer { gathers in
          body(
            ck_window_args(
              planes: Int32(layout.map.channels),
              source_distance: Int64(layout.distance(pixels: layout.height * layout.width)),
              window_distance: Int64(distance),
              lanes: Int32(geometry.tiles.usedLanes), runs: Int32(runs.count),
              run: runs.baseAddress, shuffles: shuffles.baseAddress,
              gathers: gathers.baseAddress, source: source.pointer, windows: windows.pointer,
              fill: fill, accumulate: accumulate ? 1 : 0))
        }
      }
    }
  }
}

extension WindowGeometry {
  /// Where a lane of a window's pixel comes from; nil for padding and lanes without an image.
  fileprivate func source(of lane: Int, row: Int, column: Int) -> (pixel: Int, lane: Int)? {
    if lane >= tiles.usedLanes { return nil }
    let image = lane / tiles.tiles
    let tile = lane % tiles.tiles
    let y = tile / tiles.columns * rowStep + firstRow + row
    let x = tile % tiles.columns * columnStep + firstColumn + column
    guard (0..<source.map.height).contains(y), (0..<source.map.width).contains(x) else {
      return nil
    }
    let from = (image * source.rows + y / source.height) * source.columns + x / source.width
    return (y % source.height * source.width + x % source.width, from)
  }
}
