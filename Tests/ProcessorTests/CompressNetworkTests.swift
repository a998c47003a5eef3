// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor

@Suite struct CompressNetworkTests {
  /// What packing means, without stages: nil if the network does otherwise.
  func violation(_ network: CompressNetwork, _ mask: UInt64) -> String? {
    let lanes = network.lanes
    let settings = network.settings(needed: mask)
    let kept = (0..<lanes).filter { mask >> UInt64($0) & 1 != 0 }
    let full: [Int?] = (0..<lanes).map { $0 }
    let packed = network.compress(full, settings)
    if packed != kept.map { $0 } + [Int?](repeating: nil, count: lanes - kept.count) {
      return "packed \(packed) of \(kept)"
    }
    // On the way back the lanes above the packed ones carry rubbish.
    let expanded = network.expand(packed.map { $0 ?? -1 }, settings)
    if expanded != full.map({ $0.flatMap { kept.contains($0) ? $0 : nil } }) {
      return "expanded to \(expanded)"
    }
    let moves = kept.enumerated().reduce(0) { $0 + ($1.element - $1.offset).nonzeroBitCount }
    if settings.moves != moves { return "\(settings.moves) moves, not \(moves)" }
    return nil
  }

  @Test("every mask is packed and brought back", arguments: [1, 2, 4, 8])
  func all(lanes: Int) {
    let network = CompressNetwork(lanes: lanes)
    let wrong = (0..<UInt64(1) << UInt64(lanes)).compactMap { violation(network, $0) }
    #expect(wrong.first == nil)
  }

  /// All masks of 16 lanes for conflicts alone (a conflict is a failed precondition), and one of 32
  /// for the values; the slow tests take all.
  @Test func sixteenLanes() {
    let network = CompressNetwork(lanes: 16)
    var wrong = 0
    for mask in 0..<UInt64(1) << 16 {
      let settings = network.settings(needed: mask)
      let packed = UInt64(1) << UInt64(mask.nonzeroBitCount) - 1
      if settings.occupied[4] != packed { wrong += 1 }
      if (mask ^ mask >> 4) & 0x1F == 0, violation(network, mask) != nil { wrong += 1 }
    }
    #expect(wrong == 0)
  }

  @Test("random masks", arguments: [32, 64])
  func random(lanes: Int) {
    let network = CompressNetwork(lanes: lanes)
    var random = SeededRandom(seed: 1)
    for _ in 0..<1000 {
      let mask = (random.next() & (random.next() | random.next())) >> UInt64(64 - lanes)
      let violation = violation(network, mask)
      #expect(violation == nil, "mask \(mask)")
    }
  }

  /// The count of the plan on one window of one row.
  @Test func wiresHoldWhereNothingArrives() {
    let network = CompressNetwork(lanes: 4)
    var wires = NetworkWires(network, words: 1)
    // Lane 3 moves by 1, then by 2 (three unneeded lanes below); all other wires hold.
    #expect(wires.compress([7, 7, 7, 0xFF], network.settings(needed: 0b1000)) == [3])
    #expect(wires.toggles.map(\.moved) == [8, 8])
    #expect(wires.toggles.map(\.passed) == [0, 0])
    // Lane 0 passes in place: behind stage 1 its wire still has the vector of before.
    #expect(wires.compress([0xF0, 7, 7, 7], network.settings(needed: 0b0001)) == [0])
    #expect(wires.toggles.map(\.moved) == [8, 8])
    #expect(wires.toggles.map(\.passed) == [4, 4])
    // The same vectors again change nothing.
    _ = wires.compress([0xF0, 7, 7, 7], network.settings(needed: 0b0001))
    #expect(wires.toggles.map(\.passed) == [4, 4])
    // Lane 2 moves down to 1 in stage 0 (its wire holds 0), stays there, next to lane 0.
    #expect(wires.compress([0xF0, 7, 3, 7], network.settings(needed: 0b0101)) == [0, 2])
    #expect(wires.toggles.map(\.moved) == [10, 8])
    #expect(wires.toggles.map(\.passed) == [4, 6])
  }
}
