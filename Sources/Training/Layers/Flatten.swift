// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// Every value of the map becomes a channel of one pixel.
struct Flatten: Layer {
  let input: MapShape

  var backwardReadsInput: Bool { false }
  var backwardReadsOutput: Bool { false }
  var gradientPlace: GradientPlace { outputIsInput ? .overOutput : .own }
  var outputIsInput: Bool { input.pixels == 1 }
  var mixesValues: Bool { false }

  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind? { nil }

  func tensors(_ output: MapShape) -> [LayerTensor<FlattenLayer>] { [] }

  func running(_ site: LayerSite, random: inout SeededRandom) -> FlattenLayer {
    FlattenLayer(self, site.ports)
  }
}

extension Network {
  /// Appends a flattening: every value of the map becomes a channel.
  @discardableResult
  public mutating func flatten(_ name: String, _ value: Value) throws(NetworkError) -> Value {
    let flat = MapShape(channels: map(value).count, height: 1, width: 1)
    return try append(name, Flatten(input: map(value)), [value], map: flat)
  }
}

/// Every value of a map becomes a channel. Where a map has one pixel both are one buffer, and nothing
/// moves.
final class FlattenLayer: RunningLayer {
  let layer: Flatten
  let ports: Ports

  init(_ layer: Flatten, _ ports: Ports) {
    self.layer = layer
    self.ports = ports
  }

  func forward(_ pass: PassSettings) {
    if layer.outputIsInput { return }
    pass.engine.flatten(
      ports.inputs[0], into: ports.output, map: layer.input, images: pass.images)
  }

  func backward(_ pass: PassSettings) {
    guard let slot = ports.inputGradients[0] else { return }
    if layer.outputIsInput { return passOn(ports.upstream, to: slot, ports.outputMap, pass) }
    pass.engine.flattenGradient(
      outputGradient: ports.upstream, inputGradient: slot.tensor, accumulate: slot.accumulate,
      map: layer.input, images: pass.images)
  }

  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder) {
    builder.add(node, "Flatten", [builder.map(node)], isFlat: true)
  }
}
