// SPDX-License-Identifier: Apache-2.0
import Masks

/// Weights of each unit.
enum UnitSizes: Sendable {
  case uniform(Int)
  case each([Int32])

  /// Weights of one unit.
  subscript(unit: Int) -> Int {
    switch self {
    case .uniform(let size): size
    case .each(let sizes): Int(sizes[unit])
    }
  }

  /// Whether a unit has weights at all.
  func hasWeights(_ unit: Int) -> Bool { self[unit] > 0 }

  /// Weights of a set of units.
  func total(_ units: Bits) -> Int {
    switch self {
    case .uniform(let size): return size * units.popcount
    case .each(let sizes):
      var total = 0
      for unit in units.setBits { total += Int(sizes[unit]) }
      return total
    }
  }
}

/// The place of a unit in a ranking, as an integer: larger comes first, equal ones by index.
///
/// The bits of floats that are not negative are ordered as the floats are. Units that survive have
/// the top bit set and so come before all newcomers, however large the newcomers' gradient.
enum RankKey {
  /// Not a candidate.
  static let none: UInt32 = 0
  /// Taken whatever the target.
  static let forced = UInt32.max
  /// Added to the key of a unit that is kept.
  static let survivor: UInt32 = 1 << 31

  /// The key of a score that is zero or larger; NaN ranks as zero.
  static func of(_ score: Float) -> UInt32 {
    score > 0 ? score.bitPattern + 1 : 1
  }
}

/// Units in the order of their keys, and the choice of the first of them.
struct Ranking {
  var keys: [UInt32]
  let sizes: UnitSizes
  /// Units of a row; rows are what floors and balance look at.
  let rowLength: Int

  /// Forces the best unit of every row, so that no row is left without.
  mutating func forceBestOfEachRow() {
    var first = 0
    while first < keys.count {
      var best = first
      for unit in first..<min(first + rowLength, keys.count) where keys[unit] > keys[best] {
        best = unit
      }
      if keys[best] != RankKey.none { keys[best] = RankKey.forced }
      first += rowLength
    }
  }

  /// The first units of the ranking, as many as bring their weights closest to `target`: at most
  /// half a unit off, unless the candidates run out or more than that is forced. Candidates are the
  /// units with a key of `least` or more.
  func selection(target: Int, atLeast least: UInt32 = RankKey.none + 1) -> Bits {
    switch sizes {
    case .uniform(let size): selection(target, least, UniformSize(size: size))
    case .each(let sizes): selection(target, least, EachSize(sizes: sizes))
    }
  }

  private struct UniformSize: UnitSize {
    let size: Int
    func callAsFunction(_ unit: Int) -> Int { size }
  }

  private struct EachSize: UnitSize {
    let sizes: [Int32]
    func callAsFunction(_ unit: Int) -> Int { Int(sizes[unit]) }
  }

  /// Radix selection: a histogram of weights over the top bits of the keys finds the bin in which
  /// the target is crossed; twice more inside that bin gives the very key.
  private func selection(_ target: Int, _ least: UInt32, _ size: some UnitSize) -> Bits {
    var histogram = [Int](repeating: 0, count: 1 << 11)
    for unit in keys.indices where keys[unit] >= least {
      histogram[Int(keys[unit] >> 21)] += size(unit)
    }
    // Survivors and newcomers never reach the top bin: it is what is forced.
    var taken = histogram[2047]  // weights of the units above the bin
    if taken >= target { return Bits(count: keys.count) { keys[$0] == RankKey.forced } }
    guard let top = Self.crossing(histogram, below: 2047, &taken, target) else {
      return Bits(count: keys.count) { keys[$0] >= least }
    }

    let inside = keys.indices.filter { keys[$0] >> 21 == UInt32(top) && keys[$0] >= least }
    var prefix = UInt32(top)
    for shift in [10, 0] as [UInt32] {
      let bits: UInt32 = shift == 10 ? 11 : 10
      histogram = [Int](repeating: 0, count: 1 << Int(bits))
      for unit in inside where keys[unit] >> (shift + bits) == prefix {
        histogram[Int(keys[unit] >> shift & ((1 << bits) - 1))] += size(unit)
      }
      guard let bin = Self.crossing(histogram, below: histogram.count, &taken, target) else {
        preconditionFailure("the target is crossed inside the bin")
      }
      prefix = prefix << bits | UInt32(bin)
    }

    var chosen = Bits(count: keys.count) { keys[$0] > prefix }
    for unit in inside where keys[unit] == prefix {
      let after = taken + size(unit)
      if after > target {
        if after - target < target - taken { chosen[unit] = true }
        break
      }
      taken = after
      chosen[unit] = true
    }
    return chosen
  }

  /// The highest bin with which `taken` exceeds the target, once all higher ones are taken.
  private static func crossing(
    _ histogram: [Int], below end: Int, _ taken: inout Int, _ target: Int
  ) -> Int? {
    for bin in stride(from: end - 1, through: 0, by: -1) {
      if taken + histogram[bin] > target { return bin }
      taken += histogram[bin]
    }
    return nil
  }
}

/// The weights of a unit, as a type so that loops over millions of units are specialised.
private protocol UnitSize {
  func callAsFunction(_ unit: Int) -> Int
}
