// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Where the images of a batch lie in the lanes of an activation.
///
/// Images fill the lanes where there are enough of them. A smaller batch would leave most lanes
/// idle, so its images are cut into equal tiles, each with a lane of its own:
/// lane `(image · rows + row) · columns + column`. It follows from the map and the number of images
/// alone.
struct BatchLayout: Hashable {
  /// The map of an image.
  let map: MapShape
  /// Images of the batch.
  let images: Int
  /// Tiles of an image, down and across; one of each where images are whole.
  let rows, columns: Int
  /// Lanes of a vector.
  let lanes: Int
  /// Columns in a pixel of the map: two where the map is held in pairs.
  let columnsOfPixel: Int

  /// The layout of `images` whole images.
  init(whole map: MapShape, images: Int, lanes: Int) {
    self.init(map: map, images: images, rows: 1, columns: 1, lanes: lanes)
  }

  /// The layout that a batch of images has: as many tiles as fit the lanes, with the shortest edges,
  /// and rather wide than high, since kernels run along rows.
  init(_ map: MapShape, images: Int, lanes: Int) {
    precondition(images > 0, "a batch has at least one image")
    let room = lanes / images
    var best = BatchLayout(whole: map, images: images, lanes: lanes)
    if room > 1 {
      for rows in 1...min(room, map.height) where map.height % rows == 0 {
        for columns in 1...min(room / rows, map.width) where map.width % columns == 0 {
          let other = BatchLayout(
            map: map, images: images, rows: rows, columns: columns, lanes: lanes)
          if (other.tiles, -other.edge, other.width) > (best.tiles, -best.edge, best.width) {
            best = other
          }
        }
      }
    }
    self = best
  }

  private init(
    map: MapShape, images: Int, rows: Int, columns: Int, lanes: Int, columnsOfPixel: Int = 1
  ) {
    self.map = map
    self.images = images
    self.rows = rows
    self.columns = columns
    self.lanes = lanes
    self.columnsOfPixel = columnsOfPixel
  }

  /// The layout of the same images, not cut.
  var whole: BatchLayout { BatchLayout(whole: map, images: images, lanes: lanes) }
  /// The same tiles of a map whose pixels are pairs of columns.
  var inPairs: BatchLayout {
    let pairs = MapShape(channels: map.channels, height: map.height, width: map.width / 2)
    return BatchLayout(
      map: pairs, images: images, rows: rows, columns: columns, lanes: lanes, columnsOfPixel: 2)
  }
  /// Tiles of an image.
  var tiles: Int { rows * columns }
  /// Whether images are not cut.
  var isWhole: Bool { tiles == 1 }
  /// Rows of a tile.
  var height: Int { map.height / rows }
  /// Columns of a tile.
  var width: Int { map.width / columns }
  /// Lanes in use, over all blocks.
  var usedLanes: Int { images * tiles }
  /// Vectors that a pixel of a tile takes.
  var blocks: Int { (usedLanes + lanes - 1) / lanes }
  /// Vectors from a plane to the next, for planes of so many pixels.
  func distance(pixels: Int) -> Int {
    Int(ck_plane_distance(Int64(pixels * columnsOfPixel))) / columnsOfPixel
  }
  /// Words that an activation takes: floats, unless it is held in pairs.
  var floats: Int { blocks * map.channels * distance(pixels: height * width) * lanes }

  private var edge: Int { height + width }

  var planes: ck_planes {
    ck_planes(
      blocks: Int32(blocks), channels: Int32(map.channels), pixels: Int32(height * width),
      images: Int32(usedLanes), tile_rows: Int32(rows), tile_columns: Int32(columns),
      tile_width: Int32(width))
  }

  /// Whether the grids of tiles are the same, so that a tile of one map is made of that of the other.
  func hasTiles(of other: BatchLayout) -> Bool {
    rows == other.rows && columns == other.columns
  }
}
