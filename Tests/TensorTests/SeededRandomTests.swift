// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Tensor

@Suite("Seeded random numbers")
struct SeededRandomTests {
  @Test("SplitMix64 as published: the first numbers from a state of 1234567")
  func published() {
    // Of the reference implementation by Vigna.
    var random = SeededRandom(seed: 0)
    random.state = 1_234_567
    let numbers = (0..<5).map { _ in random.next() }
    #expect(
      numbers == [
        6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
        4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
      ])
  }

  @Test("Seeds and streams give different numbers, and the same ones when repeated")
  func streams() {
    var first = Set<UInt64>()
    for seed in 0..<8 as Range<UInt64> {
      for stream in 0..<8 as Range<UInt64> {
        var random = SeededRandom(seed: seed, stream: stream)
        var again = SeededRandom(seed: seed, stream: stream)
        let number = random.next()
        #expect(again.next() == number)
        first.insert(number)
      }
    }
    #expect(first.count == 64)
  }

  @Test("Uniform numbers fill 0..<1 evenly, integers every value below their bound")
  func uniform() {
    var random = SeededRandom(seed: 1)
    let numbers = (0..<4000).map { _ in Double(random.uniform()) }
    #expect(numbers.allSatisfy { $0 >= 0 && $0 < 1 })
    let mean = numbers.reduce(0, +) / 4000
    #expect(abs(mean - 0.5) < 0.02)
    #expect(numbers.contains { $0 > 0.99 } && numbers.contains { $0 < 0.01 })
    for bound in [1, 2, 3, 10] {
      var counts = [Int](repeating: 0, count: bound)
      for _ in 0..<bound * 500 { counts[random.below(bound)] += 1 }
      #expect(counts.allSatisfy { abs($0 - 500) < 120 }, "\(counts)")
    }
  }

  @Test("All orders of four numbers are about equally frequent")
  func permutations() {
    var random = SeededRandom(seed: 2)
    var counts: [[Int]: Int] = [:]
    for _ in 0..<2400 { counts[random.permutation(4), default: 0] += 1 }
    #expect(counts.count == 24)
    #expect(counts.keys.allSatisfy { $0.sorted() == [0, 1, 2, 3] })
    #expect(counts.values.allSatisfy { abs($0 - 100) < 50 })
  }

  @Test("Normal numbers have mean 0, variance 1 and the tails of the normal distribution")
  func normal() {
    var random = SeededRandom(seed: 3)
    let numbers = (0..<20_000).map { _ in Double(random.normal()) }
    let mean = numbers.reduce(0, +) / 20_000
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 20_000
    #expect(abs(mean) < 0.03 && abs(variance - 1) < 0.05)
    let beyondTwo = Double(numbers.count { abs($0) > 2 }) / 20_000
    #expect(abs(beyondTwo - 0.0455) < 0.01)
  }
}
