// SPDX-License-Identifier: Apache-2.0
/// A seeded stream of random numbers (SplitMix64, Steele, Lea and Flood 2014).
///
/// Every random choice of a run comes from one of these. A stream is a value: copying it copies its
/// position, and storing `state` is all that a checkpoint needs.
///
/// ```swift
/// var random = SeededRandom(seed: 1)
/// print(random.permutation(5), random.uniform())
/// ```
public struct SeededRandom: RandomNumberGenerator, Sendable, Hashable, Codable {
  /// The position of the stream.
  public var state: UInt64

  /// A stream of its own for each seed and purpose: the same seed gives unrelated streams for
  /// different `stream` numbers (layer, epoch, image …).
  public init(seed: UInt64, stream: UInt64 = 0) {
    state = seed
    let base = next()
    state = base ^ (stream &* 0xD1B5_4A32_D192_ED03)
    _ = next()
  }

  /// The next 64 random bits.
  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// A uniform number in 0..<1, a multiple of 2^-24.
  public mutating func uniform() -> Float {
    Float(next() >> 40) * 0x1p-24
  }

  /// A uniform integer in 0..<bound.
  public mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "a random integer needs a positive bound")
    return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// The integers 0..<count in random order (Fisher and Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for last in stride(from: count - 1, to: 0, by: -1) {
      order.swapAt(last, below(last + 1))
    }
    return order
  }
}
