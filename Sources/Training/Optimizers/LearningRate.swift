// SPDX-License-Identifier: Apache-2.0
import Foundation

/// The learning rate as a function of the step.
///
/// During warm-up it grows linearly, `peak · (step + 1) / warmUp`; then it is constant, falls to a
/// tenth at half and again at three quarters of all steps, or follows a half cosine to zero
/// (Loshchilov and Hutter 2017).
public struct LearningRate: Sendable, Hashable {
  /// What follows the warm-up.
  public enum Decay: String, Sendable, Codable, CaseIterable {
    /// Nothing.
    case constant
    /// A tenth at 50 % and again at 75 % of all steps.
    case step
    /// `0.5 · peak · (1 + cos(π · (step - warmUp) / (total - warmUp)))`.
    case cosine
  }

  /// The highest rate.
  public let peak: Float
  /// What follows the warm-up.
  public let decay: Decay
  /// Steps of warm-up.
  public let warmUpSteps: Int
  /// Steps of the whole training.
  public let totalSteps: Int

  /// A schedule over `totalSteps` steps.
  public init(peak: Float, decay: Decay, warmUpSteps: Int, totalSteps: Int) {
    self.peak = peak
    self.decay = decay
    self.warmUpSteps = warmUpSteps
    self.totalSteps = totalSteps
  }

  /// The rate of a step, counted from 0.
  public func rate(at step: Int) -> Float {
    if step < warmUpSteps { return peak * Float(step + 1) / Float(warmUpSteps) }
    switch decay {
    case .constant:
      return peak
    case .step:
      if step * 4 >= totalSteps * 3 { return peak * 0.01 }
      return step * 2 >= totalSteps ? peak * 0.1 : peak
    case .cosine:
      let progress =
        Double(step - warmUpSteps) / Double(max(totalSteps - warmUpSteps, 1))
      return Float(Double(peak) * 0.5 * (1 + cos(Double.pi * min(progress, 1))))
    }
  }
}
