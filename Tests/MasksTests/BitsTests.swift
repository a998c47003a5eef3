// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Masks

@Suite struct BitsTests {
  @Test(arguments: 0..<20 as Range<UInt64>)
  func agreesWithBooleans(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let count = random.below(200)
    let a = (0..<count).map { _ in random.below(2) == 0 }
    let b = (0..<count).map { _ in random.below(3) == 0 }
    let bits = Bits(count: count) { a[$0] }
    let other = Bits(count: count) { b[$0] }

    #expect((0..<count).map { bits[$0] } == a)
    #expect(bits.popcount == a.count { $0 })
    #expect(Array(bits.setBits) == (0..<count).filter { a[$0] })
    #expect(bits.union(other) == Bits(count: count) { a[$0] || b[$0] })
    #expect(bits.intersection(other) == Bits(count: count) { a[$0] && b[$0] })
    #expect(bits.subtracting(other) == Bits(count: count) { a[$0] && !b[$0] })
    #expect(bits.distance(to: other) == (0..<count).count { a[$0] != b[$0] })
    #expect(bits.intersection(other).isSubset(of: bits))
    #expect(bits.isSubset(of: other) == (0..<count).allSatisfy { !a[$0] || b[$0] })
    #expect(Bits(count: count, bytes: bits.bytes) == bits)

    let first = random.below(count + 1)
    let length = random.below(min(64, count - first) + 1)
    let field = (0..<length).reduce(UInt64(0)) { $0 | (a[first + $1] ? 1 << UInt64($1) : 0) }
    #expect(bits.bits(from: first, length: length) == field)
    #expect(bits.popcount(in: first..<first + length) == field.nonzeroBitCount)
    var set = bits
    set.set(first..<first + length)
    #expect(set == Bits(count: count) { a[$0] || (first..<first + length).contains($0) })

    // One bit at a time, to either value.
    var changed = bits
    for index in 0..<count { changed[index] = b[index] }
    #expect(changed == other)
  }

  @Test func bitsBeyondTheCountStayClear() {
    #expect(Bits(count: 70, repeating: true).words == [.max, 63])
    #expect(Bits(count: 70, uncheckedWords: [0, 64]).hasBitsBeyondCount)
    #expect(Bits(count: 4, bytes: [0x1F]) == nil)
    #expect(Bits(count: 4, bytes: [1, 0]) == nil)
    #expect(Bits(count: 0).words.isEmpty)
  }
}
