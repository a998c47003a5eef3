// SPDX-License-Identifier: Apache-2.0
import Masks

/// The candidates of a choice in rows that have room, row by row, with their scores and channels.
struct OpenUnits {
  private(set) var units: [Int] = []
  private(set) var scores: [Float] = []
  private(set) var channels: [Int] = []
  private var rowStarts: [Int] = [0]
  private let channelCount: Int

  init(
    _ candidates: Bits, rows: Int, channelOf: [Int], channels channelCount: Int,
    hasRoom: (Int) -> Bool, score: (Int) -> Float
  ) {
    self.channelCount = channelCount
    let capacity = candidates.popcount
    units.reserveCapacity(capacity)
    scores.reserveCapacity(capacity)
    channels.reserveCapacity(capacity)
    let rowLength = channelOf.count
    var isOpen = hasRoom(0)
    var end = rowLength
    for unit in candidates.setBits {
      while unit >= end {
        rowStarts.append(units.count)
        isOpen = hasRoom(rowStarts.count - 1)
        end += rowLength
      }
      if !isOpen { continue }
      units.append(unit)
      scores.append(score(unit))
      channels.append(channelOf[unit - (end - rowLength)])
    }
    while rowStarts.count <= rows { rowStarts.append(units.count) }
  }

  /// Where the candidates of a row stand.
  func places(of row: Int) -> Range<Int> { rowStarts[row]..<rowStarts[row + 1] }

  /// The score of the last candidate that each row has room for; 0 where it has room for all.
  func rowMarks(_ room: [Int]) -> [Float] {
    var values = scores
    return room.indices.map { nthLargest(room[$0], &values, places(of: $0)) }
  }

  /// The score of the last candidate that each channel has room for; 0 where it has room for all.
  func channelMarks(_ room: [Int]) -> [Float] {
    var starts = [Int](repeating: 0, count: channelCount + 1)
    for channel in channels { starts[channel + 1] += 1 }
    for channel in 0..<channelCount { starts[channel + 1] += starts[channel] }
    var values = scores
    var next = starts
    for (place, channel) in channels.enumerated() {
      values[next[channel]] = scores[place]
      next[channel] += 1
    }
    return room.indices.map { nthLargest(room[$0], &values, starts[$0]..<starts[$0 + 1]) }
  }
}

/// The n-th largest of a range of values, which it reorders; 0 where there are not so many, and for
/// n = 0.
private func nthLargest(_ n: Int, _ values: inout [Float], _ range: Range<Int>) -> Float {
  guard (1...max(range.count, 1)).contains(n), !range.isEmpty else { return 0 }
  let place = range.lowerBound + n - 1
  var (first, last) = (range.lowerBound, range.upperBound - 1)
  while first < last {
    // The middle value splits what is left into larger and smaller ones (Hoare).
    let pivot = values[first + (last - first) / 2]
    var (low, high) = (first, last)
    while low <= high {
      while values[low] > pivot { low += 1 }
      while values[high] < pivot { high -= 1 }
      if low <= high {
        values.swapAt(low, high)
        low += 1
        high -= 1
      }
    }
    if place <= high {
      last = high
    } else if place >= low {
      first = low
    } else {
      break
    }
  }
  return values[place]
}
