// SPDX-License-Identifier: Apache-2.0
/// How the outputs of a part are cut into vectors of at most T lanes.
///
/// A tile is neighbouring outputs of one row; where rows are shorter than T, of several rows, and
/// where planes are, of several images of the batch. Tiles run along a row, a row of tiles is a
/// **band**, bands run down the plane, planes through the batch.
public struct Tiling: Sendable {
  /// Images of the batch.
  public let images: Int
  /// Rows of outputs.
  public let rowAxis: Axis
  /// Columns of outputs.
  public let columnAxis: Axis
  /// Most images, output rows and output columns of a tile.
  public let imagesPerTile, rowsPerTile, columnsPerTile: Int

  /// The tiling of a part for rows of `lanes` lanes.
  public init(_ part: LoweredPart, images: Int, lanes: Int) {
    self.images = images
    rowAxis = part.rowAxis
    columnAxis = part.columnAxis
    columnsPerTile = min(columnAxis.outputs, lanes)
    rowsPerTile = min(rowAxis.outputs, lanes / columnsPerTile)
    let whole = columnsPerTile == columnAxis.outputs && rowsPerTile == rowAxis.outputs
    imagesPerTile = whole ? min(images, lanes / (columnsPerTile * rowsPerTile)) : 1
  }

  /// Groups of images that tiles hold.
  public var imageGroups: Int { ceilingDivision(images, imagesPerTile) }
  /// Bands of a plane.
  public var bandsPerImageGroup: Int { ceilingDivision(rowAxis.outputs, rowsPerTile) }
  /// Bands of the batch.
  public var bands: Int { imageGroups * bandsPerImageGroup }
  /// Tiles of a band.
  public var tilesPerBand: Int { ceilingDivision(columnAxis.outputs, columnsPerTile) }

  /// Outputs of one tile.
  public struct Tile: Hashable, Sendable {
    /// Images of the batch.
    public let images: Range<Int>
    /// Output rows.
    public let rows: Range<Int>
    /// Output columns.
    public let columns: Range<Int>
  }

  /// A tile of a band of the batch.
  public func tile(band: Int, column: Int) -> Tile {
    Tile(
      images: imageRange(band / bandsPerImageGroup), rows: rowRange(band % bandsPerImageGroup),
      columns: columnRange(column))
  }

  func imageRange(_ group: Int) -> Range<Int> {
    group * imagesPerTile..<min(images, (group + 1) * imagesPerTile)
  }

  func rowRange(_ band: Int) -> Range<Int> {
    band * rowsPerTile..<min(rowAxis.outputs, (band + 1) * rowsPerTile)
  }

  func columnRange(_ column: Int) -> Range<Int> {
    column * columnsPerTile..<min(columnAxis.outputs, (column + 1) * columnsPerTile)
  }

  /// The bands that slice `index` of `count` covers: nearly equal slices, in order.
  func slice(_ index: Int, of count: Int) -> Range<Int> {
    bands * index / count..<bands * (index + 1) / count
  }
}

/// What tiles have in common that take the same time: how much of them lies inside the map.
public struct TileClass: Hashable, Sendable {
  /// Images of the tile.
  public let images: Int
  /// Output rows that read inside the map, for each kernel row.
  public let rowsInside: [Int]
  /// Output columns that read inside the map, for each kernel column.
  public let columnsInside: [Int]
  /// Source columns that the tile spans, inside the map.
  public let columnSpan: Int
  /// Outputs of the tile.
  public let outputs: Int

  package init(_ tile: Tiling.Tile, _ tiling: Tiling) {
    images = tile.images.count
    rowsInside = tiling.rowAxis.offsets.indices.map {
      tiling.rowAxis.inside(tile.rows, tap: $0)
    }
    columnsInside = tiling.columnAxis.offsets.indices.map {
      tiling.columnAxis.inside(tile.columns, tap: $0)
    }
    columnSpan = tiling.columnAxis.span(tile.columns).count
    outputs = images * tile.rows.count * tile.columns.count
  }

  /// Lanes that an entry of this tap fills with values of the map; 0 where all are padding, and the
  /// entry is left out.
  public func lanes(row: Int, column: Int) -> Int {
    images * rowsInside[row] * columnsInside[column]
  }

  /// Whether any column reads inside the map through a kernel row, so that its line is read.
  package func reads(row: Int) -> Bool { rowsInside[row] > 0 && columnSpan > 0 }

  /// Runs of at most `portElements` elements that reading a line takes. The source of a tile is one
  /// run in the memory: its rows, and the rows of its images, follow each other.
  public func accesses(row: Int, portElements: Int) -> Int {
    ceilingDivision(images * rowsInside[row] * columnSpan, portElements)
  }
}
