// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor
@testable import RTL

@Suite(.needsVerilator) struct HammingUnitRTLTests {
  /// A layer of rows with random masks, some of them equal, some empty.
  private func layer(rows: Int, entries: Int, _ random: inout SeededRandom) -> LoweredPart {
    let wordsPerRow = (entries + 63) / 64
    var words: [UInt64] = []
    for row in 0..<rows {
      if row > 0, random.below(6) == 0 {
        let other = random.below(row)
        words += words[other * wordsPerRow..<(other + 1) * wordsPerRow]
        continue
      }
      let density = [0, 0.05, 0.2, 0.5, 1][random.below(5)]
      for word in 0..<wordsPerRow {
        var bits: UInt64 = 0
        for bit in 0..<min(64, entries - word * 64) where Double(random.uniform()) < density {
          bits |= 1 << UInt64(bit)
        }
        words.append(bits)
      }
    }
    let axis = Axis(outputs: 1, source: 1, step: 1, offsets: [0])
    return LoweredPart(
      pass: .forward, rows: rows, planes: entries, rowAxis: axis, columnAxis: axis, taps: [(0, 0)],
      words: words)
  }

  /// Cycles of the unit: a word a cycle to count the bits of all rows, and one until the last is
  /// there. Then one for each row that joins, and after it, while rows are left, its words, those of
  /// the rows left and one; in a group that is full only one for each row left.
  private func cycles(_ part: LoweredPart, group: Int) -> Int {
    var cycles = part.rows * part.wordsPerRow + 1
    for joined in 1...part.rows {
      let left = part.rows - joined
      cycles += 1
      if left == 0 { continue }
      cycles += joined % group == 0 ? left : (1 + left) * part.wordsPerRow + 1
    }
    return cycles
  }

  private func text(_ part: LoweredPart, group: Int) -> String {
    var lines = ["\(hex(part.rows - 1)) \(hex(part.wordsPerRow - 1))"]
    for row in 0..<part.rows { lines += part.mask(row).map { hex($0) } }
    for group in part.groups(of: group, order: .hamming) {
      lines += group.enumerated().map { "\(hex($1)) \($0 == 0 ? 1 : 0)" }
    }
    lines.append(hex(cycles(part, group: group)))
    return lines.joined(separator: "\n") + "\n"
  }

  private func check(layers: Int) throws {
    var random = SeededRandom(seed: 1, stream: 304)
    // The largest that the bench's units hold, one row, and random ones.
    var parts = [layer(rows: 64, entries: 512, &random), layer(rows: 1, entries: 1, &random)]
    while parts.count < layers {
      parts.append(layer(rows: 1 + random.below(64), entries: 1 + random.below(512), &random))
    }
    let groups = [1, 4, 16]
    let outcome = try Bench.run(
      "tb_swpu_hamming_unit",
      vectors: Dictionary(
        uniqueKeysWithValues: groups.map { group in
          ("hamming\(group).txt", parts.map { text($0, group: group) }.joined())
        }))
    #expect(outcome == Bench.Outcome(checked: groups.count * layers, differing: 0))
  }

  @Test("the order and the cycles of 40 layers in groups of 1, 4 and 16 rows")
  func order() throws { try check(layers: 40) }

  @Test("1,000 layers", .enabled(if: Bench.isSlow))
  func manyLayers() throws { try check(layers: 1000) }
}
