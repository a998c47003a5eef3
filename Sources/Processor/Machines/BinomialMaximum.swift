// SPDX-License-Identifier: Apache-2.0
/// The expected maximum of independent binomial numbers: how long the slowest of some lanes works
/// when each has a random share of the same number of operands.
struct BinomialMaximum {
  private struct Key: Hashable {
    let trials: Int
    let lanes: Int
  }

  private let probability: Double
  private var known: [Key: Double] = [:]

  /// Maxima of Binomial(·, probability).
  init(probability: Double) {
    precondition(probability >= 0 && probability <= 1, "a probability of \(probability)")
    self.probability = probability
  }

  /// E[max of `lanes` numbers ~ Binomial(trials, probability)] = Σ_{k < trials} (1 - F(k)^lanes).
  mutating func expected(trials: Int, lanes: Int) -> Double {
    let key = Key(trials: trials, lanes: lanes)
    if let value = known[key] { return value }
    let value = compute(trials: trials, lanes: lanes)
    known[key] = value
    return value
  }

  private func compute(trials: Int, lanes: Int) -> Double {
    if trials == 0 || lanes == 0 || probability == 0 { return 0 }
    if probability == 1 { return Double(trials) }
    let mean = Double(trials) * probability
    // Beyond this the distribution holds less than the precision of a sum of doubles.
    let reach = 12 * (mean * (1 - probability)).squareRoot() + 12
    let low = max(0, Int(mean - reach))
    let high = min(trials, Int(mean + reach) + 1)
    let mode = min(high, max(low, Int(Double(trials + 1) * probability)))
    // Weights relative to that of the mode, by the ratio of neighbours.
    var weights = [Double](repeating: 1, count: high - low + 1)
    let odds = probability / (1 - probability)
    for k in mode..<high {
      weights[k + 1 - low] = weights[k - low] * odds * Double(trials - k) / Double(k + 1)
    }
    for k in stride(from: mode, to: low, by: -1) {
      weights[k - 1 - low] = weights[k - low] * Double(k) / (odds * Double(trials - k + 1))
    }
    let total = weights.reduce(0, +)
    var cumulated = 0.0
    var expected = Double(low)
    for k in low..<high {
      cumulated += weights[k - low]
      expected += max(0, 1 - Self.power(cumulated / total, lanes))
    }
    return min(expected, Double(trials))
  }

  /// By squaring: the same bits everywhere, which a library's power does not promise.
  private static func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
      if rest & 1 != 0 { result *= square }
      square *= square
      rest >>= 1
    }
    return result
  }
}
