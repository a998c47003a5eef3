// SPDX-License-Identifier: Apache-2.0
import Exchange
import Masks
import Tensor

/// A batch normalisation (Ioffe and Szegedy 2015) with what commonly follows it.
public struct BatchNorm: Hashable, Sendable {
  /// Added to the variance.
  public let epsilon: Float
  /// Weight of a new batch in the running statistics.
  public let momentum: Float
  /// Applied last, after the residual is added.
  public let activation: Activation
}

extension Network {
  /// Appends a batch normalisation; `adding` is a residual of the same size, added before the
  /// activation.
  ///
  /// - Throws: `NetworkError.unequal` when the residual has another size.
  @discardableResult
  public mutating func batchNorm(
    _ name: String, _ value: Value, adding residual: Value? = nil, activation: Activation = .none,
    epsilon: Float = 1e-5, momentum: Float = 0.1
  ) throws(NetworkError) -> Value {
    if let residual, map(residual) != map(value) {
      throw .unequal(layer: name, map(value), map(residual))
    }
    let layer = BatchNorm(epsilon: epsilon, momentum: momentum, activation: activation)
    return try append(
      name, layer, [value] + (residual.map { [$0] } ?? []), map: map(value))
  }
}

extension BatchNorm: Layer {
  var backwardReadsInput: Bool { true }
  var backwardReadsOutput: Bool { activation != .none }
  var gradientPlace: GradientPlace { .overOutputUnlessAdding }
  var mixesValues: Bool { false }

  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind? {
    inputs > 1 ? .batchNormWithResidual : .batchNorm
  }

  func tensors(_ output: MapShape) -> [LayerTensor<BatchNormLayer>] {
    let shape = [output.channels]
    return [
      LayerTensor("weight", shape: shape, of: .optimiser { $0.gamma }),
      LayerTensor("bias", shape: shape, of: .optimiser { $0.beta }),
      LayerTensor(
        "running_mean", shape: shape, of: .statistic { $0.runningMean }, takesBias: true),
      LayerTensor("running_var", shape: shape, of: .statistic { $0.runningVariance }, least: 0),
    ]
  }

  func running(_ site: LayerSite, random: inout SeededRandom) -> BatchNormLayer {
    BatchNormLayer(self, site.ports)
  }
}

/// `z = activation((y - μ) / √(σ² + ε) · γ + β + residual)` by channel; training takes μ and σ² from
/// the batch, evaluation from running averages.
final class BatchNormLayer: RunningLayer {
  let layer: BatchNorm
  let ports: Ports
  private let state: NormalizationState
  let gamma: Parameter
  let beta: Parameter
  let runningMean: Tensor
  let runningVariance: Tensor
  /// Weight of a batch in the running statistics in place of the momentum.
  var averageWeight: Float?
  /// Whether training uses the running statistics and leaves all of the layer as it is.
  var isFrozen = false
  private let scale: Tensor
  private let shift: Tensor
  /// Zeros.
  private let noShift: Tensor

  init(_ layer: BatchNorm, _ ports: Ports) {
    self.layer = layer
    self.ports = ports
    let channels = ports.outputMap.channels
    state = NormalizationState(channels: channels, epsilon: layer.epsilon)
    gamma = Parameter(state.gamma)
    beta = Parameter(state.beta)
    runningMean = Tensor(count: channels)
    runningVariance = Tensor([Float](repeating: 1, count: channels))
    scale = Tensor(count: channels)
    shift = Tensor(count: channels)
    noShift = Tensor(count: channels)
  }

  private var residual: Tensor? { ports.inputs.count > 1 ? ports.inputs[1] : nil }

  func forward(_ pass: PassSettings) {
    if pass.training && !isFrozen {
      pass.engine.normalize(
        state, input: ports.inputs[0], residual: residual, output: ports.output,
        activation: layer.activation, map: ports.outputMap, images: pass.images)
      updateRunningStatistics(values: pass.images * ports.outputMap.pixels)
    } else {
      for channel in 0..<ports.outputMap.channels {
        (scale[channel], shift[channel]) = inferenceScaling(channel)
      }
      pass.engine.affine(
        scale: scale, shift: shift, input: ports.inputs[0], residual: residual,
        output: ports.output, activation: layer.activation, map: ports.outputMap,
        images: pass.images)
    }
  }

  /// Scale and shift of each channel in evaluation.
  var scaling: [ChannelScaling]? { (0..<ports.outputMap.channels).map(inferenceScaling) }

  /// Evaluation of a channel: `factor · y + shift`.
  func inferenceScaling(_ channel: Int) -> ChannelScaling {
    let factor = state.gamma[channel] / (runningVariance[channel] + layer.epsilon).squareRoot()
    return (factor, state.beta[channel] - runningMean[channel] * factor)
  }

  /// Running averages follow the batch with the momentum; the variance is the unbiased one, as in
  /// PyTorch.
  private func updateRunningStatistics(values: Int) {
    let unbiased = Float(values) / Float(max(values - 1, 1))
    let weight = averageWeight ?? layer.momentum
    for channel in 0..<ports.outputMap.channels {
      runningMean[channel] += weight * (state.mean[channel] - runningMean[channel])
      runningVariance[channel] +=
        weight * (state.variance[channel] * unbiased - runningVariance[channel])
    }
  }

  /// The gradient of a fixed scale and shift of each channel.
  private func backwardFrozen(_ pass: PassSettings) {
    let upstream = ports.upstream
    if layer.activation != .none {
      pass.engine.activationGradient(
        layer.activation, output: ports.output, outputGradient: upstream,
        inputGradient: upstream, accumulate: false, map: ports.outputMap, images: pass.images)
    }
    if ports.inputGradients.count > 1 {
      passOn(upstream, to: ports.inputGradients[1], ports.outputMap, pass)
    }
    guard let slot = ports.inputGradients[0] else { return }
    pass.engine.affine(
      scale: scale, shift: noShift, input: upstream, residual: slot.accumulate ? slot.tensor : nil,
      output: slot.tensor, activation: .none, map: ports.outputMap, images: pass.images)
  }

  func backward(_ pass: PassSettings) {
    if isFrozen { return backwardFrozen(pass) }
    let upstream = ports.upstream
    let slot = ports.inputGradients[0]
    // A gradient that has to be added is first computed in place of the output's gradient.
    let inPlace = slot == nil || slot?.accumulate == true
    let residual = ports.inputGradients.count > 1 ? ports.inputGradients[1] : nil
    pass.engine.normalizeGradient(
      state, input: ports.inputs[0], output: ports.output, outputGradient: upstream,
      inputGradient: inPlace ? upstream : slot?.tensor ?? upstream,
      residualGradient: residual?.tensor, accumulateResidual: residual?.accumulate ?? false,
      gammaGradient: gamma.gradient, betaGradient: beta.gradient, activation: layer.activation,
      map: ports.outputMap, images: pass.images)
    if let slot, slot.accumulate {
      pass.engine.add(upstream, to: slot.tensor, map: ports.outputMap, images: pass.images)
    }
  }

  /// A normalisation, then the residual, then the activation; the last of them makes the value that
  /// has the layer's name.
  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder) {
    let hasResidual = node.inputs.count > 1
    var sum = builder.alike(node)
    let isFlat = builder.isFlat(node)
    var steps: [(operation: String, inputs: [String], attributes: [String: ONNXGraph.Attribute])] =
      []
    if !builder.isFolded(node) {
      let constants = tensors.map { tensor in
        builder.constant(node, tensor.suffix, tensor.values(), shape: tensor.shape)
      }
      steps.append(
        ("BatchNormalization", [sum[0]] + constants, ["epsilon": .float(layer.epsilon)]))
    }
    if hasResidual { steps.append(("Add", [], [:])) }
    if layer.activation != .none {
      steps.append((layer.activation.operation, builder.bounds(layer.activation, node), [:]))
    }
    if steps.isEmpty { return builder.pass(node) }
    for (index, step) in steps.enumerated() {
      let isLast = index == steps.count - 1
      // The normalisation's node has the layer's name, and the last value has it too.
      let nodeName = index == 0 ? node.name : builder.fresh("\(node.name)/\(step.operation)")
      let output = isLast ? node.name : builder.fresh("\(node.name)/\(index)")
      let inputs: [String] =
        switch step.operation {
        case "Add": sum
        case "BatchNormalization": step.inputs
        default: [sum[0]] + step.inputs
        }
      builder.append(
        .init(
          step.operation, name: nodeName, inputs: inputs, output: output,
          attributes: step.attributes))
      sum[0] = output
    }
    builder.made(node, isFlat: isFlat)
  }
}
