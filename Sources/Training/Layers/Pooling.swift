// SPDX-License-Identifier: Apache-2.0
import Exchange
import Masks
import Tensor

/// Max or average pooling.
struct Pooling: Layer {
  let geometry: PoolingGeometry

  var backwardReadsInput: Bool { false }
  var backwardReadsOutput: Bool { false }
  var gradientPlace: GradientPlace { .own }

  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind? { .pooling }

  func tensors(_ output: MapShape) -> [LayerTensor<PoolingLayer>] { [] }

  func running(_ site: LayerSite, random: inout SeededRandom) -> PoolingLayer {
    PoolingLayer(self, site)
  }
}

extension Network {
  /// Appends a pooling over square windows; the stride is the size unless given.
  ///
  /// - Throws: `NetworkError.misfit` when a window does not fit.
  @discardableResult
  public mutating func pool(
    _ name: String, _ value: Value, _ kind: PoolingGeometry.Kind, size: Int, stride: Int? = nil,
    padding: Int = 0
  ) throws(NetworkError) -> Value {
    guard
      let geometry = PoolingGeometry(
        kind: kind, input: map(value), size: size, stride: stride ?? size, padding: padding)
    else {
      throw .misfit(
        layer: name, input: map(value),
        reason: "windows of \(size)x\(size), padding \(padding), do not fit: sizes are 1...15, the "
          + "padding is less than the size, and the padded map must hold a window")
    }
    return try append(name, Pooling(geometry: geometry), [value], map: geometry.output)
  }
}

/// Max or average pooling over square windows.
final class PoolingLayer: RunningLayer {
  let layer: Pooling
  let ports: Ports
  private let winners: PoolingWinners?

  init(_ layer: Pooling, _ site: LayerSite) {
    self.layer = layer
    ports = site.ports
    let values = site.engine.values(ports.outputMap, images: site.batch)
    winners = layer.geometry.kind == .max ? PoolingWinners(values: values) : nil
  }

  func forward(_ pass: PassSettings) {
    pass.engine.pool(
      layer.geometry, input: ports.inputs[0], output: ports.output,
      winners: pass.training ? winners : nil, images: pass.images)
  }

  func backward(_ pass: PassSettings) {
    guard let slot = ports.inputGradients[0] else { return }
    pass.engine.poolGradient(
      layer.geometry, outputGradient: ports.upstream, inputGradient: slot.tensor, winners: winners,
      accumulate: slot.accumulate, images: pass.images)
  }

  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder) {
    let geometry = layer.geometry
    var attributes: [String: ONNXGraph.Attribute] = [
      "kernel_shape": .ints([geometry.size, geometry.size]),
      "strides": .ints([geometry.stride, geometry.stride]),
      "pads": builder.pads(geometry.padding, geometry.padding),
    ]
    if geometry.kind == .average { attributes["count_include_pad"] = .int(1) }
    builder.add(
      node, geometry.kind == .max ? "MaxPool" : "AveragePool", [builder.map(node)], attributes)
  }
}
