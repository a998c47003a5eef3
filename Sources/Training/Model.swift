// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A network with its weights and the memory for training, ready to run.
///
/// All activations and gradients are in one planned block of memory; a step allocates nothing.
///
/// ```swift
/// var network = Network(name: "small", input: MapShape(channels: 3, height: 8, width: 8))
/// var x = try network.convolution("conv", network.input, filters: 4, kernel: 3, padding: 1)
/// x = try network.globalAveragePool("pool", x)
/// try network.linear("fc", x, outputs: 2)
/// let model = try Model(network, engine: Engine(threads: 2), batch: 1, seed: 1)
/// model.stage([Float](repeating: 0.5, count: 3 * 8 * 8))
/// model.forward(images: 1, training: false)
/// print(model.logits(images: 1))  // two of them
/// ```
public final class Model {
  /// The layers as data.
  public let network: Network
  /// Instruction set and threads.
  public let engine: Engine
  /// The most images that a pass takes.
  public let batch: Int
  /// What the optimiser trains, in network order.
  public let parameters: [Parameter]
  /// Running statistics, in network order.
  public let statistics: [NamedTensor]
  /// What training it takes at least.
  package let memory: ModelMemory
  /// In what activations and gradients wait for their next use in training, emulated: they are rounded
  /// to it where they are.
  public var storage = StorageFormats()
  /// Bytes of the block that holds all activations and gradients.
  public let arenaBytes: Int
  /// Bytes that they would take without sharing memory.
  public let unsharedBytes: Int

  private let arena: Storage
  let layers: [any RunningLayer]
  package let convolutions: [ConvolutionLayer]
  private let stored: StoredTensors
  private let input: Tensor
  /// Images that `forward` reads: those of a batch, or `ownPlanar`.
  private var planar = Tensor(count: 0)
  private lazy var ownPlanar = Tensor(count: batch * network.map(network.input).count)
  private let output: Tensor
  private let outputGradient: Tensor
  private let planarLogits: Tensor
  private let planarGradient: Tensor
  private let inputGradient: Tensor?

  /// Lays out a network for batches of at most `batch` images and initialises its weights.
  ///
  /// - Parameter imageGradient: makes backward passes compute the gradient of the images too.
  /// - Throws: `MemoryError` when there is not enough memory for it.
  public convenience init(
    _ network: Network, engine: Engine, batch: Int, seed: UInt64, imageGradient: Bool = false
  ) throws(MemoryError) {
    try self.init(
      network, engine: engine, batch: batch, seed: seed, imageGradient: imageGradient, arena: nil)
  }

  /// Lays out another model's network with new weights, in the same block of memory: a pass of one
  /// overwrites what the last pass of the other left.
  convenience init(sharingMemoryOf other: Model, seed: UInt64) throws(MemoryError) {
    try self.init(
      other.network, engine: other.engine, batch: other.batch, seed: seed,
      imageGradient: other.inputGradient != nil, arena: other.arena)
  }

  private init(
    _ network: Network, engine: Engine, batch: Int, seed: UInt64, imageGradient: Bool,
    arena: Storage?
  ) throws(MemoryError) {
    precondition(batch > 0 && !network.nodes.isEmpty, "a network with layers, a batch with images")
    self.network = network
    self.engine = engine
    self.batch = batch

    let plan = ArenaPlan(network, imageGradient: imageGradient) {
      engine.floats($0, atMost: batch) * 4
    }
    let memory = ModelMemory(network, batch: batch, arenaBytes: plan.byteCount)
    let storage = if let arena { arena } else { try memory.arena() }
    self.memory = memory
    self.arena = storage
    arenaBytes = plan.byteCount
    unsharedBytes = plan.unsharedByteCount
    func tensor(_ buffer: Int, _ value: Network.Value) -> Tensor {
      Tensor(
        storage: storage, byteOffset: plan.offsets[buffer],
        count: engine.floats(network.map(value), atMost: batch))
    }
    func value(_ value: Network.Value) -> Tensor { tensor(plan.valueBuffers[value.index], value) }
    func gradient(_ value: Network.Value) -> Tensor? {
      plan.gradientBuffers[value.index].map { tensor($0, value) }
    }

    let scratch = ScratchSpace()
    var layers: [any RunningLayer] = []
    for (index, node) in network.nodes.enumerated() {
      let ports = Ports(
        inputs: node.inputs.map(value), inputMaps: node.inputs.map(network.map),
        output: value(node.output), outputMap: network.map(node.output),
        outputGradient: gradient(node.output),
        inputGradients: zip(node.inputs, plan.inputGradients[index]).map { input, slot in
          slot.map {
            Ports.Gradient(tensor: tensor($0.buffer, input), accumulate: $0.accumulate)
          }
        })
      var random = SeededRandom(seed: seed, stream: UInt64(index) + 1)
      layers.append(
        node.layer.running(
          LayerSite(
            name: node.name, index: index, ports: ports, engine: engine, batch: batch,
            scratch: scratch),
          random: &random))
    }
    self.layers = layers
    convolutions = layers.compactMap { $0 as? ConvolutionLayer }
    var parameters: [Parameter] = []
    var statistics: [NamedTensor] = []
    for (layer, node) in zip(layers, network.nodes) {
      for tensor in layer.tensors {
        let name = "\(node.name).\(tensor.suffix)"
        if let parameter = tensor.parameter {
          parameter.name = name
          parameters.append(parameter)
        }
        if let values = tensor.statistic {
          statistics.append(NamedTensor(name: name, values: values))
        }
      }
    }
    stored = StoredTensors(network)
    for convolution in convolutions { convolution.weight.isWeight = true }
    self.parameters = parameters
    self.statistics = statistics
    input = value(network.input)
    output = value(network.output)
    planarLogits = Tensor(count: batch * network.map(network.output).count)
    planarGradient = Tensor(count: planarLogits.count)
    outputGradient = gradient(network.output)!
    inputGradient = imageGradient ? gradient(network.input) : nil
  }

  /// Logits an image.
  public var classes: Int { network.map(network.output).count }

  /// Sets the planar images `[image][channel][row][column]` that `forward` reads.
  ///
  /// They are not copied: until the next ones are staged, nobody may change them. A batch must not go
  /// back to its loader before.
  public func stage(_ images: Tensor) { planar = images }

  /// Sets the planar images that `forward` reads to a copy of these.
  public func stage(_ images: [Float]) {
    ownPlanar.store(images)
    planar = ownPlanar
  }

  /// Sets the planar images that `forward` reads to a copy of these, from outside of Swift.
  package func stage(_ images: UnsafeBufferPointer<Float>) {
    ownPlanar.store(images)
    planar = ownPlanar
  }

  /// Takes the gradient of a loss by the logits, `[image][class]`, for `backward`.
  package func store(outputGradient gradient: UnsafeBufferPointer<Float>, images: Int) {
    planarGradient.store(gradient)
    engine.blockImages(
      planarGradient, into: outputGradient, map: network.map(network.output), images: images)
  }

  /// Computes the logits of the first `images` staged images.
  ///
  /// - Parameters:
  ///   - training: batch statistics and dropout, or running statistics.
  ///   - seed: seeds dropout.
  public func forward(images: Int, training: Bool, seed: UInt64 = 0) {
    forward(images: images, training: training, seed: seed, clock: nil)
  }

  /// As the public one; `clock` takes the time of each layer.
  func forward(images: Int, training: Bool, seed: UInt64, clock: StepClock?) {
    precondition((1...batch).contains(images), "\(images) images for a batch of \(batch)")
    let pass = PassSettings(
      engine: engine, images: images, training: training, seed: seed, denseGradients: false,
      observes: false, clock: clock)
    engine.blockImages(planar, into: input, map: network.map(network.input), images: images)
    clock?.lap(.staging)
    for (index, layer) in layers.enumerated() {
      layer.forward(pass)
      if training, stored.outputs[index], let format = storage.activations {
        engine.round(
          layer.ports.output, to: format, scale: .channel, map: layer.ports.outputMap,
          images: images)
      }
      clock?.lap(.forward, of: network.nodes[index].name)
    }
  }

  /// Loss of the logits of the last forward pass; leaves their gradient for `backward`.
  public func evaluate(_ loss: SoftmaxCrossEntropy, labels: [Int32], images: Int)
    -> SoftmaxCrossEntropy.Result
  {
    evaluate(loss, teacher: nil, labels: labels, images: images)
  }

  /// As the public one; a teacher's last forward pass was on the same images.
  func evaluate(
    _ loss: SoftmaxCrossEntropy, teacher: (model: Model, distillation: Distillation)?,
    labels: [Int32], images: Int
  ) -> SoftmaxCrossEntropy.Result {
    let map = network.map(network.output)
    engine.unblockImages(output, into: planarLogits, map: map, images: images)
    var result = loss.evaluate(
      planarLogits, labels: labels, images: images, classes: classes, lanes: 1,
      gradient: planarGradient)
    if let (model, distillation) = teacher {
      engine.unblockImages(model.output, into: model.planarLogits, map: map, images: images)
      result = distillation.combine(
        result, logits: planarLogits, teacher: model.planarLogits, images: images,
        classes: classes, gradient: planarGradient)
    }
    engine.blockImages(planarGradient, into: outputGradient, map: map, images: images)
    return result
  }

  /// Makes a batch part of the running statistics of all norms, which become the means over the
  /// batches 0 to `index`.
  func averageStatistics(over batch: Batch, index: Int, seed: UInt64) {
    let norms = layers.compactMap { $0 as? BatchNormLayer }
    for norm in norms { norm.averageWeight = 1 / Float(index + 1) }
    stage(batch.images)
    forward(images: batch.count, training: true, seed: seed)
    for norm in norms { norm.averageWeight = nil }
  }

  /// The logits of the last forward pass, `[image][class]`.
  public func logits(images: Int) -> [Float] {
    engine.unblockImages(
      output, into: planarLogits, map: network.map(network.output), images: images)
    return planarLogits.prefix(images * classes).array()
  }

  /// Computes the gradients of all parameters from the gradient that `evaluate` left.
  ///
  /// - Parameters:
  ///   - images: as of the forward pass.
  ///   - seed: as of the forward pass.
  ///   - denseGradients: computes the gradients of pruned weights too.
  ///   - observes: counts the zeros among the activations and gradients, for a snapshot.
  public func backward(
    images: Int, seed: UInt64 = 0, denseGradients: Bool = false, observes: Bool = false
  ) {
    backward(
      images: images, seed: seed, denseGradients: denseGradients, observes: observes, clock: nil)
  }

  /// The gradient of the images, `[image][channel][row][column]`, of the last backward pass; nil when the
  /// model was made without it.
  package func imageGradient(images: Int) -> [Float]? {
    guard let inputGradient else { return nil }
    let map = network.map(network.input)
    let planar = Tensor(count: images * map.count)
    engine.unblockImages(inputGradient, into: planar, map: map, images: images)
    return planar.array()
  }

  /// As the public one; `clock` takes the time of each gradient.
  func backward(
    images: Int, seed: UInt64, denseGradients: Bool, observes: Bool, clock: StepClock?
  ) {
    let pass = PassSettings(
      engine: engine, images: images, training: true, seed: seed, denseGradients: denseGradients,
      observes: observes, clock: clock)
    for index in layers.indices.reversed() {
      if stored.gradients[index], let format = storage.gradients {
        engine.round(
          layers[index].ports.upstream, to: format, scale: .tensor,
          map: layers[index].ports.outputMap, images: images)
      }
      layers[index].backward(pass)
      // A convolution has recorded the time of its weight gradient itself.
      let part = layers[index] is ConvolutionLayer ? StepProfile.Part.inputGradient : .backward
      clock?.lap(part, of: network.nodes[index].name)
    }
  }

  /// The name of the first layer whose output, for the staged images, is not finite, if any.
  func firstNonFiniteLayer(images: Int, seed: UInt64) -> String? {
    let pass = PassSettings(
      engine: engine, images: images, training: true, seed: seed, denseGradients: false,
      observes: false)
    engine.blockImages(planar, into: input, map: network.map(network.input), images: images)
    for (layer, node) in zip(layers, network.nodes) {
      layer.forward(pass)
      let map = network.map(node.output)
      if !engine.isFinite(layer.ports.output, map: map, images: images) { return node.name }
    }
    return nil
  }
}
