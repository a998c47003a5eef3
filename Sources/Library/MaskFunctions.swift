// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Pruning
import Tensor
import Training

/// `swpu_model_prune` of swpu.h.
@_cdecl("swpu_model_prune")
public func modelPrune(
  _ model: UInt64, _ options: UnsafePointer<CChar>?, _ totalSteps: Int64,
  _ stepsPerEpoch: Int64
) -> Int32 {
  with(model) { box in
    guard totalSteps > 0, stepsPerEpoch > 0 else {
      throw LibraryError("totalSteps \(totalSteps) and stepsPerEpoch \(stepsPerEpoch): at least 1")
    }
    let configuration = try TrainingConfiguration(
      yaml: try text(options, "options"), file: "options")
    box.pruning = NetworkPruner(
      configuration.pruning, model: box.model, totalSteps: Int(totalSteps),
      stepsPerEpoch: Int(stepsPerEpoch), seed: configuration.seed)
    box.pruning?.start(continuing: false, on: box.model.engine)
    box.pass = nil
    box.exportParameters()
  }
}

/// `swpu_model_updates_masks` of swpu.h.
@_cdecl("swpu_model_updates_masks")
public func modelUpdatesMasks(
  _ model: UInt64, _ step: Int64, _ answer: UnsafeMutablePointer<Int32>?
) -> Int32 {
  with(model) { box in
    try required(answer, "answer").pointee =
      step >= 0 && box.pruning?.schedule.isUpdate(at: Int(step)) ?? false ? 1 : 0
  }
}

/// `swpu_model_update_masks` of swpu.h.
@_cdecl("swpu_model_update_masks")
public func modelUpdateMasks(_ model: UInt64, _ step: Int64) -> Int32 {
  with(model) { box in
    guard let pruning = box.pruning else {
      throw LibraryError(.notReady, "the model is not pruned; swpu_model_prune does that first")
    }
    guard step >= 0 else { throw LibraryError("step: \(step) is not at least 0") }
    for weight in box.parameters.map(\.parameter)
    where weight.isPrunable && weight.denseGradient == nil {
      throw LibraryError(
        .notReady,
        "'\(weight.name)' has no dense gradient: call swpu_model_backward with "
          + "dense_gradients = 1 before the update")
    }
    pruning.update(at: Int(step), on: box.model.engine)
    box.model.dropObservations()
    box.pass = nil
    box.exportParameters()
  }
}

/// `swpu_model_choose_mask` of swpu.h.
@_cdecl("swpu_model_choose_mask")
public func modelChooseMask(
  _ model: UInt64, _ index: Int32, _ saliency: UnsafePointer<Float>?,
  _ growth: UnsafePointer<Float>?, _ density: Double, _ exchange: Double,
  _ kept: UnsafeMutablePointer<UInt8>?
) -> Int32 {
  with(model) { box in
    guard let pruning = box.pruning else {
      throw LibraryError(.notReady, "the model is not pruned; swpu_model_prune does that first")
    }
    let weight = try box.weight(index)
    let kept = try required(kept, "kept")
    guard density >= 0, density <= 1, exchange >= 0, exchange < 1 else {
      throw LibraryError(
        "density \(density) and exchange \(exchange): 0 to 1, the exchange less than 1")
    }
    func values(_ pointer: UnsafePointer<Float>?, _ name: String) throws -> [Float] {
      let values = Array(
        UnsafeBufferPointer(start: try required(pointer, name), count: weight.denseCount))
      guard values.allSatisfy(\.isFinite) else {
        throw LibraryError("\(name): has values not finite")
      }
      return values
    }
    let pruner = LayerPruner(shape: weight.filterShape, configuration: pruning.configuration)
    let mask = pruner.update(
      weight.mask ?? LayerMask(dense: weight.filterShape, blockSide: pruner.blockSide),
      weights: try values(saliency, "saliency"),
      gradient: try values(growth, "growth"), density: density, growFraction: exchange,
      movesShapes: true)
    kept.update(repeating: 0, count: weight.denseCount)
    for element in mask.elementBits.setBits { kept[element] = 1 }
  }
}
