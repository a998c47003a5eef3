import Foundation

/// Density, exchange and the moments of mask updates as functions of the step.
///
/// `gradual`: density `d_T + (d_0 - d_T)·(1 - t/T)³` until half of the steps (Zhu and Gupta 2017),
/// then constant. `dynamic`: constant from the start (Mocanu et al. 2018, Evci et al. 2020). Both
/// exchange a share of the units at each update, falling by a cosine to nothing at three quarters of
/// the steps, after which masks are frozen; while the density falls too, an update prunes to the new
/// density less that share and grows the share back (Liu et al. 2021).
public struct PruningSchedule: Sendable {
  private let configuration: PruningConfiguration
  private let interval: Int
  private let half: Int
  private let stepsPerEpoch: Int
  /// The first step without mask updates.
  public let frozenFrom: Int

  /// A schedule for a training.
  public init(_ configuration: PruningConfiguration, totalSteps: Int, stepsPerEpoch: Int) {
    self.configuration = configuration
    self.stepsPerEpoch = max(1, stepsPerEpoch)
    // However short the run, masks move a few times before they freeze.
    interval = max(1, min(configuration.updateInterval, totalSteps / 16))
    half = totalSteps / 2
    frozenFrom = max(half + 1, totalSteps * 3 / 4)
  }

  /// Share of the prunable weights to keep after an update at `step`.
  public func density(at step: Int) -> Double {
    let target = 1 - configuration.sparsity
    if configuration.schedule == .dynamic || step >= half { return target }
    let start = max(target, configuration.startDensity)
    let left = 1 - Double(step) / Double(max(half, 1))
    return target + (start - target) * left * left * left
  }

  /// Share of the kept units that an update at `step` exchanges.
  public func growFraction(at step: Int) -> Double {
    configuration.growFraction * cosine(at: step)
  }

  /// Share of the kept shapes that an update at `step` exchanges; 0 unless shapes move.
  public func shapeFraction(at step: Int) -> Double {
    movesShapes(at: step) ? configuration.shapeUpdateFraction * cosine(at: step) : 0
  }

  private func cosine(at step: Int) -> Double {
    if step >= frozenFrom { return 0 }
    return 0.5 * (1 + cos(Double.pi * Double(step) / Double(frozenFrom)))
  }

  /// Whether masks are updated after a step. The step at half of the run always is one, so that the
  /// target is reached there exactly.
  public func isUpdate(at step: Int) -> Bool {
    guard step > 0, step < frozenFrom else { return false }
    return step % interval == 0 || step == half
  }

  /// Whether an update moves shapes as well: the first one of each epoch, and the one at half of
  /// the run.
  public func movesShapes(at step: Int) -> Bool {
    if !isUpdate(at: step) { return false }
    if step == half { return true }
    let epochStart = step / stepsPerEpoch * stepsPerEpoch
    let first = max(interval, (epochStart + interval - 1) / interval * interval)
    return step == first
  }
}
