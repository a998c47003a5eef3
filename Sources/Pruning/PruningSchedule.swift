// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Density, exchange and the moments of mask updates as functions of the step.
///
/// With T steps, target d₁, start d₀, and the ramp's end R, the exchange's start X and the freeze F as
/// steps (`rampEnd`, `exchangeFrom` and `freezeFrom` of the configuration times T):
///
/// - `gradual`: `d(t) = d₁ + (d₀ - d₁)·(1 - t/R)³` for t < R, then d₁ (Zhu and Gupta 2017).
/// - `dynamic`: `d(t) = d₁`, sparse from scratch (SET, Mocanu et al. 2018; RigL, Evci et al. 2020).
/// - The exchanged fraction is 0 for t < X, then `f(t) = f₀·(1 + cos(π·t / F)) / 2`, as in RigL, and 0
///   again from F on, where masks never change.
///
/// Grown units start at zero, so an exchange at the start of training removes more than the gradients
/// restore: training that exchanges from the first update can stay at chance for epochs. Therefore the
/// exchange starts late by default (`firstExchange`).
///
/// ```swift
/// let schedule = PruningSchedule(
///   PruningConfiguration(sparsity: 0.9), totalSteps: 1000, stepsPerEpoch: 100)
/// print(schedule.density(at: 0), schedule.density(at: 999))  // from half the weights to a tenth
/// ```
public struct PruningSchedule: Sendable {
  /// Steps between two updates: as configured, but at most an eighth of the run and at least 1.
  public let updateInterval: Int
  /// The step from which on the density is the target; 0 for `dynamic`.
  public let rampEnd: Int
  /// The first step at which an update may exchange units.
  public let firstExchange: Int
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
    func step(_ fraction: Double) -> Int {
      min(totalSteps, Int((fraction * Double(totalSteps)).rounded(.up)))
    }
    self.totalSteps = totalSteps
    self.stepsPerEpoch = stepsPerEpoch
    updateInterval = max(1, min(configuration.updateInterval, totalSteps / 8))
    targetDensity = 1 - configuration.sparsity
    switch configuration.schedule {
    case .gradual:
      // The last step is followed by none that would train with its mask.
      rampEnd = min(step(configuration.rampEnd), max(0, totalSteps - 1))
      startDensity = max(configuration.startDensity, targetDensity)
    case .dynamic:
      rampEnd = 0
      startDensity = targetDensity
    }
    firstExchange = step(configuration.firstExchange)
    frozenFrom = min(totalSteps, max(rampEnd + 1, step(configuration.freezeFrom)))
    firstGrowFraction = configuration.growFraction
  }

  /// Fraction of all prunable weights to keep at a step.
  public func density(at step: Int) -> Double {
    guard step < rampEnd else { return targetDensity }
    let left = 1 - Double(max(0, step)) / Double(rampEnd)
    return targetDensity + (startDensity - targetDensity) * left * left * left
  }

  /// Fraction of what is kept that an update exchanges.
  public func growFraction(at step: Int) -> Double {
    guard step >= firstExchange, step < frozenFrom else { return 0 }
    let progress = Double(max(0, step)) / Double(frozenFrom)
    return firstGrowFraction * 0.5 * (1 + cos(.pi * progress))
  }

  /// Whether the masks are updated at a step: at each multiple of the interval, and where the ramp
  /// ends, so that every run meets its target; after step 0 and before `frozenFrom`.
  public func isUpdate(at step: Int) -> Bool {
    step > 0 && step < frozenFrom && (step % updateInterval == 0 || step == rampEnd)
  }

  /// Whether the update at a step moves shapes, too: the first update of each epoch does.
  public func movesShapes(at step: Int) -> Bool {
    guard isUpdate(at: step) else { return false }
    var previous = (step - 1) / updateInterval * updateInterval
    if rampEnd < step { previous = max(previous, rampEnd) }
    return previous == 0 || previous / stepsPerEpoch != step / stepsPerEpoch
  }
}
