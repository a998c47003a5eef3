// SPDX-License-Identifier: Apache-2.0
import Tensor

/// A file with some changes of bytes, of numbers, of places and of length, for tests of parsers.
public func mutated(_ seed: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
  var bytes = seed
  func draw(_ count: Int) -> Int { Int(random.next() % UInt64(max(1, count))) }
  for _ in 0...draw(4) {
    let place = draw(bytes.count)
    switch draw(8) {
    case 0 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8(draw(8))
    case 1 where !bytes.isEmpty: bytes[place] = UInt8(draw(256))
    case 2: bytes.removeSubrange(place..<min(bytes.count, place + draw(16)))
    case 3:
      let part = bytes[place..<min(bytes.count, place + draw(32))]
      bytes.insert(contentsOf: Array(part), at: draw(bytes.count))
    case 4: bytes = Array(bytes.prefix(place))
    case 5:
      // Numbers where sizes may be.
      let word: UInt64 = [0, 1, 0xff, 0xffff, 0x7fff_ffff, 0xffff_ffff, .max][draw(7)]
      for index in 0..<[1, 2, 4, 8][draw(4)] where place + index < bytes.count {
        bytes[place + index] = UInt8(truncatingIfNeeded: word >> (8 * UInt64(index)))
      }
    case 6:
      let text = ["{", "}", "[", "0", "9999999999999999999", "\"", ",", "-1", "\\u0000"][draw(9)]
      bytes.insert(contentsOf: Array(text.utf8), at: place)
    default:
      if bytes.count > 1 { bytes.swapAt(place, draw(bytes.count)) }
    }
  }
  return bytes
}
