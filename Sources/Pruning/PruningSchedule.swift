// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Density, exchange and the moments of mask updates as functions of the step.
///
/// With T steps, target d₁ and start d₀:
///
/// - `gradual`: `d(t) = d₁ + (d₀ - d₁)·(1 - 2t/T)³` for t < T/2, then d₁ (Zhu and Gupta 2017).
///   While the density falls an update also exchanges units, as in GraNet (Liu et al. 2021).
/// - `dynamic`: `d(t) = d₁`, sparse from scratch (SET, Mocanu et al. 2018; RigL, Evci et al. 2020).
/// - The exchanged fraction is `f(t) = f₀·(1 + cos(π·t / (3T/4))) / 2` for t < 3T/4, then 0, as in
///   RigL. The last quarter trains with fixed masks.
///
/// ```swift
/// let schedule = PruningSchedule(
///   PruningConfiguration(sparsity: 0.9), totalSteps: 1000, stepsPerEpoch: 100)
/// print(schedule.density(at: 0), schedule.density(at: 999))  // from half the weights to a tenth
/// ```
public struct PruningSchedule: Sendable {
  /// Steps between two updates: as configured, but at most an eighth of the run and at least 1, so
  /// that short runs, too, have updates between half and three quarters, where the target is met.
  public let updateInterval: Int
  /// The first step from which on masks never change.
  public let frozenFrom: Int

  private let totalSteps: Int
  private let stepsPerEpoch: Int
  private let startDensity: Double
  private let targetDensity: Double
  private let firstGrowFraction: Double

  /// The schedule of a run of `totalSteps`.
  public init(_ configuration: PruningConfiguration, totalSteps: Int, stepsPerEpoch: Int) {
    precondition(
      totalSteps >= 0 && stepsPerEpoch > 0,
      "a schedule of \(totalSteps) steps, \(stepsPerEpoch) an epoch")
    self.totalSteps = totalSteps
    self.stepsPerEpoch = stepsPerEpoch
    updateInterval = max(1, min(configuration.updateInterval, totalSteps / 8))
    // Runs of one to three steps keep room for the update at or after half of them.
    let half = (totalSteps + 1) / 2
    frozenFrom = min(totalSteps, max(half + 1, (3 * totalSteps + 3) / 4))
    targetDensity = 1 - configuration.sparsity
    startDensity =
      configuration.schedule == .gradual
      ? max(configuration.startDensity, targetDensity) : targetDensity
    firstGrowFraction = configuration.growFraction
  }

  /// Fraction of all prunable weights to keep at a step.
  public func density(at step: Int) -> Double {
    // A run of one step has no update to come to the target with.
    guard totalSteps > 1, 2 * step < totalSteps else { return targetDensity }
    let left = 1 - 2 * Double(max(0, step)) / Double(totalSteps)
    return targetDensity + (startDensity - targetDensity) * left * left * left
  }

  /// Fraction of what is kept that an update exchanges.
  public func growFraction(at step: Int) -> Double {
    guard step < frozenFrom, 4 * step < 3 * totalSteps else { return 0 }
    let progress = Double(max(0, step)) / (0.75 * Double(totalSteps))
    return firstGrowFraction * 0.5 * (1 + cos(.pi * progress))
  }

  /// Whether the masks are updated at a step: at each multiple of the interval after step 0 and
  /// before `frozenFrom`. One of them lies at or after half of the steps.
  public func isUpdate(at step: Int) -> Bool {
    step > 0 && step < frozenFrom && step % updateInterval == 0
  }

  /// Whether the update at a step moves shapes, too: the first update of each epoch does.
  public func movesShapes(at step: Int) -> Bool {
    guard isUpdate(at: step) else { return false }
    let previous = step - updateInterval
    return previous == 0 || previous / stepsPerEpoch != step / stepsPerEpoch
  }
}
