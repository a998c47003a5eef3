// SPDX-License-Identifier: Apache-2.0

/// The lists of a dense layer of lines of three: what `EntryLists` builds from patterns that all keep
/// three taps, by arithmetic alone. A mask update needs them for every layer, to compute the gradients
/// of pruned weights.
struct DenseLineLists {
  let forward: PackedFilters.Lists
  let transposed: PackedFilters.Lists
  let targets: [Int32]
  let densePositions: [Int32]

  /// Lines that keep all taps come first among the seven patterns of a kernel row.
  private static let patterns = 7

  init(geometry: ConvolutionGeometry) {
    let (filters, rows) = (geometry.filters, geometry.rows)
    let (inputs, channels) = (geometry.input.channels, geometry.channelsPerGroup)
    let perGroup = filters / geometry.groups
    let lines = filters * channels * rows
    forward = Self.lists(outputs: filters, rows: rows, entries: channels) { sources in
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
    transposed = Self.lists(outputs: inputs, rows: rows, entries: perGroup) { sources in
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
    // A line's weights lie in the order of filter, kernel row, channel; rows are turned around in the
    // transposed lists.
    targets = [Int32](unsafeUninitializedCapacity: lines) { targets, count in
      var place = 0
      for channel in 0..<inputs {
        let first = channel / channels * perGroup
        for turned in 0..<rows {
          for filter in first..<first + perGroup {
            let row = filter * rows + rows - 1 - turned
            targets[place] = Int32(3 * (row * channels + channel % channels))
            place += 1
          }
        }
      }
      count = lines
    }
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
    outputs: Int, rows: Int, entries: Int, _ fill: (UnsafeMutableBufferPointer<Int32>) -> Void
  ) -> PackedFilters.Lists {
    var counts = [Int32](repeating: 0, count: outputs * rows * patterns)
    for row in 0..<outputs * rows { counts[row * patterns] = Int32(entries) }
    let starts = prefixSums(counts)
    return PackedFilters.Lists(
      outputs: outputs, segments: rows * patterns, starts: starts,
      weightStarts: starts.map { 3 * $0 },
      sources: [Int32](unsafeUninitializedCapacity: outputs * rows * entries) { sources, count in
        fill(sources)
        count = outputs * rows * entries
      })
  }
}
