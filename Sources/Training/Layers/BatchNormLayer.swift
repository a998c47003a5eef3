// SPDX-License-Identifier: Apache-2.0
import Tensor

/// `z = activation((y - μ) / √(σ² + ε) · γ + β + residual)` by channel; training takes μ and σ² from
/// the batch, evaluation from running averages.
final class BatchNormLayer: RunningLayer {
  private let name: String
  private let norm: BatchNorm
  let ports: Ports
  private let state: NormalizationState
  let gamma: Parameter
  let beta: Parameter
  let runningMean: Tensor
  let runningVariance: Tensor
  private let scale: Tensor
  private let shift: Tensor

  init(name: String, norm: BatchNorm, ports: Ports) {
    self.name = name
    self.norm = norm
    self.ports = ports
    let channels = ports.outputMap.channels
    state = NormalizationState(channels: channels, epsilon: norm.epsilon)
    gamma = Parameter(name: name + ".weight", values: state.gamma)
    beta = Parameter(name: name + ".bias", values: state.beta)
    runningMean = Tensor(count: channels)
    runningVariance = Tensor([Float](repeating: 1, count: channels))
    scale = Tensor(count: channels)
    shift = Tensor(count: channels)
  }

  var parameters: [Parameter] { [gamma, beta] }

  var statistics: [NamedTensor] {
    [
      NamedTensor(name: name + ".running_mean", values: runningMean),
      NamedTensor(name: name + ".running_var", values: runningVariance),
    ]
  }

  private var residual: Tensor? { ports.inputs.count > 1 ? ports.inputs[1] : nil }

  func forward(_ pass: Pass) {
    if pass.training {
      pass.engine.normalize(
        state, input: ports.inputs[0], residual: residual, output: ports.output,
        activation: norm.activation, map: ports.outputMap, images: pass.images)
      updateRunningStatistics(values: pass.images * ports.outputMap.pixels)
    } else {
      for channel in 0..<ports.outputMap.channels {
        (scale[channel], shift[channel]) = inferenceScaling(channel)
      }
      pass.engine.affine(
        scale: scale, shift: shift, input: ports.inputs[0], residual: residual,
        output: ports.output, activation: norm.activation, map: ports.outputMap,
        images: pass.images)
    }
  }

  /// What evaluation does to a channel: `factor · y + shift`.
  func inferenceScaling(_ channel: Int) -> (factor: Float, shift: Float) {
    let factor = state.gamma[channel] / (runningVariance[channel] + norm.epsilon).squareRoot()
    return (factor, state.beta[channel] - runningMean[channel] * factor)
  }

  /// Running averages follow the batch with the momentum; the variance is the unbiased one, as in
  /// PyTorch.
  private func updateRunningStatistics(values: Int) {
    let unbiased = Float(values) / Float(max(values - 1, 1))
    for channel in 0..<ports.outputMap.channels {
      runningMean[channel] += norm.momentum * (state.mean[channel] - runningMean[channel])
      runningVariance[channel] +=
        norm.momentum * (state.variance[channel] * unbiased - runningVariance[channel])
    }
  }

  func backward(_ pass: Pass) {
    let upstream = ports.upstream
    let slot = ports.inputGradients[0]
    // A gradient that has to be added is first computed in place of the upstream one.
    let inPlace = slot == nil || slot?.accumulate == true
    let residual = ports.inputGradients.count > 1 ? ports.inputGradients[1] : nil
    pass.engine.normalizeGradient(
      state, input: ports.inputs[0], output: ports.output, outputGradient: upstream,
      inputGradient: inPlace ? upstream : slot?.tensor ?? upstream,
      residualGradient: residual?.tensor, accumulateResidual: residual?.accumulate ?? false,
      gammaGradient: gamma.gradient, betaGradient: beta.gradient, activation: norm.activation,
      map: ports.outputMap, images: pass.images)
    if let slot, slot.accumulate {
      let floats = pass.engine.floats(ports.outputMap, images: pass.images)
      pass.engine.add(upstream.prefix(floats), to: slot.tensor.prefix(floats))
    }
  }
}
