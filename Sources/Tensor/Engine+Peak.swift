// SPDX-License-Identifier: Apache-2.0
extension Engine {
  /// Fused multiply-adds in registers on all threads at once.
  ///
  /// - Returns: billions of floating-point operations per second, the roof that no kernel exceeds.
  public func measurePeak() -> Double {
    let rounds = 200_000
    let operations = pool.threads == 1 ? 1 : pool.threads
    let clock = ContinuousClock()
    let start = clock.now
    run(rounds, shards: operations) { _, _, _ in _ = kernels.runPeak(rounds: rounds) }
    let seconds = (clock.now - start) / .seconds(1)
    return kernels.runPeak(rounds: 1) * Double(rounds) * Double(operations) / seconds * 1e-9
  }
}
