// SPDX-License-Identifier: Apache-2.0

/// Reads gzip data (RFC 1952) piece by piece: one stream, or several one behind the other.
///
/// Nothing is made beyond what is asked for, and the checksum of each stream is checked at its end.
package struct GzipReader {
  private var inflate: Inflate
  private var isInStream = false
  private var checksum: UInt32 = 0
  private var count: UInt32 = 0

  /// A reader of the pieces that `source` returns; an empty piece is the end.
  package init(source: @escaping () -> ArraySlice<UInt8>) { inflate = Inflate(source: source) }

  /// The next bytes, fewer where the data ends before.
  ///
  /// - Throws: `Inflate.Fault` for data that is no gzip or is damaged.
  package mutating func read(_ wanted: Int) throws(Inflate.Fault) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < wanted {
      if !isInStream {
        guard try startStream() else { break }
      }
      let piece = try inflate.take(wanted - bytes.count)
      checksum = crc32(piece, after: checksum)
      count &+= UInt32(truncatingIfNeeded: piece.count)
      bytes.append(contentsOf: piece)
      if bytes.count < wanted { try endStream() }
    }
    return bytes
  }

  /// Reads the head of a stream; false where the data ends before it.
  private mutating func startStream() throws(Inflate.Fault) -> Bool {
    guard let first = inflate.plainByte() else {
      if hasStream { return false }
      throw Inflate.Fault(found: "no bytes")
    }
    guard first == 0x1f, try byte() == 0x8b else {
      throw Inflate.Fault(found: "bytes that no gzip stream starts with")
    }
    guard try byte() == 8 else { throw Inflate.Fault(found: "another compression than deflate") }
    let flags = try byte()
    guard flags & 0xe0 == 0 else { throw Inflate.Fault(found: "reserved flags") }
    for _ in 0..<6 { _ = try byte() }
    if flags & 4 != 0 { for _ in 0..<(try number(2)) { _ = try byte() } }
    // A name and a comment end with a zero.
    for flag in [8, 16] as [UInt8] where flags & flag != 0 { while try byte() != 0 {} }
    if flags & 2 != 0 { _ = try number(2) }
    (isInStream, hasStream, checksum, count) = (true, true, 0, 0)
    inflate.restart()
    return true
  }

  private var hasStream = false

  private mutating func endStream() throws(Inflate.Fault) {
    let sum = try number(4)
    guard sum == checksum else {
      throw Inflate.Fault(found: "another checksum than its bytes have")
    }
    guard try number(4) == count else {
      throw Inflate.Fault(found: "another length than its bytes have")
    }
    isInStream = false
  }

  private mutating func byte() throws(Inflate.Fault) -> UInt8 {
    guard let byte = inflate.plainByte() else {
      throw Inflate.Fault(found: "data that ends in a stream")
    }
    return byte
  }

  private mutating func number(_ bytes: Int) throws(Inflate.Fault) -> UInt32 {
    var number: UInt32 = 0
    for place in 0..<bytes { number |= UInt32(try byte()) << UInt32(8 * place) }
    return number
  }
}
