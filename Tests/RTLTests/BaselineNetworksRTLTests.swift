// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor
@testable import RTL

/// The networks of the baselines, whose switches are set here and nowhere else in the sources.
@Suite(.needsVerilator) struct BaselineNetworksRTLTests {
  private static let width = 16

  @Test("every mask of 8 lanes, random masks and permutations of 16: all needed data arrives")
  func networks() throws {
    var random = SeededRandom(seed: 1, stream: 302)
    var vectors: [String: String] = [:]
    var count = 0
    for lanes in [8, 16] {
      let masks = lanes == 8 ? Array(0..<256) : (0..<300).map { _ in random.next() & random.next() }
      vectors["butterfly\(lanes).txt"] = masks.map { mask in
        let kept = (0..<lanes).filter { mask >> UInt64($0) & 1 != 0 }
        return line(
          controls: HexNumber(butterfly(lanes, kept), width: lanes / 2), from: kept, lanes, &random)
      }.joined()
      let orders = (0..<300).map { _ in shuffled(lanes, &random) }
      vectors["benes\(lanes).txt"] = orders.map { from in
        line(controls: HexNumber(benes(from), width: lanes / 2), from: from, lanes, &random)
      }.joined()
      vectors["crossbar\(lanes).txt"] = (0..<100).map { _ in
        let from = (0..<lanes).map { _ in Int(random.next() % UInt64(lanes)) }
        let takes = HexNumber(from.map { UInt64($0) }, width: lanes.trailingZeroBitCount)
        return line(controls: takes, from: from, lanes, &random)
      }.joined()
      count += masks.count + 300 + 100
    }
    let outcome = try Bench.run("tb_swpu_baseline_networks", vectors: vectors)
    #expect(outcome == Bench.Outcome(checked: count, differing: 0))
  }

  /// A line of the bench: lane i has to give what came in at `from[i]`.
  private func line(
    controls: HexNumber, from: [Int], _ lanes: Int, _ random: inout SeededRandom
  ) -> String {
    let data = (0..<lanes).map { _ in random.next() >> 48 }
    let counts: UInt64 = (1 << UInt64(from.count)) - 1
    let given = from.map { data[$0] } + [UInt64](repeating: 0, count: lanes - from.count)
    let fields = [
      controls, HexNumber(data, width: Self.width), HexNumber([counts], width: lanes),
      HexNumber(given, width: Self.width),
    ]
    return fields.map(\.text).joined(separator: " ") + "\n"
  }

  private func shuffled(_ count: Int, _ random: inout SeededRandom) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, Int(random.next() % UInt64(last + 1)))
    }
    return order
  }

  /// The number of the switch of a column whose lower lane this is.
  private func switchNumber(_ low: Int, apart: Int) -> Int {
    low / (2 * apart) * apart + low % apart
  }

  /// Columns of an inverse butterfly that pack the lanes `kept`: in column j a lane takes bit j of its
  /// place.
  private func butterfly(_ lanes: Int, _ kept: [Int]) -> [UInt64] {
    var lane = kept
    return (0..<lanes.trailingZeroBitCount).map { column in
      var crosses: UInt64 = 0
      for (place, now) in lane.enumerated() where (place ^ now) >> column & 1 != 0 {
        let low = now & ~(1 << column)
        crosses |= 1 << UInt64(switchNumber(low, apart: 1 << column))
        lane[place] = now ^ 1 << column
      }
      return crosses
    }
  }

  /// Columns of a Benes network through which lane i gets what came in at `from[i]`.
  private func benes(_ from: [Int]) -> [UInt64] {
    var columns = [UInt64](repeating: 0, count: 2 * from.count.trailingZeroBitCount - 1)
    setBenes(&columns, depth: 0, first: 0, from: from)
    return columns
  }

  /// Sets the part of a Benes network over the lanes from `first` on, numbered from there.
  private func setBenes(_ columns: inout [UInt64], depth: Int, first: Int, from: [Int]) {
    let (size, last) = (from.count, columns.count - 1 - depth)
    let half = size / 2
    if size == 2 {
      if from[0] == 1 { columns[depth] |= 1 << UInt64(switchNumber(first, apart: 1)) }
      return
    }
    // Outputs that share a switch part, and so do those whose inputs share one: a graph of loops,
    // walked by colouring.
    var goes = [Int](repeating: 0, count: size)
    for (output, input) in from.enumerated() { goes[input] = output }
    var passesHigh = [Bool?](repeating: nil, count: size)
    for start in 0..<size where passesHigh[start] == nil {
      var waiting = [(start, false)]
      while let (output, high) = waiting.popLast() {
        if passesHigh[output] != nil { continue }
        passesHigh[output] = high
        waiting.append(((output + half) % size, !high))
        waiting.append((goes[(from[output] + half) % size], !high))
      }
    }
    var halves = [[Int](repeating: 0, count: half), [Int](repeating: 0, count: half)]
    for (output, input) in from.enumerated() {
      let high = passesHigh[output] ?? false
      halves[high ? 1 : 0][output % half] = input % half
      if output < half && high {
        columns[last] |= 1 << UInt64(switchNumber(first + output, apart: half))
      }
      if input < half && high {
        columns[depth] |= 1 << UInt64(switchNumber(first + input, apart: half))
      }
    }
    setBenes(&columns, depth: depth + 1, first: first, from: halves[0])
    setBenes(&columns, depth: depth + 1, first: first + half, from: halves[1])
  }
}
