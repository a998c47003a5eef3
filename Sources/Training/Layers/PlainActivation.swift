// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// An activation by itself.
struct PlainActivation: Layer {
  let activation: Activation

  var backwardReadsInput: Bool { false }
  var backwardReadsOutput: Bool { true }
  var gradientPlace: GradientPlace { .overOutput }
  var mixesValues: Bool { false }

  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind? { .activation }

  func tensors(_ output: MapShape) -> [LayerTensor<ActivationLayer>] { [] }

  func running(_ site: LayerSite, random: inout SeededRandom) -> ActivationLayer {
    ActivationLayer(self, site.ports)
  }
}

extension Network {
  /// Appends an activation.
  @discardableResult
  public mutating func activation(_ name: String, _ value: Value, _ activation: Activation = .relu)
    throws(NetworkError) -> Value
  {
    try append(name, PlainActivation(activation: activation), [value], map: map(value))
  }
}

/// `y = activation(x)`; its gradient passes where the output lies inside the activation's interval.
final class ActivationLayer: RunningLayer {
  let layer: PlainActivation
  let ports: Ports

  init(_ layer: PlainActivation, _ ports: Ports) {
    self.layer = layer
    self.ports = ports
  }

  func forward(_ pass: PassSettings) {
    pass.engine.activate(
      layer.activation, input: ports.inputs[0], output: ports.output, map: ports.outputMap,
      images: pass.images)
  }

  func backward(_ pass: PassSettings) {
    guard let slot = ports.inputGradients[0] else { return }
    pass.engine.activationGradient(
      layer.activation, output: ports.output, outputGradient: ports.upstream,
      inputGradient: slot.tensor, accumulate: slot.accumulate, map: ports.outputMap,
      images: pass.images)
  }

  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder) {
    if layer.activation == .none { return builder.pass(node) }
    builder.add(
      node, layer.activation.operation,
      [builder.input(node)] + builder.bounds(layer.activation, node),
      isFlat: builder.isFlat(node))
  }
}
