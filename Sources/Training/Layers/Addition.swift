// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// The sum of two inputs.
struct Addition: Layer {
  var backwardReadsInput: Bool { false }
  var backwardReadsOutput: Bool { false }
  var gradientPlace: GradientPlace { .overOutput }
  var mixesValues: Bool { false }

  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind? { .add }

  func tensors(_ output: MapShape) -> [LayerTensor<AdditionLayer>] { [] }

  func running(_ site: LayerSite, random: inout SeededRandom) -> AdditionLayer {
    AdditionLayer(self, site.ports)
  }
}

extension Network {
  /// Appends the sum of two values.
  ///
  /// - Throws: `NetworkError.unequal` when they have different sizes.
  @discardableResult
  public mutating func add(_ name: String, _ first: Value, _ second: Value) throws(NetworkError)
    -> Value
  {
    if map(first) != map(second) { throw .unequal(layer: name, map(first), map(second)) }
    return try append(name, Addition(), [first, second], map: map(first))
  }
}

/// `y = a + b`; its gradient goes to both.
final class AdditionLayer: RunningLayer {
  let layer: Addition
  let ports: Ports

  init(_ layer: Addition, _ ports: Ports) {
    self.layer = layer
    self.ports = ports
  }

  func forward(_ pass: PassSettings) {
    pass.engine.add(
      ports.inputs[0], ports.inputs[1], into: ports.output, map: ports.outputMap,
      images: pass.images)
  }

  func backward(_ pass: PassSettings) {
    for slot in ports.inputGradients { passOn(ports.upstream, to: slot, ports.outputMap, pass) }
  }

  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder) {
    builder.add(node, "Add", builder.alike(node), isFlat: builder.isFlat(node))
  }
}
