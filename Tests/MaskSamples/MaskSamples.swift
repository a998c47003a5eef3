// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// Layers small enough for debug builds and odd enough for edges: blocks that do not divide, single
/// channels, single filters, wide kernels.
package let layers: [FilterShape] = [
  FilterShape(filters: 8, channels: 6, rows: 3, columns: 3),
  FilterShape(filters: 13, channels: 10, rows: 1, columns: 1),
  FilterShape(filters: 10, channels: 33, rows: 1, columns: 1),
  FilterShape(filters: 5, channels: 3, rows: 5, columns: 5),
  FilterShape(filters: 12, channels: 1, rows: 3, columns: 3),
  FilterShape(filters: 1, channels: 4, rows: 1, columns: 7),
  FilterShape(filters: 3, channels: 2, rows: 7, columns: 1),
]

extension SeededRandom {
  /// A random layer of at most a few hundred weights.
  package mutating func layer() -> FilterShape {
    let kernel = [(1, 1), (3, 3), (5, 5), (1, 3), (3, 1), (2, 2)][below(6)]
    return FilterShape(
      filters: 1 + below(14), channels: 1 + below(9), rows: kernel.0, columns: kernel.1)
  }

  /// Values around zero; some of them are equal, so that ties occur.
  package mutating func values(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      let value = uniform() + uniform() + uniform() - 1.5
      return below(8) == 0 ? 0.25 : value
    }
  }
}

extension FilterShape {
  /// Every (k, c, r, s) with its index in the weights.
  package var places: [(k: Int, c: Int, r: Int, s: Int, index: Int)] {
    (0..<count).map { index in
      (
        index / (channels * rows * columns), index / (rows * columns) % channels,
        index / columns % rows, index % columns, index
      )
    }
  }
}

extension LayerMask {
  /// The weights with zeros where they are pruned.
  package func applied(to weights: [Float]) -> [Float] {
    var result = weights
    for p in shape.places where !keeps(filter: p.k, channel: p.c, row: p.r, column: p.s) {
      result[p.index] = 0
    }
    return result
  }

  /// Kept weights, counted one by one.
  package var countedElements: Int {
    shape.places.count { keeps(filter: $0.k, channel: $0.c, row: $0.r, column: $0.s) }
  }

  /// The fewest kept weights of a filter.
  package var fewestElementsOfAFilter: Int {
    (0..<shape.filters).map { filter in
      shape.places.count {
        $0.k == filter && keeps(filter: filter, channel: $0.c, row: $0.r, column: $0.s)
      }
    }.min() ?? 0
  }

  /// The largest number of weights that one unit holds.
  package func largestUnit(_ granularity: Granularity) -> Int {
    switch granularity {
    case .dense: shape.count
    case .filter: shape.weightsPerFilter
    case .channel: shape.filters * shape.rows * shape.columns
    case .shape: shape.filters
    case .line, .subStructured: shape.isPointwise ? blockSide * blockSide : shape.columns
    case .unstructured: 1
    }
  }
}
