// SPDX-License-Identifier: Apache-2.0
import Tensor

/// `y = activation(x)`; its gradient passes where the output lies inside the activation's interval.
final class ActivationLayer: RunningLayer {
  private let activation: Activation
  let ports: Ports

  init(activation: Activation, ports: Ports) {
    self.activation = activation
    self.ports = ports
  }

  func forward(_ pass: Pass) {
    let floats = pass.engine.floats(ports.outputMap, images: pass.images)
    pass.engine.activate(
      activation, input: ports.inputs[0].prefix(floats), output: ports.output.prefix(floats))
  }

  func backward(_ pass: Pass) {
    guard let slot = ports.inputGradients[0] else { return }
    let floats = pass.engine.floats(ports.outputMap, images: pass.images)
    pass.engine.activationGradient(
      activation, output: ports.output.prefix(floats),
      outputGradient: ports.upstream.prefix(floats), inputGradient: slot.tensor.prefix(floats),
      accumulate: slot.accumulate)
  }
}

/// `y = a + b`; its gradient goes to both.
final class AdditionLayer: RunningLayer {
  let ports: Ports

  init(ports: Ports) { self.ports = ports }

  func forward(_ pass: Pass) {
    let floats = pass.engine.floats(ports.outputMap, images: pass.images)
    pass.engine.add(
      ports.inputs[0].prefix(floats), ports.inputs[1].prefix(floats),
      into: ports.output.prefix(floats))
  }

  func backward(_ pass: Pass) {
    for slot in ports.inputGradients { passOn(ports.upstream, to: slot, ports.outputMap, pass) }
  }
}

/// Every value of a map becomes a channel. Where a map has one pixel both are one buffer, and nothing
/// moves.
final class FlattenLayer: RunningLayer {
  let ports: Ports
  private var inputMap: MapShape { ports.inputMaps[0] }

  init(ports: Ports) { self.ports = ports }

  func forward(_ pass: Pass) {
    if inputMap.pixels > 1 {
      pass.engine.flatten(
        ports.inputs[0], into: ports.output, map: inputMap, images: pass.images)
    }
  }

  func backward(_ pass: Pass) {
    guard let slot = ports.inputGradients[0] else { return }
    if inputMap.pixels > 1 {
      pass.engine.flattenGradient(
        outputGradient: ports.upstream, inputGradient: slot.tensor, accumulate: slot.accumulate,
        map: inputMap, images: pass.images)
    } else {
      passOn(ports.upstream, to: slot, ports.outputMap, pass)
    }
  }
}

/// Hands a gradient on as it is: by adding, by copying, or not at all where both are one buffer.
private func passOn(_ gradient: Tensor, to slot: Ports.Gradient?, _ map: MapShape, _ pass: Pass) {
  guard let slot else { return }
  let floats = pass.engine.floats(map, images: pass.images)
  if slot.accumulate {
    pass.engine.add(gradient.prefix(floats), to: slot.tensor.prefix(floats))
  } else if !slot.tensor.shares(with: gradient) {
    pass.engine.activate(
      .none, input: gradient.prefix(floats), output: slot.tensor.prefix(floats))
  }
}

/// Inverted dropout (Srivastava et al. 2014): training drops values with a probability and scales
/// the others up; evaluation changes nothing.
final class DropoutLayer: RunningLayer {
  private let probability: Float
  private let salt: UInt64
  let ports: Ports

  init(probability: Float, salt: UInt64, ports: Ports) {
    self.probability = probability
    self.salt = salt
    self.ports = ports
  }

  func forward(_ pass: Pass) {
    run(ports.inputs[0], into: ports.output, accumulate: false, pass)
  }

  func backward(_ pass: Pass) {
    guard let slot = ports.inputGradients[0] else { return }
    run(ports.upstream, into: slot.tensor, accumulate: slot.accumulate, pass)
  }

  private func run(_ source: Tensor, into destination: Tensor, accumulate: Bool, _ pass: Pass) {
    var random = SeededRandom(seed: pass.seed, stream: salt)
    pass.engine.dropout(
      source, into: destination, probability: pass.training ? probability : 0,
      seed: random.next(), accumulate: accumulate, map: ports.outputMap, images: pass.images)
  }
}
