// SPDX-License-Identifier: Apache-2.0

import Tensor
import Testing

@testable import Processor

@Suite struct LineOrderTests {
  @Test("a list holds every entry that the group needs, once, and no line that it does not")
  func permutation() {
    for seed in 0..<150 as Range<UInt64> {
      var random = RandomCase(seed: seed)
      random.hardware.techniques.reorderLines = .balanced
      random.hardware.techniques.detectBeforeLoad = true
      for pass in Pass.allCases {
        for part in LoweredPart.lower(random.geometry, mask: random.mask, pass: pass) {
          for group in part.groups(of: random.hardware.array.rows, order: .hamming) {
            let order = part.lineOrder(group, random.hardware)
            let list = (order.list ?? []).map { Int($0) }
            let needed = Set(
              (0..<part.entries).filter { entry in
                group.contains { part.needs(row: $0, entry: entry) }
              }.map { $0 / part.kernelColumns })
            #expect(Set(list) == needed && list.count == needed.count, "\(seed) \(pass)")
            for place in 0..<order.places {
              #expect(order.tap(place) == order.entry(place) % part.tapCount)
            }
          }
        }
      }
    }
  }

  @Test("each line is the one of the next 32 that leaves the window's counts most level")
  func greedy() {
    var raised = 0
    for seed in 0..<60 as Range<UInt64> {
      var random = RandomCase(seed: seed, largestPlanes: 40)
      random.hardware.techniques.reorderLines = .balanced
      random.hardware.techniques.detectBeforeLoad = true
      // More rows than a word has bytes, and the largest windows.
      if seed % 2 == 0 { random.hardware.array.rows = 7 + Int(seed % 17) }
      if seed % 3 == 0 { random.hardware.array.window = 64 }
      let window = random.hardware.array.window
      guard
        let part = LoweredPart.lower(random.geometry, mask: random.mask, pass: .forward).first
      else { continue }
      let group = Array(0..<min(part.rows, random.hardware.array.rows))
      let list = (part.lineOrder(group, random.hardware).list ?? []).map { Int($0) }
      func entries(_ line: Int) -> [Int] {
        (line * part.kernelColumns..<(line + 1) * part.kernelColumns).filter { entry in
          group.contains { part.needs(row: $0, entry: entry) }
        }
      }
      var left = list.sorted()
      var emitted: [Int] = []
      for line in list {
        // The window under way; a full one counts until another entry comes.
        let inWindow = emitted.isEmpty ? 0 : (emitted.count - 1) % window + 1
        let held = emitted.suffix(inWindow)
        /// Rows times the excess of the most over the mean, and what decides between equal ones.
        func rating(_ line: Int) -> (Int, Int, Int) {
          let counts = group.map { row in
            (Array(held) + entries(line)).count { part.needs(row: row, entry: $0) }
          }
          return (
            (counts.max() ?? 0) * counts.count - counts.reduce(0, +), -entries(line).count, line
          )
        }
        let best = left.prefix(LineOrder.lookahead).map(rating).min { $0 < $1 }
        #expect(best?.2 == line, "seed \(seed)")
        if let best, best.0 > 0 { raised += 1 }
        left.removeAll { $0 == line }
        emitted += entries(line)
      }
    }
    #expect(raised > 100, "\(raised) lines leave the rows uneven")
  }

  @Test("balanced lines make the weight gradient faster, and cost the others little")
  func faster() {
    var hardware = HardwareDescription.swpu
    var cycles: [HardwareDescription.LineReorder: [Pass: Int]] = [:]
    let workload = SimulatorTests.workload(sparsity: 0.9)
    let layer = workload.layers[2]
    for order in HardwareDescription.LineReorder.allCases {
      hardware.techniques.reorderLines = order
      for pass in Pass.allCases {
        cycles[order, default: [:]][pass] =
          PassSchedule(
            layer.geometry, mask: layer.mask, pass: pass, images: 4, hardware: hardware
          ).fastTiming(hardware).cycles
      }
    }
    let (none, balanced) = (cycles[.none] ?? [:], cycles[.balanced] ?? [:])
    #expect((balanced[.weightGradient] ?? 0) * 10 < (none[.weightGradient] ?? 0) * 9)
    #expect((balanced[.forward] ?? 0) * 10 < (none[.forward] ?? 0) * 11)
  }
}
