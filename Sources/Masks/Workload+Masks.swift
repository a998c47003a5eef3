// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor

extension Workload {
  /// Sparsity to assume where no batch was observed: half of the activations behind a ReLU, and none of
  /// the gradients, which a batch normalisation makes dense.
  public struct AssumedZeros: Sendable, Equatable {
    /// Sparsity of activations; the images have none.
    public var activations: Double
    /// Sparsity of the gradients of outputs.
    public var gradients: Double

    /// Assumed sparsity.
    public init(activations: Double = 0.5, gradients: Double = 0) {
      self.activations = activations
      self.gradients = gradients
    }
  }

  /// A network with the masks of a snapshot; layers that it lacks are dense.
  ///
  /// - Parameter file: the snapshot's file, for errors.
  /// - Throws: `InputError` when a layer of the snapshot has other sizes than the network's.
  public init(
    _ network: NetworkDescription, snapshot: MaskSnapshot, file: String,
    assuming zeros: AssumedZeros = AssumedZeros()
  ) throws(InputError) {
    let found = Dictionary(snapshot.layers.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    var layers: [Layer] = []
    for convolution in network.convolutions {
      let known = found[convolution.name]
      if let known, known.shape != convolution.filterShape {
        throw InputError(
          file: file, field: "layer \(convolution.name)", value: "\(known.shape)",
          allowed: "\(convolution.filterShape), as in the network")
      }
      let input: Double? = known?.inputSparsity
      let gradient: Double? = known?.gradientSparsity
      var layer = Layer(
        convolution: convolution, mask: known?.mask ?? LayerMask(dense: convolution.filterShape),
        granularity: known?.granularity ?? .dense,
        inputSparsity: input ?? zeros.input(of: convolution),
        gradientSparsity: gradient ?? zeros.gradients)
      layer.inputZeros = known?.inputZeros
      layer.gradientZeros = known?.gradientZeros
      layers.append(layer)
    }
    self.init(
      name: network.name, batch: network.batch, layers: layers,
      vectorLayers: network.vectorLayers, optimizer: network.optimizer ?? .sgd)
  }

  /// A network with the masks of a run of it: a snapshot of all of its layers, dense ones included.
  ///
  /// - Parameter advice: what else would be right where the layers are those of another network.
  /// - Throws: `InputError` when the snapshot lacks a layer, has another one, or one of other sizes.
  public init(
    _ network: NetworkDescription, wholeSnapshot snapshot: MaskSnapshot, file: String,
    advice: String = ""
  ) throws(InputError) {
    let theirs = network.convolutions.map(\.name)
    let own = snapshot.layers.map(\.name)
    let foreign = own.first { !theirs.contains($0) }
    guard let layer = foreign ?? theirs.first(where: { !own.contains($0) }) else {
      try self.init(network, snapshot: snapshot, file: file)
      return
    }
    throw InputError(
      file: file, field: "layer \(layer)",
      value: foreign == nil ? "none of this name" : "not a layer of \(network.name)",
      allowed: "the \(theirs.count) layers of \(network.name)\(advice)")
  }

  /// The network without its masks.
  public var network: NetworkDescription {
    NetworkDescription(
      name: name, batch: batch, convolutions: layers.map(\.convolution),
      vectorLayers: vectorLayers, optimizer: optimizer)
  }
}

extension Workload.AssumedZeros {
  package func input(of convolution: NetworkDescription.Convolution) -> Double {
    convolution.needsInputGradient ? activations : 0
  }
}
