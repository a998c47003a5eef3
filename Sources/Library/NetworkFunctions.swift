// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Synchronization
import Tensor
import Training

/// A network under construction, with the numbers by which C names its values.
final class NetworkBox: Sendable {
  struct State {
    var network: Network
    var values: [Network.Value]

    func value(_ index: Int32, _ name: String) throws -> Network.Value {
      guard values.indices.contains(Int(index)) else {
        throw LibraryError(
          "\(name) \(index) is no value of network '\(network.name)'; it has values 0 to "
            + "\(values.count - 1), 0 the images")
      }
      return values[Int(index)]
    }
  }

  let state: Mutex<State>
  /// What its models start from; nil for random weights.
  let weights: SafetensorsFile?

  init(_ network: Network, weights: SafetensorsFile? = nil) {
    self.weights = weights
    state = Mutex(
      State(network: network, values: [network.input] + network.nodes.map(\.output)))
  }
}

let networks = HandleTable<NetworkBox>("network")

/// `swpu_network_create` of swpu.h.
@_cdecl("swpu_network_create")
public func networkCreate(
  _ name: UnsafePointer<CChar>?, _ channels: Int32, _ height: Int32, _ width: Int32,
  _ network: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  call {
    let result = try required(network, "network")
    result.pointee = networks.insert(
      NetworkBox(
        Network(name: try text(name, "name"), input: try map(channels, height, width))))
  }
}

/// `swpu_network_named` of swpu.h.
@_cdecl("swpu_network_named")
public func networkNamed(
  _ model: UnsafePointer<CChar>?, _ channels: Int32, _ height: Int32, _ width: Int32,
  _ classes: Int32, _ multiplier: Double, _ network: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  call {
    let result = try required(network, "network")
    let name = try text(model, "model")
    guard let model = ModelName(rawValue: name) else {
      let names = ModelName.allCases.map(\.rawValue).joined(separator: ", ")
      throw LibraryError("model '\(name)' is unknown; there are \(names)")
    }
    guard classes > 0, classes <= 1 << 20 else {
      throw LibraryError("classes: \(classes) is not in 1 to 1048576")
    }
    guard multiplier > 0, multiplier <= 16 else {
      throw LibraryError("multiplier: \(multiplier) is not more than 0 and at most 16")
    }
    result.pointee = networks.insert(
      NetworkBox(
        try model.network(
          input: try map(channels, height, width), classes: Int(classes), width: multiplier)))
  }
}

/// `swpu_network_from_onnx` of swpu.h.
@_cdecl("swpu_network_from_onnx")
public func networkFromONNX(
  _ path: UnsafePointer<CChar>?, _ bytes: UnsafePointer<UInt8>?, _ size: Int64, _ height: Int32,
  _ width: Int32, _ classes: Int32, _ network: UnsafeMutablePointer<UInt64>?
) -> Int32 {
  call {
    let result = try required(network, "network")
    let file: ONNXModel
    if path != nil {
      file = try ONNXModel(path: text(path, "path"))
    } else {
      guard let bytes else { throw LibraryError("path and bytes are NULL; one of them is needed") }
      guard size >= 0 else { throw LibraryError("size: \(size) is negative") }
      file = try ONNXModel(Data(bytes: bytes, count: Int(size)), file: "the ONNX bytes")
    }
    func side(_ asked: Int32, _ axis: Int, _ name: String) throws -> Int32 {
      guard let fixed = file.layers.image[axis].map(Int32.init(clamping:)) else {
        if asked > 0 { return asked }
        throw LibraryError("\(name): \(asked) is not allowed; the file leaves the size open")
      }
      guard asked == 0 || asked == fixed else {
        throw LibraryError("\(name): \(asked) is not \(fixed), which the file fixes")
      }
      return fixed
    }
    guard (0...1 << 20).contains(classes) else {
      throw LibraryError("classes: \(classes) is not in 0 (as many as the file has) to 1048576")
    }
    let input = try map(
      Int32(clamping: file.layers.image[0] ?? 0), side(height, 1, "height"),
      side(width, 2, "width"))
    let made = try file.network(
      input: input, classes: classes == 0 ? file.classes ?? 0 : Int(classes))
    result.pointee = networks.insert(NetworkBox(made, weights: try file.weights(for: made)))
  }
}

/// `swpu_network_free` of swpu.h.
@_cdecl("swpu_network_free")
public func networkFree(_ network: UInt64) -> Int32 { call { try networks.remove(network) } }

private func map(_ channels: Int32, _ height: Int32, _ width: Int32) throws -> MapShape {
  for (size, name) in [(channels, "channels"), (height, "height"), (width, "width")]
  where size < 1 || size > 65_535 {
    throw LibraryError("\(name): \(size) is not in 1 to 65535")
  }
  return MapShape(channels: Int(channels), height: Int(height), width: Int(width))
}

/// Appends a layer, and gives C the number of its output.
private func append(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32,
  _ output: UnsafeMutablePointer<Int32>?,
  _ layer: (inout NetworkBox.State, String, Network.Value) throws -> Network.Value
) -> Int32 {
  call {
    let name = try text(name, "name")
    let box = try networks.get(network)
    guard box.weights == nil else {
      throw LibraryError("layer '\(name)': a network of an ONNX file takes no more layers")
    }
    let number = try box.state.withLock { state in
      let value = try state.value(input, "input")
      state.values.append(try layer(&state, name, value))
      return Int32(state.values.count - 1)
    }
    output?.pointee = number
  }
}

/// `swpu_network_convolution` of swpu.h.
@_cdecl("swpu_network_convolution")
public func networkConvolution(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32, _ filters: Int32,
  _ rows: Int32, _ columns: Int32, _ stride: Int32, _ paddingRows: Int32,
  _ paddingColumns: Int32, _ groups: Int32, _ bias: Int32, _ prunable: Int32,
  _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, input, output) { state, name, value in
    try state.network.convolution(
      name, value, filters: Int(filters), rows: Int(rows), columns: Int(columns),
      stride: Int(stride), paddingRows: Int(paddingRows), paddingColumns: Int(paddingColumns),
      groups: Int(groups), bias: bias != 0, prunable: prunable != 0)
  }
}

/// `swpu_network_linear` of swpu.h.
@_cdecl("swpu_network_linear")
public func networkLinear(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32, _ outputs: Int32,
  _ bias: Int32, _ prunable: Int32, _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, input, output) { state, name, value in
    try state.network.linear(
      name, value, outputs: Int(outputs), bias: bias != 0, prunable: prunable != 0)
  }
}

/// `swpu_network_batch_norm` of swpu.h.
@_cdecl("swpu_network_batch_norm")
public func networkBatchNorm(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32, _ residual: Int32,
  _ activation: UnsafePointer<CChar>?, _ epsilon: Float, _ momentum: Float,
  _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, input, output) { state, name, value in
    guard epsilon > 0, epsilon.isFinite else {
      throw LibraryError("epsilon: \(epsilon) is not more than 0")
    }
    guard (0...1).contains(momentum) else {
      throw LibraryError("momentum: \(momentum) is not in 0 to 1")
    }
    return try state.network.batchNorm(
      name, value, adding: residual < 0 ? nil : try state.value(residual, "residual"),
      activation: try kind(activation), epsilon: epsilon, momentum: momentum)
  }
}

/// `swpu_network_activation` of swpu.h.
@_cdecl("swpu_network_activation")
public func networkActivation(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32,
  _ activation: UnsafePointer<CChar>?, _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, input, output) { state, name, value in
    try state.network.activation(name, value, try kind(activation))
  }
}

private func kind(_ name: UnsafePointer<CChar>?) throws -> Activation {
  switch try text(name, "activation") {
  case "none": .none
  case "relu": .relu
  case "relu6": .relu6
  case let other:
    throw LibraryError("activation '\(other)' is unknown; there are none, relu, relu6")
  }
}

/// `swpu_network_pool` of swpu.h.
@_cdecl("swpu_network_pool")
public func networkPool(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32,
  _ kind: UnsafePointer<CChar>?, _ size: Int32, _ stride: Int32, _ padding: Int32,
  _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, input, output) { state, name, value in
    let pooling: PoolingGeometry.Kind
    switch try text(kind, "kind") {
    case "max": pooling = .max
    case "average": pooling = .average
    case let other: throw LibraryError("kind '\(other)' is unknown; there are max, average")
    }
    guard stride > 0 else { throw LibraryError("stride: \(stride) is not at least 1") }
    return try state.network.pool(
      name, value, pooling, size: Int(size), stride: Int(stride), padding: Int(padding))
  }
}

/// `swpu_network_global_average_pool` of swpu.h.
@_cdecl("swpu_network_global_average_pool")
public func networkGlobalAveragePool(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32,
  _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, input, output) { try $0.network.globalAveragePool($1, $2) }
}

/// `swpu_network_add` of swpu.h.
@_cdecl("swpu_network_add")
public func networkAdd(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ first: Int32, _ second: Int32,
  _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, first, output) { state, name, value in
    try state.network.add(name, value, try state.value(second, "second"))
  }
}

/// `swpu_network_flatten` of swpu.h.
@_cdecl("swpu_network_flatten")
public func networkFlatten(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32,
  _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, input, output) { try $0.network.flatten($1, $2) }
}

/// `swpu_network_dropout` of swpu.h.
@_cdecl("swpu_network_dropout")
public func networkDropout(
  _ network: UInt64, _ name: UnsafePointer<CChar>?, _ input: Int32, _ probability: Float,
  _ output: UnsafeMutablePointer<Int32>?
) -> Int32 {
  append(network, name, input, output) { state, name, value in
    try state.network.dropout(name, value, probability: probability)
  }
}
