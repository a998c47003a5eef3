/// A fixed number of bits in 64-bit words. Bits past the count are zero.
public struct Bits: Hashable, Sendable {
  /// Number of bits.
  public let count: Int
  /// Bit `i` is bit `i % 64` of word `i / 64`.
  public private(set) var words: [UInt64]

  /// Bits that are all set or all clear.
  public init(count: Int, set: Bool = false) {
    precondition(count >= 0, "a number of bits")
    self.count = count
    words = [UInt64](repeating: set ? .max : 0, count: (count + 63) / 64)
    if set, count % 64 != 0 { words[words.count - 1] = (1 << UInt64(count % 64)) - 1 }
  }

  /// Bits from words; nil when there are too few or too many, or bits past the count are set.
  public init?(count: Int, words: [UInt64]) {
    guard count >= 0, words.count == (count + 63) / 64 else { return nil }
    if count % 64 != 0, words[words.count - 1] >> UInt64(count % 64) != 0 { return nil }
    self.count = count
    self.words = words
  }

  /// One bit.
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

  /// Bits `start..<start + length` as a number, the first lowest; at most 64.
  public func field(at start: Int, length: Int) -> UInt64 {
    precondition(start >= 0 && (0...64).contains(length) && start + length <= count)
    if length == 0 { return 0 }
    let shift = UInt64(start & 63)
    var value = words[start >> 6] >> shift
    if shift != 0, Int(shift) + length > 64 { value |= words[(start >> 6) + 1] << (64 - shift) }
    return length == 64 ? value : value & ((1 << UInt64(length)) - 1)
  }

  /// Bits that are set.
  public var setCount: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// Whether every set bit is set in the other as well.
  public func isSubset(of other: Bits) -> Bool {
    precondition(count == other.count, "sets of one size")
    return zip(words, other.words).allSatisfy { $0 & ~$1 == 0 }
  }
}
