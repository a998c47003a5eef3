// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Training

@Suite struct LearningRateTests {
  private func rates(_ decay: LearningRate.Decay, warmUp: Int = 0) -> [Float] {
    let schedule = LearningRate(peak: 2, decay: decay, warmUpSteps: warmUp, totalSteps: 40)
    return (0..<40).map(schedule.rate)
  }

  @Test func warmUpGrowsLinearlyToThePeak() {
    for decay in LearningRate.Decay.allCases {
      #expect(Array(rates(decay, warmUp: 4).prefix(4)) == [0.5, 1, 1.5, 2])
    }
  }

  @Test func stepsFallAtHalfAndAtThreeQuarters() {
    #expect(rates(.constant) == [Float](repeating: 2, count: 40))
    let expected = (0..<40).map { $0 < 20 ? Float(2) : $0 < 30 ? 2 * 0.1 : 2 * 0.01 }
    #expect(rates(.step) == expected)
  }

  @Test func theCosineRunsFromTheEndOfTheWarmUp() {
    let rates = rates(.cosine, warmUp: 8)
    // Half a cosine over the 32 steps behind the warm-up: 1, (1 + √½) / 2, a half, (1 - √½) / 2.
    for (step, factor) in [(8, 1), (16, 0.8535534), (24, 0.5), (32, 0.1464466)] as [(Int, Float)] {
      #expect(abs(rates[step] - 2 * factor) < 1e-6, "step \(step)")
    }
  }
}
