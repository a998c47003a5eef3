// SPDX-License-Identifier: Apache-2.0
/// The tiles of some bands in their order, with what repeats folded: the stream of a row's work is
/// periodic over the tiles of a row, the rows of a plane and the planes of a batch.
public struct TileOrder: Hashable, Sendable {
  /// A stretch of tiles.
  public indirect enum Node: Hashable, Sendable {
    /// A tile of a class.
    case tile(Int)
    /// The same stretch several times.
    case repeated(Int, [Node])
  }

  /// The tiles.
  public let nodes: [Node]
  /// The classes that the nodes name by index.
  public let classes: [TileClass]
  /// Tiles of each class.
  public let counts: [Int]

  /// The tiles of `bands` of the batch.
  public init(_ tiling: Tiling, bands: Range<Int>) {
    var builder = Builder(tiling: tiling)
    nodes = builder.batch(bands)
    classes = builder.classes
    var counts = [Int](repeating: 0, count: classes.count)
    Self.count(nodes, times: 1, into: &counts)
    self.counts = counts
  }

  private static func count(_ nodes: [Node], times: Int, into counts: inout [Int]) {
    for node in nodes {
      switch node {
      case .tile(let index): counts[index] += times
      case .repeated(let repeats, let body): count(body, times: times * repeats, into: &counts)
      }
    }
  }

  /// Tiles of all classes.
  public var tileCount: Int { counts.reduce(0, +) }

  private struct Builder {
    let tiling: Tiling
    var classes: [TileClass] = []
    var indices: [TileClass: Int] = [:]
    // All images but the last ones, and all rows but those at the edges, are alike.
    var planes: [PlaneKey: [Node]] = [:]
    var rows: [RowKey: [Node]] = [:]

    struct PlaneKey: Hashable {
      let bands: Range<Int>
      let images: Int
    }

    struct RowKey: Hashable {
      let images: Int
      let outputs: Int
      let inside: [Int]
    }

    mutating func batch(_ bands: Range<Int>) -> [Node] {
      let perGroup = tiling.bandsPerImageGroup
      var parts: [[Node]] = []
      var next = bands.lowerBound
      while next < bands.upperBound {
        let group = next / perGroup
        let end = min(bands.upperBound, (group + 1) * perGroup)
        parts.append(plane(next - group * perGroup..<end - group * perGroup, group: group))
        next = end
      }
      return Self.folded(parts)
    }

    private mutating func plane(_ bands: Range<Int>, group: Int) -> [Node] {
      let key = PlaneKey(bands: bands, images: tiling.imageRange(group).count)
      if let known = planes[key] { return known }
      var parts: [[Node]] = []
      for band in bands { parts.append(row(band, group: group)) }
      let nodes = Self.folded(parts)
      planes[key] = nodes
      return nodes
    }

    private mutating func row(_ band: Int, group: Int) -> [Node] {
      let outputs = tiling.rowRange(band)
      let key = RowKey(
        images: tiling.imageRange(group).count, outputs: outputs.count,
        inside: tiling.rowAxis.offsets.indices.map { tiling.rowAxis.inside(outputs, tap: $0) })
      if let known = rows[key] { return known }
      var parts: [[Node]] = []
      for column in 0..<tiling.tilesPerBand {
        let tile = tiling.tile(band: group * tiling.bandsPerImageGroup + band, column: column)
        parts.append([.tile(index(of: TileClass(tile, tiling)))])
      }
      let nodes = Self.folded(parts)
      rows[key] = nodes
      return nodes
    }

    private mutating func index(of tileClass: TileClass) -> Int {
      if let known = indices[tileClass] { return known }
      classes.append(tileClass)
      indices[tileClass] = classes.count - 1
      return classes.count - 1
    }

    /// Runs of equal stretches as one repetition each.
    private static func folded(_ parts: [[Node]]) -> [Node] {
      var nodes: [Node] = []
      var start = 0
      while start < parts.count {
        var end = start + 1
        while end < parts.count && parts[end] == parts[start] { end += 1 }
        if end - start > 1 {
          nodes.append(.repeated(end - start, parts[start]))
        } else {
          nodes += parts[start]
        }
        start = end
      }
      return nodes
    }
  }
}
