// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// The mean of each feature map.
struct GlobalAveragePool: Layer {
  var backwardReadsInput: Bool { false }
  var backwardReadsOutput: Bool { false }
  var gradientPlace: GradientPlace { .own }

  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind? { .pooling }

  func tensors(_ output: MapShape) -> [LayerTensor<GlobalAveragePoolLayer>] { [] }

  func running(_ site: LayerSite, random: inout SeededRandom) -> GlobalAveragePoolLayer {
    GlobalAveragePoolLayer(self, site.ports)
  }
}

extension Network {
  /// Appends the mean of each plane.
  @discardableResult
  public mutating func globalAveragePool(_ name: String, _ value: Value) throws(NetworkError)
    -> Value
  {
    let channels = map(value).channels
    return try append(
      name, GlobalAveragePool(), [value], map: MapShape(channels: channels, height: 1, width: 1))
  }
}

/// The mean of each plane; its gradient spreads evenly.
final class GlobalAveragePoolLayer: RunningLayer {
  let layer: GlobalAveragePool
  let ports: Ports

  init(_ layer: GlobalAveragePool, _ ports: Ports) {
    self.layer = layer
    self.ports = ports
  }

  func forward(_ pass: PassSettings) {
    pass.engine.globalPool(
      input: ports.inputs[0], output: ports.output, map: ports.inputMaps[0], images: pass.images)
  }

  func backward(_ pass: PassSettings) {
    guard let slot = ports.inputGradients[0] else { return }
    pass.engine.globalPoolGradient(
      outputGradient: ports.upstream, inputGradient: slot.tensor, accumulate: slot.accumulate,
      map: ports.inputMaps[0], images: pass.images)
  }

  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder) {
    builder.add(node, "GlobalAveragePool", [builder.map(node)])
  }
}
