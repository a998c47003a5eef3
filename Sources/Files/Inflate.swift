// SPDX-License-Identifier: Apache-2.0
/// Decompresses deflate data (RFC 1951), as zip files hold it.
///
/// The caller states how much it expects, and nothing beyond that is made: a small file cannot fill the
/// memory.
package struct Inflate {
  /// What is wrong with the data.
  package struct Fault: Error {
    package let found: String
  }

  private enum State {
    case betweenBlocks
    /// In a block of bytes as they are, of which so many are left.
    case stored(Int)
    case coded(literals: PrefixCode, distances: PrefixCode)
    case ended
  }

  /// How far back a reference can reach.
  private static let window = 1 << 15

  private var input: ArraySlice<UInt8>
  /// The piece after `input`; empty at the end.
  private let refill: () -> ArraySlice<UInt8>
  private var position: Int
  private var held: UInt64 = 0
  private var heldBits = 0
  private let limit: Int
  private var state = State.betweenBlocks
  private var isLastBlock = false
  private var output: [UInt8] = []
  /// Where what has not been taken starts.
  private var untaken = 0

  private init(_ input: ArraySlice<UInt8>, limit: Int) {
    self.input = input
    self.limit = limit
    refill = { [] }
    position = input.startIndex
    output.reserveCapacity(min(limit, 1 << 20))
  }

  /// Decompresses what `source` gives, piece by piece; an empty piece is the end.
  init(source: @escaping () -> ArraySlice<UInt8>) {
    input = []
    limit = .max
    refill = source
    position = 0
  }

  /// The `count` bytes that `input` decompresses to.
  ///
  /// - Throws: `Fault` where they are not exactly as many, and where the data is damaged or continues
  ///   after its end.
  package static func bytes(_ input: ArraySlice<UInt8>, count: Int) throws(Fault) -> [UInt8] {
    var inflate = Inflate(input, limit: count)
    try inflate.run(until: .max)
    let unread = inflate.heldBits / 8 + inflate.input.endIndex - inflate.position
    if unread > 0 { throw Fault(found: "\(unread) bytes after the last block") }
    if inflate.output.count < count {
      throw Fault(found: "\(inflate.output.count) bytes instead of \(count)")
    }
    return inflate.output
  }

  /// The next bytes, fewer where the data ends before.
  mutating func take(_ count: Int) throws(Fault) -> ArraySlice<UInt8> {
    if untaken > 1 << 20 {
      output.removeFirst(untaken - Self.window)
      untaken = Self.window
    }
    try run(until: untaken + count)
    let end = min(output.count, untaken + count)
    defer { untaken = end }
    return output[untaken..<end]
  }

  /// A byte behind the last block or before the first; nil at the end of the input.
  mutating func plainByte() -> UInt8? {
    drop(heldBits % 8)
    fill(8)
    if heldBits < 8 { return nil }
    defer { drop(8) }
    return UInt8(truncatingIfNeeded: held)
  }

  /// Starts with the first block of other data.
  mutating func restart() {
    output = []
    untaken = 0
    isLastBlock = false
    state = .betweenBlocks
  }

  /// Continues until so many bytes are there, or the data ends.
  private mutating func run(until wanted: Int) throws(Fault) {
    while output.count < wanted {
      switch state {
      case .betweenBlocks where isLastBlock: state = .ended
      case .betweenBlocks: try startBlock()
      case .stored(let left):
        let count = min(left, wanted - output.count)
        for _ in 0..<count { try append(UInt8(try bits(8))) }
        state = left == count ? .betweenBlocks : .stored(left - count)
      case .coded(let literals, let distances):
        try codedBlock(literals: literals, distances: distances, until: wanted)
      case .ended: return
      }
    }
  }

  private mutating func startBlock() throws(Fault) {
    isLastBlock = try bits(1) == 1
    switch try bits(2) {
    case 0:
      _ = try bits(heldBits % 8)
      let length = try bits(16)
      guard try bits(16) == length ^ 0xffff else { throw Fault(found: "a block of two lengths") }
      state = .stored(length)
    case 1: state = .coded(literals: Self.fixedLiterals, distances: Self.fixedDistances)
    case 2:
      let (literals, distances) = try codes()
      state = .coded(literals: literals, distances: distances)
    default: throw Fault(found: "a block of the reserved kind 3")
    }
  }

  private mutating func codedBlock(
    literals: PrefixCode, distances: PrefixCode, until wanted: Int
  ) throws(Fault) {
    while output.count < wanted {
      let symbol = try self.symbol(literals)
      switch symbol {
      case ..<256: try append(UInt8(symbol))
      case 256:
        state = .betweenBlocks
        return
      case ..<286:
        let (base, extra) = Self.lengths[symbol - 257]
        let length = base + (try bits(extra))
        let place = try self.symbol(distances)
        guard place < Self.distances.count else { throw Fault(found: "the distance code \(place)") }
        let (near, more) = Self.distances[place]
        let distance = near + (try bits(more))
        guard distance <= output.count else {
          throw Fault(found: "a reference to \(distance) bytes back, after \(output.count)")
        }
        for _ in 0..<length { try append(output[output.count - distance]) }
      default: throw Fault(found: "the length code \(symbol)")
      }
    }
  }

  /// The codes in front of a block.
  private mutating func codes() throws(Fault) -> (literals: PrefixCode, distances: PrefixCode) {
    let literalCount = try bits(5) + 257
    let distanceCount = try bits(5) + 1
    let count = try bits(4) + 4
    guard literalCount <= 286 else { throw Fault(found: "\(literalCount) literal codes") }
    let order = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
    var lengthLengths = [UInt8](repeating: 0, count: 19)
    for place in order.prefix(count) { lengthLengths[place] = UInt8(try bits(3)) }
    let lengthCode = try PrefixCode(lengths: lengthLengths[...])
    var lengths: [UInt8] = []
    while lengths.count < literalCount + distanceCount {
      let symbol = try self.symbol(lengthCode)
      switch symbol {
      case ..<16: lengths.append(UInt8(symbol))
      case 16:
        guard let last = lengths.last else { throw Fault(found: "a repetition of no length") }
        lengths += [UInt8](repeating: last, count: 3 + (try bits(2)))
      case 17: lengths += [UInt8](repeating: 0, count: 3 + (try bits(3)))
      default: lengths += [UInt8](repeating: 0, count: 11 + (try bits(7)))
      }
    }
    guard lengths.count == literalCount + distanceCount else {
      throw Fault(found: "\(lengths.count) code lengths")
    }
    return (
      try PrefixCode(lengths: lengths[..<literalCount]),
      try PrefixCode(lengths: lengths[literalCount...])
    )
  }

  private mutating func append(_ byte: UInt8) throws(Fault) {
    if output.count == limit { throw Fault(found: "more than \(limit) bytes") }
    output.append(byte)
  }

  private mutating func fill(_ count: Int) {
    while heldBits < count {
      if position == input.endIndex {
        input = refill()
        position = input.startIndex
        if input.isEmpty { return }
      }
      held |= UInt64(input[position]) << UInt64(heldBits)
      position += 1
      heldBits += 8
    }
  }

  private mutating func drop(_ count: Int) {
    held >>= UInt64(count)
    heldBits -= count
  }

  /// Takes up to 16 bits, lowest first.
  private mutating func bits(_ count: Int) throws(Fault) -> Int {
    fill(count)
    if heldBits < count { throw Fault(found: "data that ends in a block") }
    let value = Int(held & (1 << UInt64(count) - 1))
    drop(count)
    return value
  }

  private mutating func symbol(_ code: PrefixCode) throws(Fault) -> Int {
    fill(15)
    guard let (symbol, length) = code.symbol(in: held), length <= heldBits else {
      throw Fault(found: heldBits < 15 ? "data that ends in a code" : "a code without a meaning")
    }
    drop(length)
    return symbol
  }

  private static let lengths = steps(count: 28, exact: 8, perStep: 4, from: 3) + [(258, 0)]
  private static let distances = steps(count: 30, exact: 4, perStep: 2, from: 1)

  /// Ranges of lengths or distances: the first value of each and its extra bits, of which each group
  /// of `perStep` has one more than the group before.
  private static func steps(count: Int, exact: Int, perStep: Int, from: Int) -> [(Int, Int)] {
    var base = from
    return (0..<count).map { index in
      let extra = index < exact ? 0 : (index - exact) / perStep + 1
      defer { base += 1 << extra }
      return (base, extra)
    }
  }

  private static let fixedLiterals = known(
    (0..<288).map { $0 < 144 ? 8 : $0 < 256 ? 9 : $0 < 280 ? 7 : 8 })
  private static let fixedDistances = known([UInt8](repeating: 5, count: 32))

  private static func known(_ lengths: [UInt8]) -> PrefixCode {
    guard let code = try? PrefixCode(lengths: lengths[...]) else {
      preconditionFailure("the codes of RFC 1951 are codes")
    }
    return code
  }
}

/// A prefix code given by the lengths of its codes, in the canonical order of RFC 1951.
private struct PrefixCode {
  private static let quickBits = 9

  /// By the next nine bits: symbol · 16 + length; 0 where the code is longer.
  private var quick = [UInt16](repeating: 0, count: 1 << quickBits)
  /// How many codes have each length.
  private var counts = [Int](repeating: 0, count: 16)
  /// The symbols, by length and then by value.
  private var symbols: [UInt16]

  /// A code; length 0 marks a symbol that does not occur. Lengths are at most 15.
  init(lengths: ArraySlice<UInt8>) throws(Inflate.Fault) {
    for length in lengths where length > 0 { counts[Int(length)] += 1 }
    var free = 1
    for length in 1...15 {
      free = 2 * free - counts[length]
      if free < 0 { throw Inflate.Fault(found: "more codes than fit their lengths") }
    }
    // Data with a single distance, or none, has an incomplete code.
    if free > 0 && counts.reduce(0, +) > 1 {
      throw Inflate.Fault(found: "fewer codes than their lengths leave room for")
    }
    let numbered = lengths.enumerated().filter { $0.element > 0 }
    symbols = numbered.sorted { ($0.element, $0.offset) < ($1.element, $1.offset) }
      .map { UInt16($0.offset) }
    var code = 0
    var index = 0
    for length in 1...Self.quickBits {
      for _ in 0..<counts[length] {
        var reversed = 0
        for bit in 0..<length { reversed |= (code >> bit & 1) << (length - 1 - bit) }
        for entry in stride(from: reversed, to: quick.count, by: 1 << length) {
          quick[entry] = symbols[index] << 4 | UInt16(length)
        }
        code += 1
        index += 1
      }
      code <<= 1
    }
  }

  /// The symbol whose code the bits start with, and its length; nil where there is none.
  func symbol(in bits: UInt64) -> (symbol: Int, length: Int)? {
    let entry = quick[Int(bits & UInt64(quick.count - 1))]
    if entry != 0 { return (Int(entry >> 4), Int(entry & 15)) }
    var code = 0
    var first = 0
    var index = 0
    for length in 1...15 {
      code = code << 1 | Int(bits >> UInt64(length - 1) & 1)
      if code - first < counts[length] { return (Int(symbols[index + code - first]), length) }
      index += counts[length]
      first = (first + counts[length]) << 1
    }
    return nil
  }
}

/// The checksum of zip files: CRC-32 with the polynomial of IEEE 802.3.
///
/// - Parameter before: the checksum of the bytes before these.
package func crc32(_ bytes: some Sequence<UInt8>, after before: UInt32 = 0) -> UInt32 {
  var value = ~before
  for byte in bytes { value = crcTable[Int(UInt8(truncatingIfNeeded: value) ^ byte)] ^ value >> 8 }
  return ~value
}

private let crcTable: [UInt32] = (0..<256).map { (index: UInt32) in
  (0..<8).reduce(index) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xedb8_8320 }
}
