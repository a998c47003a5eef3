// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Training

/// `swpu_model_parameter_count` of swpu.h.
@_cdecl("swpu_model_parameter_count")
public func modelParameterCount(_ model: UInt64, _ count: UnsafeMutablePointer<Int32>?) -> Int32 {
  with(model) { try required(count, "count").pointee = Int32($0.parameters.count) }
}

/// `swpu_model_parameter` of swpu.h.
@_cdecl("swpu_model_parameter")
public func modelParameter(
  _ model: UInt64, _ index: Int32, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>?,
  _ gradient: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>?,
  _ count: UnsafeMutablePointer<Int64>?,
  _ positions: UnsafeMutablePointer<UnsafePointer<Int32>?>?,
  _ shape: UnsafeMutablePointer<Int32>?, _ prunable: UnsafeMutablePointer<Int32>?
) -> Int32 {
  with(model) { box in
    let exported = try box.parameter(index)
    let parameter = exported.parameter
    name?.pointee = UnsafePointer(exported.name)
    values?.pointee = parameter.values.address
    gradient?.pointee = parameter.gradient.address
    count?.pointee = Int64(parameter.values.count)
    positions?.pointee = exported.positions.map { UnsafePointer($0.baseAddress!) }
    if let shape { for (axis, size) in parameter.shape.enumerated() { shape[axis] = Int32(size) } }
    prunable?.pointee = parameter.isPrunable ? 1 : 0
  }
}

/// `swpu_model_statistic_count` of swpu.h.
@_cdecl("swpu_model_statistic_count")
public func modelStatisticCount(_ model: UInt64, _ count: UnsafeMutablePointer<Int32>?) -> Int32 {
  with(model) { try required(count, "count").pointee = Int32($0.statistics.count) }
}

/// `swpu_model_statistic` of swpu.h.
@_cdecl("swpu_model_statistic")
public func modelStatistic(
  _ model: UInt64, _ index: Int32, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ values: UnsafeMutablePointer<UnsafeMutablePointer<Float>?>?,
  _ count: UnsafeMutablePointer<Int64>?
) -> Int32 {
  with(model) { box in
    guard box.statistics.indices.contains(Int(index)) else {
      throw LibraryError(
        "statistic \(index) does not exist; the model has \(box.statistics.count)")
    }
    let statistic = box.statistics[Int(index)]
    name?.pointee = UnsafePointer(statistic.name)
    values?.pointee = statistic.values.address
    count?.pointee = Int64(statistic.values.count)
  }
}

/// Copies an array of the layer's dense size to C.
private func dense(
  _ model: UInt64, _ index: Int32, _ output: UnsafeMutablePointer<Float>?,
  _ values: (PackedParameter) throws -> [Float]
) -> Int32 {
  with(model) { box in
    let output = try required(output, "output")
    let values = try values(try box.weight(index))
    output.update(from: values, count: values.count)
  }
}

/// `swpu_model_dense_values` of swpu.h.
@_cdecl("swpu_model_dense_values")
public func modelDenseValues(
  _ model: UInt64, _ index: Int32, _ output: UnsafeMutablePointer<Float>?
) -> Int32 {
  dense(model, index, output) { $0.denseValues }
}

/// `swpu_model_set_dense_values` of swpu.h.
@_cdecl("swpu_model_set_dense_values")
public func modelSetDenseValues(
  _ model: UInt64, _ index: Int32, _ values: UnsafePointer<Float>?
) -> Int32 {
  with(model) { box in
    let weight = try box.weight(index)
    let values = try required(values, "values")
    weight.store(denseValues: Array(UnsafeBufferPointer(start: values, count: weight.denseCount)))
  }
}

/// `swpu_model_dense_gradient` of swpu.h.
@_cdecl("swpu_model_dense_gradient")
public func modelDenseGradient(
  _ model: UInt64, _ index: Int32, _ output: UnsafeMutablePointer<Float>?
) -> Int32 {
  dense(model, index, output) { weight in
    guard let gradient = weight.denseGradient else {
      throw LibraryError(
        .notReady,
        weight.isPrunable
          ? "'\(weight.name)' has no dense gradient: the last swpu_model_backward did not ask for one"
          : "'\(weight.name)' is not prunable, so it has no dense gradient")
    }
    return gradient
  }
}

/// `swpu_model_set_dense_gradient` of swpu.h.
@_cdecl("swpu_model_set_dense_gradient")
public func modelSetDenseGradient(
  _ model: UInt64, _ index: Int32, _ values: UnsafePointer<Float>?
) -> Int32 {
  with(model) { box in
    let weight = try box.weight(index)
    guard weight.isPrunable else {
      throw LibraryError("'\(weight.name)' is not prunable, so it has no dense gradient")
    }
    let values = Array(
      UnsafeBufferPointer(start: try required(values, "values"), count: weight.denseCount))
    guard values.allSatisfy(\.isFinite) else {
      throw LibraryError("values: not every one is finite")
    }
    weight.store(denseGradient: values)
  }
}

/// `swpu_model_mask` of swpu.h.
@_cdecl("swpu_model_mask")
public func modelMask(_ model: UInt64, _ index: Int32, _ kept: UnsafeMutablePointer<UInt8>?)
  -> Int32
{
  with(model) { box in
    let kept = try required(kept, "kept")
    let weight = try box.weight(index)
    kept.update(repeating: weight.mask == nil ? 1 : 0, count: weight.denseCount)
    if let mask = weight.mask { for element in mask.elementBits.setBits { kept[element] = 1 } }
  }
}

/// `swpu_model_set_mask` of swpu.h.
@_cdecl("swpu_model_set_mask")
public func modelSetMask(_ model: UInt64, _ index: Int32, _ kept: UnsafePointer<UInt8>?) -> Int32 {
  with(model) { box in
    let kept = try required(kept, "kept")
    let weight = try box.weight(index)
    let bits = Bits(count: weight.denseCount) { kept[$0] != 0 }
    weight.apply(LayerMask(recognizing: bits, shape: weight.filterShape))
    box.pass = nil
    box.exportParameters()
  }
}
