// SPDX-License-Identifier: Apache-2.0
import Exchange
import Masks
import Tensor

/// A convolution, or a linear layer as a 1x1 convolution on a 1x1 map.
public struct Convolution: Hashable, Sendable {
  /// Sizes.
  public let geometry: ConvolutionGeometry
  /// Whether a bias is added to each filter.
  public let bias: Bool
  /// Whether pruning may touch the weights. First convolutions, 1x1 shortcuts and classifiers stay
  /// dense.
  public let prunable: Bool
}

extension Network {
  /// Appends a convolution.
  ///
  /// - Parameters:
  ///   - name: unique name.
  ///   - value: what it reads.
  ///   - kernel: side of a square kernel.
  ///   - groups: groups of channels; as many as channels for a depthwise convolution.
  ///   - prunable: whether pruning may touch it.
  /// - Throws: `NetworkError.misfit` when the sizes do not fit.
  @discardableResult
  public mutating func convolution(
    _ name: String, _ value: Value, filters: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
    groups: Int = 1, bias: Bool = false, prunable: Bool = true
  ) throws(NetworkError) -> Value {
    try convolution(
      name, value, filters: filters, rows: kernel, columns: kernel, stride: stride,
      paddingRows: padding, paddingColumns: padding, groups: groups, bias: bias, prunable: prunable)
  }

  /// Appends a convolution whose kernel need not be square.
  ///
  /// - Throws: `NetworkError.misfit` when the sizes do not fit.
  @discardableResult
  public mutating func convolution(
    _ name: String, _ value: Value, filters: Int, rows: Int, columns: Int, stride: Int = 1,
    paddingRows: Int = 0, paddingColumns: Int = 0, groups: Int = 1, bias: Bool = false,
    prunable: Bool = true
  ) throws(NetworkError) -> Value {
    guard
      let geometry = ConvolutionGeometry(
        input: map(value), filters: filters, rows: rows, columns: columns, stride: stride,
        paddingRows: paddingRows, paddingColumns: paddingColumns, groups: groups),
      geometry.isTrainable
    else {
      throw .misfit(
        layer: name, input: map(value),
        reason: "a kernel of \(rows)x\(columns) (at most 16 columns), stride \(stride), padding "
          + "\(paddingRows)x\(paddingColumns), \(groups) groups and \(filters) filters does not fit: "
          + "the padded map must hold a kernel, and the groups must divide channels and filters")
    }
    let layer = Convolution(geometry: geometry, bias: bias, prunable: prunable)
    return try append(name, layer, [value], map: geometry.output)
  }

  /// Appends a linear layer; the map it reads is flattened first.
  @discardableResult
  public mutating func linear(
    _ name: String, _ value: Value, outputs: Int, bias: Bool = true, prunable: Bool = true
  ) throws(NetworkError) -> Value {
    var value = value
    if map(value).pixels > 1 { value = try flatten(name + ".flatten", value) }
    return try convolution(
      name, value, filters: outputs, kernel: 1, bias: bias, prunable: prunable)
  }
}

extension Convolution: Layer {
  var backwardReadsInput: Bool { true }
  var backwardReadsOutput: Bool { false }
  var gradientPlace: GradientPlace { .own }
  var takesScaling: Bool { true }

  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind? { nil }

  func tensors(_ output: MapShape) -> [LayerTensor<ConvolutionLayer>] {
    var tensors = [
      LayerTensor<ConvolutionLayer>(
        "weight", shape: exchangeShape, of: .optimiser { $0.weight },
        values: { $0.denseWeights }, store: { $0.store(denseWeights: $1) })
    ]
    if bias {
      tensors.append(LayerTensor("bias", shape: [geometry.filters], of: .optimiser { $0.bias }))
    }
    return tensors
  }

  func running(_ site: LayerSite, random: inout SeededRandom) -> ConvolutionLayer {
    ConvolutionLayer(self, site, random: &random)
  }

  /// Shape of the weights for other programs: `[K][C][R][S]`, of a linear layer `[K][C]`.
  var exchangeShape: [Int] {
    let matrix = [geometry.filters, geometry.channelsPerGroup]
    // A layer on single pixels is linear where it has a bias: convolutions leave it to the norm.
    let isLinear = geometry.input.pixels == 1 && geometry.rows * geometry.columns == 1
    return isLinear && bias ? matrix : matrix + [geometry.rows, geometry.columns]
  }
}

/// `y[k] = b[k] + Σ w[k,c,r,s] · x[c]` over the kept weights, for convolutions and linear layers.
///
/// Input gradient: the transposed, turned weights over the output's gradient. Weight gradient: for
/// each kept weight the product of input and output gradient, summed over pixels and images.
package final class ConvolutionLayer: RunningLayer {
  let name: String
  let layer: Convolution
  let ports: Ports
  private let engine: Engine
  private let scratch: ScratchSpace
  let weight: Parameter
  let bias: Parameter?
  /// What is kept; nil when the layer is dense.
  private(set) var mask: LayerMask?
  var filters: PackedFilters {
    let lists = lists
    packed = lists
    return lists
  }
  /// How the weights are packed. Nil in a dense layer that has not run yet: its lists are as large as its
  /// weights, and most layers are pruned before they run.
  private var packed: PackedFilters?
  /// dL/dW of every weight in `[K][C][R][S]` order, from the last pass that asked for it.
  private(set) var denseGradient: [Float]?
  /// Sparsity in the last observed pass.
  private(set) var observation: Observation?

  /// The activation sparsity of a backward pass, for a snapshot.
  struct Observation {
    /// Fraction of the input that is exactly zero.
    let inputSparsity: Double
    /// Fraction of the output's gradient that is exactly zero.
    let gradientSparsity: Double
  }

  var geometry: ConvolutionGeometry { layer.geometry }
  /// Whether pruning may touch it.
  package var isPrunable: Bool { layer.prunable }
  private var input: Tensor { ports.inputs[0] }

  init(_ layer: Convolution, _ site: LayerSite, random: inout SeededRandom) {
    name = site.name
    self.layer = layer
    ports = site.ports
    engine = site.engine
    scratch = site.scratch
    let geometry = layer.geometry
    let filters = Self.dense(geometry)
    // He et al. 2015: the variance of the activations stays the same from layer to layer.
    let fanIn = Float(geometry.channelsPerGroup * geometry.rows * geometry.columns)
    let deviation = (2 / fanIn).squareRoot()
    let dense = (0..<geometry.weights).map { _ in random.normal() * deviation }
    weight = Parameter(Tensor(filters.pack(dense)))
    bias = layer.bias ? Parameter(Tensor(count: geometry.filters)) : nil
    scratch.reserve(site.engine.weightGradientScratch(filters))
  }

  private static func dense(_ geometry: ConvolutionGeometry) -> PackedFilters {
    PackedFilters(dense: geometry, packing: Packing(for: geometry, scattered: false))
  }

  func forward(_ pass: PassSettings) {
    pass.engine.forward(
      filters, weight.values, bias: bias?.values, input: input, output: ports.output,
      images: pass.images)
  }

  func backward(_ pass: PassSettings) {
    let upstream = ports.upstream
    if let bias {
      pass.engine.channelSums(
        upstream, map: ports.outputMap, into: bias.gradient, images: pass.images)
    }
    if pass.denseGradients && isPrunable {
      let (all, gradient) = scratch.dense(geometry)
      scratch.reserve(pass.engine.weightGradientScratch(all))
      weightGradient(all, into: gradient, pass)
      let dense =
        all.weightCount == geometry.weights
        ? all.expand(gradient, on: pass.engine) : all.expand(gradient)
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
      pass.engine.inputGradient(
        filters, weight.values, outputGradient: upstream, inputGradient: slot.tensor,
        accumulate: slot.accumulate, images: pass.images)
    }
  }

  private func sparsity(_ tensor: Tensor, _ map: MapShape, _ pass: PassSettings) -> Double {
    let zeros = pass.engine.zeroCounts(tensor, map: map, images: pass.images).reduce(0, +)
    return Double(zeros) / Double(map.count * pass.images)
  }

  private func weightGradient(_ filters: PackedFilters, into gradient: Tensor, _ pass: PassSettings)
  {
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
    let values = lists.repack([weight.values] + weight.slots, as: packed)
    weight.values = values[0]
    weight.slots = Array(values.dropFirst())
    weight.gradient = Tensor(count: packed.weightCount)
    self.packed = packed
    self.mask = mask
    scratch.reserve(engine.weightGradientScratch(packed))
  }

  /// The weights in `[K][C][R][S]` order, zero where pruned.
  package var denseWeights: [Float] { lists.expand(weight.values) }

  /// Replaces the weights; those of pruned places are left out.
  func store(denseWeights: [Float]) { weight.values.store(lists.pack(denseWeights)) }

  /// The packing, for a moment where it is not there yet.
  private var lists: PackedFilters { packed ?? Self.dense(geometry) }

  /// Replaces dL/dW of every weight.
  func store(denseGradient: [Float]) { self.denseGradient = denseGradient }

  /// The convolution, or a matrix product where it reads single pixels; with the scales and shifts of
  /// the normalisation that is folded into it.
  func addONNX(_ node: Network.Node, to builder: inout ONNXBuilder) {
    var weights = denseWeights
    var bias = bias?.values.array()
    if let scaling = builder.folded(into: node) {
      // With f the factor of a channel, w' = f·w and b' = f·b + shift.
      let perFilter = weights.count / scaling.count
      weights = weights.indices.map { weights[$0] * scaling[$0 / perFilter].factor }
      let old = bias
      bias = scaling.indices.map { scaling[$0].shift + (old?[$0] ?? 0) * scaling[$0].factor }
    }
    let geometry = geometry
    var shape = layer.exchangeShape
    let isLinear =
      shape.count == 2
      || (builder.isFlat(node) && geometry.rows * geometry.columns == 1 && geometry.groups == 1
        && geometry.paddingRows + geometry.paddingColumns == 0)
    if isLinear { shape = Array(shape.prefix(2)) }
    let input = isLinear ? builder.flat(node.inputs[0], for: node) : builder.map(node)
    var inputs = [input, builder.constant(node, "weight", weights, shape: shape)]
    if let bias { inputs.append(builder.constant(node, "bias", bias, shape: [bias.count])) }
    if isLinear { return builder.add(node, "Gemm", inputs, isFlat: true, ["transB": .int(1)]) }
    builder.add(
      node, "Conv", inputs,
      [
        "kernel_shape": .ints([geometry.rows, geometry.columns]),
        "strides": .ints([geometry.stride, geometry.stride]),
        "pads": builder.pads(geometry.paddingRows, geometry.paddingColumns),
        "group": .int(geometry.groups),
      ])
  }

  /// Frees the dense gradient, which is as large as the dense layer, and forgets what was observed:
  /// it belongs to the masks and weights of one step.
  func dropObservation() {
    denseGradient = nil
    observation = nil
    scratch.dropDense()
  }

  /// The layer as the masks see it.
  package var filterShape: FilterShape {
    FilterShape(
      filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
      columns: geometry.columns)
  }
}
