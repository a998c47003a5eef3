// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor
import Testing

@testable import Report

@Suite("Scale") struct ScaleTests {
  @Test(
    "every value lies on the axis, in order, and ticks are round and inside",
    arguments: [
      false, true,
    ])
  func properties(logarithmic: Bool) {
    for seed in 0..<200 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let size = pow(10, Double(random.uniform()) * 16 - 8)
      let values = (0..<8).map { _ in
        size * (logarithmic ? exp(3 * Double(random.normal())) : Double(random.normal()))
      }.sorted()
      let scale = Scale(values, from: 20, to: 400, logarithmic: logarithmic)
      let places = values.map(scale.place)
      #expect(places.allSatisfy { $0 >= 20 - 1e-9 && $0 <= 400 + 1e-9 }, "seed \(seed)")
      #expect(places == places.sorted(), "seed \(seed)")
      #expect((2...16).contains(scale.ticks.count), "seed \(seed): \(scale.ticks)")
      #expect(
        scale.ticks.allSatisfy { $0 >= scale.low && $0 <= scale.high + 1e-9 * abs(scale.high) },
        "seed \(seed)")
    }
  }

  @Test("a downward axis puts the largest value on top")
  func downward() {
    let scale = Scale([1, 3], from: 200, to: 10)
    #expect(scale.place(3) < scale.place(1))
  }

  @Test("bars start at 0, and values far from 0 do not waste their axis on it")
  func zero() {
    #expect(Scale([90, 91], from: 0, to: 100, fromZero: true).place(0) == 0)
    #expect(Scale([90, 91], from: 0, to: 100).low > 80)
    #expect(Scale([1, 91], from: 0, to: 100).low == 0)
  }

  @Test("equal factors are equal distances on a logarithmic axis")
  func factors() {
    let scale = Scale([1, 1000], from: 0, to: 300, logarithmic: true)
    let steps = [1.0, 10, 100, 1000].map(scale.place)
    #expect(abs((steps[1] - steps[0]) - (steps[3] - steps[2])) < 1e-9)
  }

  @Test("no values, one value and equal values still make an axis")
  func degenerate() {
    for values in [[], [0], [5], [5, 5], [1e-12], [1e14, 1e14]] as [[Double]] {
      for logarithmic in [false, true] {
        let scale = Scale(values, from: 0, to: 100, logarithmic: logarithmic)
        #expect(scale.low < scale.high)
        #expect(values.allSatisfy { scale.place($0).isFinite })
        #expect(!scale.ticks.isEmpty)
      }
    }
  }

  @Test("labels are short")
  func labels() {
    let expected = [
      (0.0, "0"), (0.25, "0.25"), (1500, "1500"), (20000, "20k"), (3e6, "3M"), (6.9e11, "690G"),
    ]
    for (value, text) in expected { #expect(Scale.label(value) == text) }
  }

  @Test("thinning keeps the first and the last and the order")
  func thinning() {
    for count in [1, 2, 5, 39, 40, 41, 1000] {
      let found = thinned(Array(0..<count), to: 40)
      #expect(found.first == 0 && found.last == count - 1)
      #expect(found == found.sorted() && Set(found).count == min(count, 40))
    }
  }
}
