// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Builds the lists of lines (`lines3`) or single taps (`taps`), forward and transposed, by two
/// counting sorts over the mask.
struct EntryLists {
  let forward: PackedFilters.Lists
  let transposed: PackedFilters.Lists
  let gathered: PackedFilters.Lists
  let densePositions: [Int32]

  /// Segment of each tap pattern of three, and back (`ck_tap_patterns`).
  private static let patternOfSegment: [Int] = [7, 6, 3, 5, 4, 2, 1]
  private static let segmentOfPattern: [Int] = {
    var segments = [Int](repeating: 0, count: 8)
    for (segment, pattern) in patternOfSegment.enumerated() { segments[pattern] = segment }
    return segments
  }()

  /// Segments of one kernel row, and what each of them means for the other direction.
  private struct SegmentTable {
    let perRow: Int
    let weights: [Int]  // weights of an entry, by segment of a row
    let turned: [Int]  // segment of the mirrored entry

    init(packing: Packing, columns: Int) {
      if packing == .lines3 {
        perRow = 7
        weights = patternOfSegment.map { $0.nonzeroBitCount }
        turned = patternOfSegment.map { pattern in
          segmentOfPattern[(pattern & 1) << 2 | pattern & 2 | pattern >> 2]
        }
      } else {
        perRow = columns
        weights = [Int](repeating: 1, count: columns)
        turned = (0..<columns).map { columns - 1 - $0 }
      }
    }
  }

  init(geometry: ConvolutionGeometry, packing: Packing, patterns: [UInt16]) {
    let table = SegmentTable(packing: packing, columns: geometry.columns)
    let filters = geometry.filters
    let channels = geometry.channelsPerGroup
    let rows = geometry.rows
    let segments = rows * table.perRow

    /// Calls `body(segment of the row, first column)` for each entry of a kernel row.
    func entries(_ pattern: UInt16, _ body: (Int) -> Void) {
      if pattern == 0 { return }
      if packing == .lines3 {
        body(Self.segmentOfPattern[Int(pattern)])
      } else {
        var rest = pattern
        while rest != 0 {
          body(rest.trailingZeroBitCount)
          rest &= rest - 1
        }
      }
    }

    var counts = [Int32](repeating: 0, count: filters * segments)
    var transposedCounts = [Int32](repeating: 0, count: geometry.input.channels * segments)
    let filtersPerGroup = filters / geometry.groups
    var line = 0
    for filter in 0..<filters {
      let firstChannel = filter / filtersPerGroup * channels
      for channel in 0..<channels {
        for row in 0..<rows {
          entries(patterns[line]) { segment in
            counts[filter * segments + row * table.perRow + segment] += 1
            let turnedRow = (rows - 1 - row) * table.perRow
            transposedCounts[
              (firstChannel + channel) * segments + turnedRow + table.turned[segment]] +=
              1
          }
          line += 1
        }
      }
    }

    let starts = prefixSums(counts)
    let weightStarts = Self.weightStarts(counts: counts, table: table)
    let transposedStarts = prefixSums(transposedCounts)
    let entryCount = Int(starts[counts.count])
    let weightCount = Int(weightStarts[counts.count])

    var sources = [Int32](repeating: 0, count: entryCount)
    var places = sources
    var densePositions = [Int32](repeating: 0, count: weightCount)
    var transposedSources = sources
    var transposedPlaces = sources
    let gatheredStarts = Self.weightStarts(counts: transposedCounts, table: table)
    var gatheredPlaces = sources + [Int32(weightCount)]
    var next = starts
    var transposedNext = transposedStarts
    line = 0
    for filter in 0..<filters {
      let firstChannel = filter / filtersPerGroup * channels
      for channel in 0..<channels {
        for row in 0..<rows {
          let pattern = patterns[line]
          entries(pattern) { segment in
            let slot = filter * segments + row * table.perRow + segment
            let entry = next[slot]
            next[slot] += 1
            sources[Int(entry)] = Int32(firstChannel + channel)

            let weights = table.weights[segment]
            let firstWeight = Int(weightStarts[slot]) + Int(entry - starts[slot]) * weights
            places[Int(entry)] = Int32(firstWeight)
            if packing == .lines3 {
              var place = firstWeight
              for column in 0..<3 where pattern >> column & 1 != 0 {
                densePositions[place] = Int32(line * 3 + column)
                place += 1
              }
            } else {
              densePositions[firstWeight] = Int32(line * geometry.columns + segment)
            }

            // Filters come in ascending order, so every transposed segment is sorted.
            let turnedRow = (rows - 1 - row) * table.perRow
            let turnedSlot =
              (firstChannel + channel) * segments + turnedRow + table.turned[segment]
            let turnedEntry = Int(transposedNext[turnedSlot])
            transposedNext[turnedSlot] += 1
            transposedSources[turnedEntry] = Int32(filter)
            transposedPlaces[turnedEntry] = Int32(firstWeight)
            gatheredPlaces[turnedEntry] =
              gatheredStarts[turnedSlot]
              + (Int32(turnedEntry) - transposedStarts[turnedSlot]) * Int32(weights)
          }
          line += 1
        }
      }
    }

    forward = PackedFilters.Lists(
      outputs: filters, segments: segments, starts: starts, sources: sources, places: places)
    transposed = PackedFilters.Lists(
      outputs: geometry.input.channels, segments: segments, starts: transposedStarts,
      sources: transposedSources, places: transposedPlaces)
    gathered = transposed.moved(to: gatheredPlaces)
    self.densePositions = densePositions
  }

  private static func weightStarts(counts: [Int32], table: SegmentTable) -> [Int32] {
    var weights = counts
    for index in weights.indices { weights[index] *= Int32(table.weights[index % table.perRow]) }
    return prefixSums(weights)
  }
}

/// Builds the lists of 4x4 blocks of a 1x1 layer, forward and transposed.
struct BlockLists {
  let forward: PackedFilters.Lists
  let transposed: PackedFilters.Lists
  let kept: [UInt16]
  let densePositions: [Int32]

  init(geometry: ConvolutionGeometry, patterns: [UInt16]) {
    let filters = geometry.filters
    let channels = geometry.input.channels
    let filterGroups = (filters + 3) / 4
    let channelGroups = (channels + 3) / 4

    /// Bit channel*4 + filter for the kept places of a block.
    func places(_ filterGroup: Int, _ channelGroup: Int) -> UInt16 {
      var bits: UInt16 = 0
      for filter in filterGroup * 4..<min(filterGroup * 4 + 4, filters) {
        for channel in channelGroup * 4..<min(channelGroup * 4 + 4, channels)
        where patterns[filter * channels + channel] != 0 {
          bits |= 1 << ((channel % 4) * 4 + filter % 4)
        }
      }
      return bits
    }

    var counts = [Int32](repeating: 0, count: filterGroups)
    var transposedCounts = [Int32](repeating: 0, count: channelGroups)
    var sources: [Int32] = []
    var forwardKept: [UInt16] = []
    var positions: [Int32] = []
    for filterGroup in 0..<filterGroups {
      for channelGroup in 0..<channelGroups {
        let bits = places(filterGroup, channelGroup)
        if bits == 0 { continue }
        counts[filterGroup] += 1
        transposedCounts[channelGroup] += 1
        sources.append(Int32(channelGroup))
        forwardKept.append(bits)
        for place in 0..<16 {
          let filter = filterGroup * 4 + place % 4
          let channel = channelGroup * 4 + place / 4
          positions.append(bits >> place & 1 == 0 ? -1 : Int32(filter * channels + channel))
        }
      }
    }

    let starts = prefixSums(counts)
    let transposedStarts = prefixSums(transposedCounts)
    var transposedSources = [Int32](repeating: 0, count: sources.count)
    var transposedPlaces = transposedSources
    var kept = [UInt16](repeating: 0, count: sources.count)
    var next = transposedStarts
    for filterGroup in 0..<filterGroups {
      for entry in Int(starts[filterGroup])..<Int(starts[filterGroup + 1]) {
        let channelGroup = Int(sources[entry])
        let place = Int(next[channelGroup])
        next[channelGroup] += 1
        transposedSources[place] = Int32(filterGroup)
        transposedPlaces[place] = Int32(entry * 16)
        kept[place] = forwardKept[entry]
      }
    }

    forward = PackedFilters.Lists(
      outputs: filterGroups, segments: 1, starts: starts, sources: sources,
      places: sources.indices.map { Int32($0 * 16) })
    transposed = PackedFilters.Lists(
      outputs: channelGroups, segments: 1, starts: transposedStarts, sources: transposedSources,
      places: transposedPlaces)
    self.kept = kept
    densePositions = positions
  }
}
