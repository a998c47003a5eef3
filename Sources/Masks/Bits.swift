// SPDX-License-Identifier: Apache-2.0
/// A fixed number of bits in 64-bit words: bit i is bit i % 64 of word i / 64.
///
/// The bits of the last word beyond `count` are zero.
public struct Bits: Hashable, Sendable {
  /// The number of bits.
  public let count: Int
  /// The bits, 64 a word, lowest first.
  public internal(set) var words: [UInt64]

  /// `count` bits, all alike.
  public init(count: Int, repeating bit: Bool = false) {
    precondition(count >= 0, "a set of bits cannot have \(count) of them")
    self.count = count
    words = [UInt64](repeating: bit ? .max : 0, count: (count + 63) / 64)
    clearBeyondCount()
  }

  /// `count` bits, each set where `isSet` is true. Indices are asked for in ascending order.
  public init(count: Int, where isSet: (Int) -> Bool) {
    self.init(count: count)
    for index in words.indices {
      var word: UInt64 = 0
      let first = index * 64
      for place in 0..<min(64, count - first) where isSet(first + place) {
        word |= 1 << UInt64(place)
      }
      words[index] = word
    }
  }

  /// Words as they are, for the tests of the invariants.
  init(count: Int, uncheckedWords: [UInt64]) {
    self.count = count
    words = uncheckedWords
  }

  /// Whether bit `index` is set.
  public subscript(index: Int) -> Bool {
    get {
      precondition(index >= 0 && index < count, "bit \(index) of \(count)")
      return words[index >> 6] >> UInt64(index & 63) & 1 != 0
    }
    set {
      precondition(index >= 0 && index < count, "bit \(index) of \(count)")
      let bit: UInt64 = 1 << UInt64(index & 63)
      if newValue { words[index >> 6] |= bit } else { words[index >> 6] &= ~bit }
    }
  }

  /// The number of set bits.
  public var popcount: Int {
    var total = 0
    for word in words { total += word.nonzeroBitCount }
    return total
  }

  /// The number of set bits of a range.
  public func popcount(in range: Range<Int>) -> Int {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bits \(range) of \(count)")
    var total = 0
    var first = range.lowerBound
    while first < range.upperBound {
      let length = min(64 - first & 63, range.upperBound - first)
      total += bits(from: first, length: length).nonzeroBitCount
      first += length
    }
    return total
  }

  /// The `length` bits from `first` on, at most 64, lowest first.
  public func bits(from first: Int, length: Int) -> UInt64 {
    precondition(
      first >= 0 && length >= 0 && length <= 64 && first + length <= count,
      "bits \(first)..<\(first + length) of \(count)")
    if length == 0 { return 0 }
    let word = first >> 6
    let place = UInt64(first & 63)
    var result = words[word] >> place
    if Int(place) + length > 64 { result |= words[word + 1] << (64 - place) }
    return length == 64 ? result : result & ((1 << UInt64(length)) - 1)
  }

  /// Sets every bit of a range.
  public mutating func set(_ range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "bits \(range) of \(count)")
    var first = range.lowerBound
    while first < range.upperBound {
      let length = min(64 - first & 63, range.upperBound - first)
      let ones: UInt64 = length == 64 ? .max : (1 << UInt64(length)) - 1
      words[first >> 6] |= ones << UInt64(first & 63)
      first += length
    }
  }

  private mutating func clearBeyondCount() {
    if count & 63 != 0, let last = words.indices.last {
      words[last] &= (1 << UInt64(count & 63)) - 1
    }
  }
}

// MARK: - Sets

extension Bits {
  /// Adds the bits of `other`.
  public mutating func formUnion(_ other: Bits) { combine(other, |) }
  /// Keeps only the bits that `other` has too.
  public mutating func formIntersection(_ other: Bits) { combine(other, &) }
  /// Removes the bits of `other`.
  public mutating func subtract(_ other: Bits) { combine(other) { $0 & ~$1 } }
  /// Keeps the bits that exactly one of the two has.
  public mutating func formSymmetricDifference(_ other: Bits) { combine(other, ^) }

  /// The bits that either has.
  public func union(_ other: Bits) -> Bits { changed { $0.formUnion(other) } }
  /// The bits that both have.
  public func intersection(_ other: Bits) -> Bits { changed { $0.formIntersection(other) } }
  /// The bits that `other` lacks.
  public func subtracting(_ other: Bits) -> Bits { changed { $0.subtract(other) } }

  /// Whether `other` has every bit of this.
  public func isSubset(of other: Bits) -> Bool {
    precondition(count == other.count, "sets of \(count) and \(other.count) bits")
    return words.indices.allSatisfy { words[$0] & ~other.words[$0] == 0 }
  }

  /// The number of bits in which two sets differ (Hamming distance).
  public func distance(to other: Bits) -> Int {
    precondition(count == other.count, "sets of \(count) and \(other.count) bits")
    var total = 0
    for index in words.indices { total += (words[index] ^ other.words[index]).nonzeroBitCount }
    return total
  }

  private mutating func combine(_ other: Bits, _ operation: (UInt64, UInt64) -> UInt64) {
    precondition(count == other.count, "sets of \(count) and \(other.count) bits")
    for index in words.indices { words[index] = operation(words[index], other.words[index]) }
  }

  private func changed(_ change: (inout Bits) -> Void) -> Bits {
    var copy = self
    change(&copy)
    return copy
  }
}

// MARK: - Iteration and bytes

extension Bits {
  /// The indices of the set bits in ascending order.
  public var setBits: SetBits { SetBits(words: words) }

  /// Walks over the set bits of a `Bits`.
  public struct SetBits: Sequence, IteratorProtocol, Sendable {
    private let words: [UInt64]
    private var word = -1
    private var rest: UInt64 = 0

    init(words: [UInt64]) { self.words = words }

    /// The index of the next set bit.
    public mutating func next() -> Int? {
      while rest == 0 {
        word += 1
        if word >= words.count { return nil }
        rest = words[word]
      }
      let place = rest.trailingZeroBitCount
      rest &= rest - 1
      return word << 6 | place
    }
  }

  /// Bytes that hold `count` bits.
  static func byteCount(_ count: Int) -> Int { (count + 7) / 8 }

  /// The bits as bytes, lowest first: bit i is bit i % 8 of byte i / 8.
  public var bytes: [UInt8] {
    (0..<Self.byteCount(count)).map { UInt8(truncatingIfNeeded: words[$0 >> 3] >> (8 * ($0 & 7))) }
  }

  /// The set that `bytes` wrote; `nil` where their number is wrong or a bit beyond `count` is set.
  public init?(count: Int, bytes: some Collection<UInt8>) {
    guard count >= 0, bytes.count == Self.byteCount(count) else { return nil }
    var words = [UInt64](repeating: 0, count: (count + 63) / 64)
    var index = 0
    for byte in bytes {
      words[index >> 3] |= UInt64(byte) << UInt64(8 * (index & 7))
      index += 1
    }
    self.init(count: count, uncheckedWords: words)
    if hasBitsBeyondCount { return nil }
  }

  /// Whether the invariant of the last word is broken.
  var hasBitsBeyondCount: Bool {
    guard count & 63 != 0, let last = words.last else { return false }
    return last >> UInt64(count & 63) != 0
  }
}
