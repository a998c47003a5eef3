// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor

@Suite struct BinomialMaximumTests {
  /// From the definition: the sum over all outcomes of independent numbers.
  private func enumerated(trials: Int, probability: Double, lanes: Int) -> Double {
    var distribution = [1.0] + [Double](repeating: 0, count: trials)
    for _ in 0..<trials {
      for k in stride(from: trials, to: 0, by: -1) {
        distribution[k] =
          distribution[k] * (1 - probability) + distribution[k - 1] * probability
      }
      distribution[0] *= 1 - probability
    }
    // The distribution of the maximum, one more lane at a time.
    var maximum = distribution
    for _ in 1..<lanes {
      var next = [Double](repeating: 0, count: trials + 1)
      for a in 0...trials {
        for b in 0...trials { next[max(a, b)] += maximum[a] * distribution[b] }
      }
      maximum = next
    }
    return maximum.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
  }

  @Test("equals the sum over all outcomes")
  func oracle() {
    for trials in [1, 2, 5, 17, 60] {
      for probability in [0.01, 0.3, 0.5, 0.95] {
        for lanes in [1, 2, 5, 8] {
          var maximum = BinomialMaximum(probability: probability)
          let expected = enumerated(trials: trials, probability: probability, lanes: lanes)
          let found = maximum.expected(trials: trials, lanes: lanes)
          #expect(abs(found - expected) < 1e-9, "\(trials) \(probability) \(lanes)")
        }
      }
    }
  }

  @Test("one lane has the mean, certain lanes all, and more lanes more")
  func limits() {
    var half = BinomialMaximum(probability: 0.5)
    #expect(abs(half.expected(trials: 1_000_000, lanes: 1) - 500_000) < 1e-3)
    var certain = BinomialMaximum(probability: 1)
    #expect(certain.expected(trials: 4608, lanes: 8) == 4608)
    var never = BinomialMaximum(probability: 0)
    #expect(never.expected(trials: 4608, lanes: 8) == 0)
    let growing = (1...16).map { half.expected(trials: 576, lanes: $0) }
    #expect(zip(growing, growing.dropFirst()).allSatisfy { $0 < $1 })
    #expect(growing.last! < 576)
  }
}
