// SPDX-License-Identifier: Apache-2.0

/// The lists of a dense layer of lines of three: what `EntryLists` builds from patterns that all keep
/// three taps, by arithmetic alone. A mask update needs them for every layer, to compute the gradients
/// of pruned weights.
struct DenseLineLists {
  let forward: PackedFilters.Lists
  let transposed: PackedFilters.Lists
  let gathered: PackedFilters.Lists
  let densePositions: [Int32]

  /// Lines that keep all taps come first among the seven patterns of a kernel row.
  private static let patterns = 7

  init(geometry: ConvolutionGeometry) {
    let (filters, rows) = (geometry.filters, geometry.rows)
    let (inputs, channels) = (geometry.input.channels, geometry.channelsPerGroup)
    let perGroup = filters / geometry.groups
    let lines = filters * channels * rows
    let inOrder = (0...lines).map { Int32(3 * $0) }
    forward = Self.lists(
      outputs: filters, rows: rows, entries: channels, places: Array(inOrder.dropLast())
    ) { sources in
      var place = 0
      for filter in 0..<filters {
        let first = filter / perGroup * channels
        for _ in 0..<rows {
          for channel in first..<first + channels {
            sources[place] = Int32(channel)
            place += 1
          }
        }
      }
    }
    // A line's weights lie in the order of filter, kernel row, channel; rows are turned around in the
    // transposed lists.
    let scattered = [Int32](unsafeUninitializedCapacity: lines) { places, count in
      var place = 0
      for channel in 0..<inputs {
        let first = channel / channels * perGroup
        for turned in 0..<rows {
          for filter in first..<first + perGroup {
            let row = filter * rows + rows - 1 - turned
            places[place] = Int32(3 * (row * channels + channel % channels))
            place += 1
          }
        }
      }
      count = lines
    }
    transposed = Self.lists(outputs: inputs, rows: rows, entries: perGroup, places: scattered) {
      sources in
      var place = 0
      for channel in 0..<inputs {
        let first = channel / channels * perGroup
        for _ in 0..<rows {
          for filter in first..<first + perGroup {
            sources[place] = Int32(filter)
            place += 1
          }
        }
      }
    }
    gathered = transposed.moved(to: inOrder)
    densePositions = [Int32](unsafeUninitializedCapacity: 3 * lines) { positions, count in
      var place = 0
      for filter in 0..<filters {
        for row in 0..<rows {
          for channel in 0..<channels {
            let first = Int32(3 * ((filter * channels + channel) * rows + row))
            positions[place] = first
            positions[place + 1] = first + 1
            positions[place + 2] = first + 2
            place += 3
          }
        }
      }
      count = 3 * lines
    }
  }

  /// Lists whose outputs have as many entries in each kernel row.
  private static func lists(
    outputs: Int, rows: Int, entries: Int, places: [Int32],
    _ fill: (UnsafeMutableBufferPointer<Int32>) -> Void
  ) -> PackedFilters.Lists {
    var counts = [Int32](repeating: 0, count: outputs * rows * patterns)
    for row in 0..<outputs * rows { counts[row * patterns] = Int32(entries) }
    let starts = prefixSums(counts)
    return PackedFilters.Lists(
      outputs: outputs, segments: rows * patterns, starts: starts,
      sources: [Int32](unsafeUninitializedCapacity: outputs * rows * entries) { sources, count in
        fill(sources)
        count = outputs * rows * entries
      }, places: places)
  }
}
