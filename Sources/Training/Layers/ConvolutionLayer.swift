// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// `y[k] = b[k] + Σ w[k,c,r,s] · x[c]` over the kept weights, for convolutions and linear layers.
///
/// Input gradient: the transposed, turned weights over the output's gradient. Weight gradient: for
/// each kept weight the product of input and output gradient, summed over pixels and images.
package final class ConvolutionLayer: RunningLayer {
  let name: String
  package let convolution: Convolution
  let ports: Ports
  private let scratch: ScratchSpace
  let weight: Parameter
  let bias: Parameter?
  /// What is kept; nil when the layer is dense.
  private(set) var mask: LayerMask?
  private(set) var filters: PackedFilters
  private var transposed: Tensor
  /// dL/dW of every weight in `[K][C][R][S]` order, from the last pass that asked for it.
  private(set) var denseGradient: [Float]?
  /// What the last pass that observed saw.
  private(set) var observation: Observation?

  /// What a snapshot tells of a backward pass.
  struct Observation {
    /// Share of the input that is exactly zero.
    let inputSparsity: Double
    /// Share of the output's gradient that is exactly zero.
    let gradientSparsity: Double
  }

  var geometry: ConvolutionGeometry { convolution.geometry }
  private var input: Tensor { ports.inputs[0] }

  init(
    name: String, convolution: Convolution, ports: Ports, engine: Engine, scratch: ScratchSpace,
    random: inout SeededRandom
  ) {
    self.name = name
    self.convolution = convolution
    self.ports = ports
    self.scratch = scratch
    let geometry = convolution.geometry
    filters = PackedFilters(dense: geometry, packing: Packing(for: geometry, scattered: false))
    // He et al. 2015: the variance of the activations stays the same from layer to layer.
    let fanIn = Float(geometry.channelsPerGroup * geometry.rows * geometry.columns)
    let deviation = (2 / fanIn).squareRoot()
    let dense = (0..<geometry.weights).map { _ in random.normal() * deviation }
    weight = Parameter(name: name + ".weight", values: Tensor(filters.pack(dense)))
    transposed = Tensor(count: filters.weightCount)
    bias =
      convolution.bias
      ? Parameter(name: name + ".bias", values: Tensor(count: geometry.filters)) : nil
    scratch.reserve(engine.weightGradientScratch(filters))
  }

  var parameters: [Parameter] { [weight] + (bias.map { [$0] } ?? []) }

  func forward(_ pass: Pass) {
    pass.engine.forward(
      filters, weights, bias: bias?.values, input: input, output: ports.output,
      images: pass.images)
  }

  func backward(_ pass: Pass) {
    let upstream = ports.upstream
    if let bias {
      pass.engine.channelSums(
        upstream, map: ports.outputMap, into: bias.gradient, images: pass.images)
    }
    if pass.denseGradients && convolution.prunable {
      let all = PackedFilters(dense: geometry, packing: Packing(for: geometry, scattered: false))
      let gradient = Tensor(count: all.weightCount)
      weightGradient(all, into: gradient, pass)
      let dense = all.expand(gradient)
      weight.gradient.store(filters.pack(dense))
      denseGradient = dense
    } else {
      weightGradient(filters, into: weight.gradient, pass)
    }
    pass.clock?.lap(.weightGradient, of: name)
    if pass.observes {
      observation = Observation(
        inputSparsity: sparsity(input, ports.inputMaps[0], pass),
        gradientSparsity: sparsity(upstream, ports.outputMap, pass))
    }
    if let slot = ports.inputGradients[0] {
      pass.engine.transpose(filters, weights)
      pass.engine.inputGradient(
        filters, weights, outputGradient: upstream, inputGradient: slot.tensor,
        accumulate: slot.accumulate, images: pass.images)
    }
  }

  private var weights: ConvolutionWeights {
    ConvolutionWeights(values: weight.values, transposed: transposed)
  }

  private func sparsity(_ tensor: Tensor, _ map: MapShape, _ pass: Pass) -> Double {
    let zeros = pass.engine.zeroCounts(tensor, map: map, images: pass.images).reduce(0, +)
    return Double(zeros) / Double(map.count * pass.images)
  }

  private func weightGradient(_ filters: PackedFilters, into gradient: Tensor, _ pass: Pass) {
    scratch.reserve(pass.engine.weightGradientScratch(filters))
    pass.engine.weightGradient(
      filters, input: input, outputGradient: ports.upstream, gradient: gradient,
      scratch: scratch.tensor, images: pass.images)
  }

  /// Packs the layer for another mask; weights and optimiser state that stay keep their values,
  /// what comes back starts at zero.
  package func apply(_ mask: LayerMask) {
    let geometry = geometry
    let packing = Packing(for: geometry, scattered: mask.elements != nil)
    let packed = PackedFilters(geometry: geometry, packing: packing, patterns: mask.tapPatterns())
    let values = packed.pack(filters.expand(weight.values))
    let slots = weight.slots.map { packed.pack(filters.expand($0)) }
    weight.values = Tensor(values)
    weight.slots = slots.map { Tensor($0) }
    weight.gradient = Tensor(count: packed.weightCount)
    transposed = Tensor(count: packed.weightCount)
    filters = packed
    self.mask = mask
  }

  /// The weights in `[K][C][R][S]` order, zero where pruned.
  package var denseWeights: [Float] { filters.expand(weight.values) }

  /// Replaces the weights; those of pruned places are left out.
  func store(denseWeights: [Float]) { weight.values.store(filters.pack(denseWeights)) }

  /// Frees the dense gradient, which is as large as the dense layer, and forgets what was observed:
  /// it belongs to the masks and weights of one step.
  func dropObservation() {
    denseGradient = nil
    observation = nil
  }

  /// The layer as the masks see it.
  package var filterShape: FilterShape {
    FilterShape(
      filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
      columns: geometry.columns)
  }
}

/// Memory that layers use one after the other, as large as the most demanding of them.
final class ScratchSpace {
  private(set) var tensor = Tensor(count: 1)

  func reserve(_ floats: Int) {
    if tensor.count < floats { tensor = Tensor(count: floats) }
  }
}
