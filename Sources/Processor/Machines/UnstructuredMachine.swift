// SPDX-License-Identifier: Apache-2.0
import Masks

extension LayerPass {
  /// Masks of single weights, with detection the entries that any row needs and else all of them loaded,
  /// half-tiles paired for balance, and a Benes network in every row.
  ///
  /// The network is counted as all its 2·log2(E) - 1 stages for each vector that a row takes: its
  /// switches are set for the whole window, and all of them see data. Weight gradients are routed
  /// back by a second pass, since no setting is kept to be run backwards.
  func onUnstructuredMachine() -> PassRun {
    let paired = parts.map(\.withPairedHalves)
    let routed = hardware(
      detects: hardware.techniques.detectBeforeLoad, compresses: true)
    let schedule = PassSchedule(paired, pass: pass, images: images, hardware: routed)
    var activity = activity(schedule, routed, notPruned: effectualMACs)
    let stages = 2 * hardware.array.window.trailingZeroBitCount - 1
    activity.networkMoves =
      activity.vectorsTaken * stages * (pass == .weightGradient ? 2 : 1)
    if pass != .weightGradient {
      // The two halves of an output come from two rows.
      activity.extraAdditions += parts.reduce(0) {
        $0 + $1.rows * $1.rowAxis.outputs * $1.columnAxis.outputs * images
      }
    }
    return PassRun(
      timing: schedule.fastTiming(routed), activity: activity,
      maskBits: layer.mask.shape.count, storedWeights: layer.mask.keptElements,
      restart: schedule.restart(routed))
  }
}

extension LoweredPart {
  /// The part with its rows cut in two halves by source planes and recombined: the densest
  /// first half with the sparsest second half, and so on. Rows of a grouped convolution stay in their
  /// group.
  var withPairedHalves: LoweredPart {
    var paired: [UInt64] = []
    paired.reserveCapacity(words.count)
    for group in 0..<groups {
      let (start, end) = (rows / groups * group, rows / groups * (group + 1))
      let middle = reachedEntries(start).lowerBound + planes / groups / 2 * tapCount
      let first = (start..<end).map { needed(row: $0, below: middle) }
      let second = (start..<end).map { needed(row: $0) - first[$0 - start] }
      let byFirst = (start..<end).sorted {
        (-first[$0 - start], $0) < (-first[$1 - start], $1)
      }
      let bySecond = (start..<end).sorted {
        (second[$0 - start], $0) < (second[$1 - start], $1)
      }
      for (upper, lower) in zip(byFirst, bySecond) {
        for (index, pair) in zip(mask(upper), mask(lower)).enumerated() {
          let below = Self.ones(below: middle, word: index)
          paired.append(pair.0 & below | pair.1 & ~below)
        }
      }
    }
    return LoweredPart(
      pass: pass, rows: rows, planes: planes, rowAxis: rowAxis, columnAxis: columnAxis, taps: taps,
      words: paired, groups: groups)
  }

  private func needed(row: Int, below end: Int) -> Int {
    mask(row).enumerated().reduce(0) {
      $0 + ($1.element & Self.ones(below: end, word: $1.offset)).nonzeroBitCount
    }
  }

  /// The bits of a word that represent entries below a number.
  private static func ones(below end: Int, word: Int) -> UInt64 {
    let bits = end - word * 64
    return bits >= 64 ? .max : bits <= 0 ? 0 : 1 << UInt64(bits) - 1
  }
}
