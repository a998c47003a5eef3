// SPDX-License-Identifier: Apache-2.0
/// Bits that changed on the wires behind a stage of a compress network.
public struct StageToggles: Hashable, Sendable, Codable {
  /// On the way through a switch that moves a vector.
  public var moved = 0
  /// At lanes that a vector passes in place.
  public var passed = 0

  /// No bits.
  public init() {}

  static func + (a: StageToggles, b: StageToggles) -> StageToggles {
    var sum = a
    sum.moved += b.moved
    sum.passed += b.passed
    return sum
  }
}

/// The wires behind every stage of a row's compress network, with the bits that they last carried.
///
/// A wire changes only when a vector arrives on it; those that carry nothing are disconnected and
/// hold their bits. All wires start at 0.
struct NetworkWires: Sendable {
  private let network: CompressNetwork
  /// Words of an operand vector, its lanes packed one after the other.
  private let words: Int
  private var state: [UInt64]
  /// Bits that changed, by stage.
  private(set) var toggles: [StageToggles]

  init(_ network: CompressNetwork, words: Int) {
    self.network = network
    self.words = words
    state = [UInt64](repeating: 0, count: network.stages * network.lanes * words)
    toggles = [StageToggles](repeating: StageToggles(), count: network.stages)
  }

  /// Packs vectors of which lane i is in `bits` from word `i · words` on.
  ///
  /// - Returns: the lane that each packed vector came from.
  mutating func compress(_ bits: [UInt64], _ settings: CompressNetwork.Settings) -> [Int] {
    var lanes: [Int?] = (0..<network.lanes).map { $0 }
    for stage in 0..<network.stages {
      lanes = network.down(stage, lanes, settings)
      drive(stage, lanes, bits, movedInto: settings.moving[stage] >> (1 << UInt64(stage)))
    }
    return lanes[..<settings.needed].map { $0 ?? 0 }
  }

  private mutating func drive(_ stage: Int, _ lanes: [Int?], _ bits: [UInt64], movedInto: UInt64) {
    for (place, lane) in lanes.enumerated() {
      guard let lane else { continue }
      var changed = 0
      let wire = (stage * network.lanes + place) * words
      for word in 0..<words {
        let value = bits[lane * words + word]
        changed += (state[wire + word] ^ value).nonzeroBitCount
        state[wire + word] = value
      }
      if movedInto >> UInt64(place) & 1 != 0 {
        toggles[stage].moved += changed
      } else {
        toggles[stage].passed += changed
      }
    }
  }
}
