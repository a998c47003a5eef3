// SPDX-License-Identifier: Apache-2.0
import Oracles
import Testing

@testable import Tensor

/// Several steps of each optimiser against plain arithmetic in double precision: with clipping, and
/// with arrays that are shared between threads and end within a vector.
@Suite("Optimiser kernels against plain arithmetic")
struct OptimizerKernelTests {
  static let counts = [1, 7, 100, 20_003]

  private func values(_ count: Int, seed: UInt64) -> [Float] {
    var random = SeededRandom(seed: seed)
    return (0..<count).map { _ in 2 * random.uniform() - 1 }
  }

  @Test("Stochastic gradient descent", arguments: counts, [false, true])
  func sgd(count: Int, nesterov: Bool) {
    for kernels in Kernels.available {
      let engine = Engine(kernels: kernels, threads: 2)
      let start = values(count, seed: 1)
      let (weights, momentum) = (Tensor(start), Tensor(count: count))
      var (expected, speed) = (start.map(Double.init), [Double](repeating: 0, count: count))
      for step in 0..<3 {
        let gradient = values(count, seed: UInt64(10 + step))
        engine.sgd(
          weights: weights, gradient: Tensor(gradient), momentum: momentum, rate: 0.1,
          momentumFactor: 0.75, nesterov: nesterov, decay: 0.05, gradientScale: 0.5)
        for i in 0..<count {
          let d = 0.5 * Double(gradient[i]) + 0.05 * expected[i]
          speed[i] = 0.75 * speed[i] + d
          expected[i] -= 0.1 * (nesterov ? d + 0.75 * speed[i] : speed[i])
        }
      }
      #expect(largestDifference(weights.array(), expected) < 1e-6, "\(kernels)")
      #expect(largestDifference(momentum.array(), speed) < 1e-6, "\(kernels)")
    }
  }

  @Test("AdamW", arguments: counts)
  func adamW(count: Int) {
    for kernels in Kernels.available {
      let engine = Engine(kernels: kernels, threads: 2)
      let start = values(count, seed: 2)
      let (weights, first, second) = (Tensor(start), Tensor(count: count), Tensor(count: count))
      var expected = start.map(Double.init)
      var (m, v) = ([Double](repeating: 0, count: count), [Double](repeating: 0, count: count))
      for step in 1...5 {
        // Some gradients are so small that epsilon decides.
        let gradient = values(count, seed: UInt64(20 + step)).enumerated()
          .map { $0.offset % 3 == 0 ? $0.element * 1e-3 : $0.element }
        engine.adamW(
          weights: weights, gradient: Tensor(gradient), first: first, second: second, rate: 0.02,
          beta1: 0.8, beta2: 0.95, epsilon: 1e-3, decay: 0.1, step: step, gradientScale: 0.5)
        let (beta1, beta2) = (Double(Float(0.8)), Double(Float(0.95)))
        var (power1, power2) = (1.0, 1.0)
        for _ in 0..<step { (power1, power2) = (power1 * beta1, power2 * beta2) }
        for i in 0..<count {
          let g = 0.5 * Double(gradient[i])
          expected[i] *= 1 - 0.02 * 0.1
          m[i] = beta1 * m[i] + (1 - beta1) * g
          v[i] = beta2 * v[i] + (1 - beta2) * g * g
          let deviation = (v[i] / (1 - power2)).squareRoot() + 1e-3
          expected[i] -= 0.02 * (m[i] / (1 - power1)) / deviation
        }
      }
      #expect(largestDifference(weights.array(), expected) < 2e-6, "\(kernels)")
      #expect(largestDifference(first.array(), m) < 1e-6, "\(kernels)")
      #expect(largestDifference(second.array(), v) < 1e-6, "\(kernels)")
    }
  }
}
