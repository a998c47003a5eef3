// SPDX-License-Identifier: Apache-2.0
import Foundation
import Synchronization
import Tensor
import Training

/// A model for C, with the other state of a step: the pass in progress, pruning, optimiser.
///
/// Calls on one model are serialised, so any thread may make them.
final class ModelBox: @unchecked Sendable {
  private let lock = Mutex(())
  let model: Model
  /// Images and seed of the last forward pass that `backward` may follow.
  var pass: (images: Int, seed: UInt64)?
  /// Images of the last backward pass, until the next forward pass.
  var gradientImages: Int?
  var hasOutputGradient = false
  var pruning: NetworkPruner?
  var optimizer: Optimizer?
  var steps = 0
  /// The parameters as C sees them; made again when the masks change.
  private(set) var parameters: [ExportedParameter]
  let statistics: [ExportedStatistic]

  init(_ model: Model) {
    self.model = model
    parameters = model.packedParameters.map(ExportedParameter.init)
    statistics = model.statistics.map(ExportedStatistic.init)
  }

  func locked<Result>(_ body: (ModelBox) throws -> Result) rethrows -> Result {
    try lock.withLock { _ in try body(self) }
  }

  func exportParameters() { parameters = model.packedParameters.map(ExportedParameter.init) }

  func parameter(_ index: Int32) throws -> ExportedParameter {
    guard parameters.indices.contains(Int(index)) else {
      throw LibraryError(
        "parameter \(index) does not exist; the model has 0 to \(parameters.count - 1)")
    }
    return parameters[Int(index)]
  }

  /// A parameter that masks may concern: the weight of a convolution or linear layer.
  func weight(_ index: Int32) throws -> PackedParameter {
    let parameter = try parameter(index).parameter
    guard parameter.positions != nil else {
      throw LibraryError(
        "parameter \(index), '\(parameter.name)', is no weight of a convolution or linear layer")
    }
    return parameter
  }
}

/// A parameter with the memory that C reads of it: its name and places.
final class ExportedParameter {
  let parameter: PackedParameter
  let name: UnsafeMutablePointer<CChar>
  let positions: UnsafeMutableBufferPointer<Int32>?

  init(_ parameter: PackedParameter) {
    self.parameter = parameter
    name = strdup(parameter.name)
    positions = parameter.positions.map { places in
      let buffer = UnsafeMutableBufferPointer<Int32>.allocate(capacity: places.count)
      _ = buffer.initialize(from: places)
      return buffer
    }
  }

  deinit {
    free(name)
    positions?.deallocate()
  }
}

/// Running statistics with the memory of their name.
final class ExportedStatistic {
  let values: Tensor
  let name: UnsafeMutablePointer<CChar>

  init(_ statistic: NamedTensor) {
    values = statistic.values
    name = strdup(statistic.name)
  }

  deinit { free(name) }
}

let models = HandleTable<ModelBox>("model")

/// Runs the body of an exported function on a model, alone.
func with(_ model: UInt64, _ body: (ModelBox) throws -> Void) -> Int32 {
  call { try models.get(model).locked(body) }
}

/// `swpu_model_create` of swpu.h.
@_cdecl("swpu_model_create")
public func modelCreate(
  _ network: UInt64, _ batch: Int32, _ threads: Int32, _ kernels: UnsafePointer<CChar>?,
  _ seed: UInt64, _ imageGradient: Int32, _ model: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  call {
    let result = try required(model, "model")
    let box = try networks.get(network)
    let network = box.state.withLock { $0.network }
    guard !network.nodes.isEmpty else { throw LibraryError("network: has no layers") }
    guard batch > 0 else { throw LibraryError("batch: \(batch) is not at least 1") }
    guard threads >= 0, threads <= 1024 else {
      throw LibraryError("threads: \(threads) is not in 0 (one for each processor) to 1024")
    }
    let table = try kernels.map { try named($0) } ?? .best
    let engine = Engine(
      kernels: table, threads: threads == 0 ? ThreadPool.processors : Int(threads))
    let made = try Model(
      network, engine: engine, batch: Int(batch), seed: seed, imageGradient: imageGradient != 0)
    if let weights = box.weights { _ = try made.load(weights) }
    result.pointee = models.insert(ModelBox(made))
  }
}

private func named(_ pointer: UnsafePointer<CChar>) throws -> Kernels {
  let name = try text(pointer, "kernels")
  guard let table = Kernels.available.first(where: { $0.name == name }) else {
    let names = Kernels.available.map(\.name).joined(separator: ", ")
    throw LibraryError("kernels '\(name)' are not for this processor; it runs \(names)")
  }
  return table
}

/// `swpu_model_free` of swpu.h.
@_cdecl("swpu_model_free")
public func modelFree(_ model: UInt64) -> Int32 { call { try models.remove(model) } }

/// `swpu_model_sizes` of swpu.h.
@_cdecl("swpu_model_sizes")
public func modelSizes(
  _ model: UInt64, _ batch: UnsafeMutablePointer<Int32>?, _ inputs: UnsafeMutablePointer<Int64>?,
  _ classes: UnsafeMutablePointer<Int32>?
) -> Int32 {
  with(model) { box in
    let network = box.model.network
    batch?.pointee = Int32(box.model.batch)
    inputs?.pointee = Int64(network.map(network.input).count)
    classes?.pointee = Int32(box.model.classes)
  }
}

/// `swpu_model_forward` of swpu.h.
@_cdecl("swpu_model_forward")
public func modelForward(
  _ model: UInt64, _ images: UnsafePointer<Float>?, _ count: Int32, _ training: Int32,
  _ seed: UInt64, _ logits: UnsafeMutablePointer<Float>?
) -> Int32 {
  with(model) { box in
    let images = try required(images, "images")
    guard (1...box.model.batch).contains(Int(count)) else {
      throw LibraryError("count: \(count) images; the model takes 1 to \(box.model.batch)")
    }
    let network = box.model.network
    let floats = Int(count) * network.map(network.input).count
    box.model.stage(UnsafeBufferPointer(start: images, count: floats))
    box.model.forward(images: Int(count), training: training != 0, seed: seed)
    box.gradientImages = nil
    box.pass = training != 0 ? (Int(count), seed) : nil
    box.hasOutputGradient = false
    if let logits {
      let values = box.model.logits(images: Int(count))
      logits.update(from: values, count: values.count)
    }
  }
}

/// `swpu_model_loss` of swpu.h.
@_cdecl("swpu_model_loss")
public func modelLoss(
  _ model: UInt64, _ labels: UnsafePointer<Int32>?, _ smoothing: Float,
  _ loss: UnsafeMutablePointer<Double>?, _ correct: UnsafeMutablePointer<Int32>?
) -> Int32 {
  with(model) { box in
    let labels = try required(labels, "labels")
    guard let pass = box.pass else { throw noForwardPass }
    guard (0..<1).contains(smoothing) else {
      throw LibraryError("smoothing: \(smoothing) is not at least 0 and less than 1")
    }
    let values = Array(UnsafeBufferPointer(start: labels, count: pass.images))
    if let label = values.first(where: { !(0..<Int32(box.model.classes)).contains($0) }) {
      throw LibraryError("labels: \(label) is not in 0 to \(box.model.classes - 1)")
    }
    let result = box.model.evaluate(
      SoftmaxCrossEntropy(smoothing: smoothing), labels: values, images: pass.images)
    box.hasOutputGradient = true
    loss?.pointee = result.loss
    correct?.pointee = Int32(result.correct)
  }
}

/// `swpu_model_backward` of swpu.h.
@_cdecl("swpu_model_backward")
public func modelBackward(
  _ model: UInt64, _ gradient: UnsafePointer<Float>?, _ denseGradients: Int32
) -> Int32 {
  with(model) { box in
    guard let pass = box.pass else { throw noForwardPass }
    if let gradient {
      box.model.store(
        outputGradient: UnsafeBufferPointer(
          start: gradient, count: pass.images * box.model.classes), images: pass.images)
    } else if !box.hasOutputGradient {
      throw LibraryError(
        .notReady, "gradient is NULL, and no swpu_model_loss has left one for this forward pass")
    }
    box.model.backward(
      images: pass.images, seed: pass.seed, denseGradients: denseGradients != 0,
      observes: denseGradients != 0)
    box.gradientImages = pass.images
    box.pass = nil
  }
}

/// `swpu_model_image_gradient` of swpu.h.
@_cdecl("swpu_model_image_gradient")
public func modelImageGradient(_ model: UInt64, _ output: UnsafeMutablePointer<Float>?) -> Int32 {
  with(model) { box in
    let output = try required(output, "output")
    guard let images = box.gradientImages else {
      throw LibraryError(.notReady, "no swpu_model_backward has followed the last forward pass")
    }
    guard let gradient = box.model.imageGradient(images: images) else {
      throw LibraryError(
        .notReady, "the model was made by swpu_model_create with image_gradient = 0")
    }
    output.update(from: gradient, count: gradient.count)
  }
}

private let noForwardPass = LibraryError(
  .notReady, "there is no forward pass with training = 1 that a backward pass could follow")

/// `swpu_model_sgd` of swpu.h.
@_cdecl("swpu_model_sgd")
public func modelSGD(_ model: UInt64, _ momentum: Float, _ nesterov: Int32, _ decay: Float)
  -> Int32
{
  with(model) {
    try $0.use(.sgd(momentum: momentum, nesterov: nesterov != 0, weightDecay: decay))
  }
}

/// `swpu_model_adamw` of swpu.h.
@_cdecl("swpu_model_adamw")
public func modelAdamW(
  _ model: UInt64, _ beta1: Float, _ beta2: Float, _ epsilon: Float, _ decay: Float
) -> Int32 {
  with(model) {
    try $0.use(.adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: decay))
  }
}

extension ModelBox {
  fileprivate func use(_ optimizer: Optimizer) throws {
    let values: [Float] =
      switch optimizer {
      case .sgd(let momentum, _, let decay): [momentum, decay]
      case .adamW(let beta1, let beta2, let epsilon, let decay): [beta1, beta2, epsilon, decay]
      }
    guard values.allSatisfy({ $0.isFinite && $0 >= 0 }) else {
      throw LibraryError("\(values): every number of an optimiser is finite and not negative")
    }
    optimizer.prepare(model.parameters)
    self.optimizer = optimizer
    steps = 0
  }
}

/// `swpu_model_step` of swpu.h.
@_cdecl("swpu_model_step")
public func modelStep(_ model: UInt64, _ rate: Float, _ clip: Float) -> Int32 {
  with(model) { box in
    guard let optimizer = box.optimizer else {
      throw LibraryError(.notReady, "the model has no optimiser; swpu_model_sgd gives it one")
    }
    guard rate.isFinite, rate >= 0 else {
      throw LibraryError("rate: \(rate) is not a finite number of at least 0")
    }
    let (model, engine) = (box.model, box.model.engine)
    let scale =
      clip > 0 ? clippingScale(model.parameters, limit: clip, engine: engine) : 1
    optimizer.update(
      model.parameters, rate: rate, step: box.steps, gradientScale: scale, engine: engine)
    box.steps += 1
  }
}
