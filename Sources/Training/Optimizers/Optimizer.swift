// SPDX-License-Identifier: Apache-2.0
import Tensor

/// How weights follow their gradients. Both keep their state in the parameters' slots and touch kept
/// weights only, since only those are stored.
public enum Optimizer: Sendable, Hashable {
  /// Stochastic gradient descent with momentum, `w ← w - rate·m`, `m ← momentum·m + g + decay·w`.
  case sgd(momentum: Float, nesterov: Bool, weightDecay: Float)
  /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
  case adamW(beta1: Float, beta2: Float, epsilon: Float, weightDecay: Float)

  /// State tensors a parameter.
  var slotCount: Int {
    switch self {
    case .sgd: 1
    case .adamW: 2
    }
  }

  /// The step, rate times gradient over the norm of the weights, at which weight decay and gradients
  /// settle in a layer before a normalisation: `sqrt(2 · rate · decay · (1 - momentum))` of SGD (Kosson
  /// et al. 2024, "Rotational Equilibrium"); 0 without weight decay, and of AdamW.
  ///
  /// There a gradient is at right angles to the weights, so a step lengthens them, and weight decay
  /// shortens them: a balance at which every step turns the weights by the same angle.
  func equilibriumStep(rate: Float) -> Float {
    switch self {
    case .sgd(let momentum, _, let decay): (2 * rate * decay * (1 - momentum)).squareRoot()
    case .adamW: 0
    }
  }

  /// Gives every parameter its state, zero.
  public func prepare(_ parameters: [Parameter]) {
    for parameter in parameters {
      parameter.slots = (0..<slotCount).map { _ in Tensor(count: parameter.values.count) }
    }
  }

  /// One step over all parameters.
  ///
  /// - Parameters:
  ///   - rate: learning rate of this step.
  ///   - step: counted from 0.
  ///   - gradientScale: multiplies every gradient (clipping).
  ///   - rotationLimit: longest step, rate times gradient, of the weights of a layer, in units of
  ///     `equilibriumStep` of their norm; 0 for no limit. AdamW ignores it.
  public func update(
    _ parameters: [Parameter], rate: Float, step: Int, gradientScale: Float,
    rotationLimit: Float = 0, engine: Engine
  ) {
    let limit = rotationLimit * equilibriumStep(rate: rate)
    if limit > 0 {
      engine.forEach(parameters.count) { index in
        parameters[index].limitStep(to: limit, rate: rate * gradientScale, engine: engine)
      }
    }
    for parameter in parameters where !parameter.isFrozen {
      let gradientScale = gradientScale * (limit > 0 ? parameter.stepScale : 1)
      switch self {
      case .sgd(let momentum, let nesterov, let decay):
        engine.sgd(
          weights: parameter.values, gradient: parameter.gradient, momentum: parameter.slots[0],
          rate: rate, momentumFactor: momentum, nesterov: nesterov, decay: decay,
          gradientScale: gradientScale)
      case .adamW(let beta1, let beta2, let epsilon, let decay):
        engine.adamW(
          weights: parameter.values, gradient: parameter.gradient, first: parameter.slots[0],
          second: parameter.slots[1], rate: rate, beta1: beta1, beta2: beta2, epsilon: epsilon,
          decay: decay, step: step + 1, gradientScale: gradientScale)
      }
    }
  }
}

/// Clipping by the global norm (Pascanu et al. 2013): what to multiply all gradients by so that their
/// norm together is at most `limit`, `min(1, limit / (norm + 1e-6))`.
public func clippingScale(_ parameters: [Parameter], limit: Float, engine: Engine) -> Float {
  // A loop, since `filter` would allocate.
  var square = 0.0
  for parameter in parameters where !parameter.isFrozen {
    square += engine.squareSum(parameter.gradient)
  }
  return Float(min(1, Double(limit) / (square.squareRoot() + 1e-6)))
}
