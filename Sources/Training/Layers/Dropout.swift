// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// Inverted dropout with a probability.
struct Dropout: Layer {
  let probability: Float

  var backwardReadsInput: Bool { false }
  var backwardReadsOutput: Bool { false }
  var gradientPlace: GradientPlace { .overOutput }
  var mixesValues: Bool { false }

  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind? { .dropout }

  func tensors(_ output: MapShape) -> [LayerTensor<DropoutLayer>] { [] }

  func running(_ site: LayerSite, random: inout SeededRandom) -> DropoutLayer {
    DropoutLayer(self, site)
  }
}

extension Network {
  /// Appends a dropout.
  ///
  /// - Throws: `NetworkError.misfit` when the probability is not in 0..<1.
  @discardableResult
  public mutating func dropout(_ name: String, _ value: Value, probability: Float)
    throws(NetworkError) -> Value
  {
    guard (0..<1).contains(probability) else {
      throw .misfit(
        layer: name, input: map(value), reason: "a dropout of \(probability) is not in 0..<1")
    }
    return try append(name, Dropout(probability: probability), [value], map: map(value))
  }
}

/// Inverted dropout (Srivastava et al. 2014): training drops values with a probability and scales
/// the others up; evaluation changes nothing.
final class DropoutLayer: RunningLayer {
  let layer: Dropout
  private let salt: UInt64
  let ports: Ports

  init(_ layer: Dropout, _ site: LayerSite) {
    self.layer = layer
    ports = site.ports
    salt = UInt64(site.index)
  }

  func forward(_ pass: PassSettings) {
    run(ports.inputs[0], into: ports.output, accumulate: false, pass)
  }

  func backward(_ pass: PassSettings) {
    guard let slot = ports.inputGradients[0] else { return }
    run(ports.upstream, into: slot.tensor, accumulate: slot.accumulate, pass)
  }

  private func run(
    _ source: Tensor, into destination: Tensor, accumulate: Bool, _ pass: PassSettings
  ) {
    var random = SeededRandom(seed: pass.seed, stream: salt)
    pass.engine.dropout(
      source, into: destination, probability: pass.training ? layer.probability : 0,
      seed: random.next(), accumulate: accumulate, map: ports.outputMap, images: pass.images)
  }

  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder) {
    builder.pass(node)
  }
}
