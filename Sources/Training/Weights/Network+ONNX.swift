// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Foundation
import Tensor

/// A network that an ONNX file describes, with its weights.
public struct ONNXModel: Sendable {
  /// The layers of the file.
  public let layers: ONNXLayers
  private let file: String

  /// Reads a file.
  ///
  /// - Throws: `InputError` naming the file and the field; of operators without a layer all of them.
  public init(path: String) throws(InputError) {
    layers = try ONNXLayers(path: path)
    file = path
  }

  /// Reads the bytes of a file.
  ///
  /// - Parameter file: names them in errors; external data are in its folder.
  /// - Throws: `InputError` naming the file and the field; of operators without a layer all of them.
  public init(_ data: Data, file: String) throws(InputError) {
    layers = try ONNXLayers(data, file: file)
    self.file = file
  }

  /// The outputs of the last layer with weights.
  public var classes: Int? {
    layers.layers.last {
      switch $0.kind {
      case .linear, .convolution: true
      default: false
      }
    }.map(\.kind).flatMap { kind in
      switch kind {
      case .linear(let weights, _), .convolution(let weights, _, _, _): weights.shape[0]
      default: nil
      }
    }
  }

  /// What the network reads and says, by the file's metadata and the normalisation in its graph.
  ///
  /// - Throws: `InputError` for metadata that are missing or wrong.
  public func task() throws(InputError) -> ImageTask {
    let task = try ImageTask(metadata: layers.metadata, file: file)
    guard let scaling = layers.scaling else { return task }
    return ImageTask(
      classNames: task.classNames, image: task.image,
      mean: zip(scaling.factors, scaling.shifts).map { -$1 / $0 },
      standardDeviation: scaling.factors.map { 1 / $0 })
  }

  /// The network for images of a size; its last layer has as many outputs as there are classes.
  ///
  /// A normalisation takes in the addition and the activation behind it that nothing else reads, as the
  /// engine's networks have them.
  ///
  /// - Throws: `NetworkError`, `InputError`.
  public func network(input: MapShape, classes: Int) throws -> Network {
    let stem = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
    // The names of the engine's own networks stand for their layers.
    var network = Network(
      name: ModelName(rawValue: stem) == nil ? stem : stem + "-onnx", input: input)
    var values: [String: Network.Value] = [layers.input: network.input]
    var readers: [String: [Int]] = [:]
    for (index, layer) in layers.layers.enumerated() {
      for input in layer.inputs { readers[input, default: []].append(index) }
    }
    /// The one layer that reads a value, which the caller does not.
    func reader(_ value: String) -> (index: Int, layer: ONNXLayers.Layer)? {
      guard let found = readers[value], found.count == 1, value != layers.output else { return nil }
      return (found[0], layers.layers[found[0]])
    }
    let last = layers.layers.lastIndex { layer in
      switch layer.kind {
      case .linear, .convolution: true
      default: false
      }
    }
    var taken: Set<Int> = []
    var isFirst = true
    for (index, layer) in layers.layers.enumerated() where !taken.contains(index) {
      func value(_ place: Int) throws -> Network.Value {
        guard place < layer.inputs.count, let value = values[layer.inputs[place]] else {
          throw InputError(
            file: file, field: "node '\(layer.name)'", value: "an input that no layer makes",
            allowed: "what the images or layers make")
        }
        return value
      }
      let x = try value(0)
      var made = layer.output
      let result: Network.Value
      switch layer.kind {
      case .convolution(let weights, let bias, let window, let groups):
        result = try network.convolution(
          layer.name, x, filters: index == last ? classes : weights.shape[0], rows: window.rows,
          columns: window.columns, stride: window.stride, paddingRows: window.paddingRows,
          paddingColumns: window.paddingColumns, groups: groups, bias: bias != nil,
          prunable: !isFirst && index != last && weights.shape[1] > 4)
        isFirst = false
      case .linear(let weights, let bias):
        result = try network.convolution(
          layer.name, x, filters: index == last ? classes : weights.shape[0], kernel: 1,
          bias: bias != nil, prunable: !isFirst && index != last && weights.shape[1] > 4)
        isFirst = false
      case .batchNorm(_, _, _, _, let epsilon):
        var residual: Network.Value?
        var activation = Activation.none
        if let (place, next) = reader(made), next.kind == .add,
          let other = next.inputs.first(where: { $0 != made }), let known = values[other],
          network.map(known) == network.map(x)
        {
          residual = known
          taken.insert(place)
          made = next.output
        }
        if let (place, next) = reader(made), next.kind == .relu || next.kind == .relu6 {
          activation = next.kind == .relu ? .relu : .relu6
          taken.insert(place)
          made = next.output
        }
        result = try network.batchNorm(
          layer.name, x, adding: residual, activation: activation, epsilon: epsilon)
      case .relu: result = try network.activation(layer.name, x, .relu)
      case .relu6: result = try network.activation(layer.name, x, .relu6)
      case .maxPool(let window):
        result = try network.pool(
          layer.name, x, .max, size: window.rows, stride: window.stride,
          padding: window.paddingRows)
      case .averagePool(let window):
        result = try network.pool(
          layer.name, x, .average, size: window.rows, stride: window.stride,
          padding: window.paddingRows)
      case .globalAveragePool: result = try network.globalAveragePool(layer.name, x)
      case .add: result = try network.add(layer.name, x, value(1))
      case .flatten: result = try network.flatten(layer.name, x)
      case .pass: result = x
      }
      values[made] = result
      // What a fused layer made inside is the same value to whoever asks.
      values[layer.output] = values[layer.output] ?? result
    }
    guard values[layers.output] == network.output,
      network.map(network.output) == MapShape(channels: classes, height: 1, width: 1)
    else {
      throw InputError(
        file: file, field: "graph output",
        value: "\(values[layers.output].map { "a map of \(network.map($0))" } ?? "nothing")",
        allowed: "the logits of \(classes) classes, made by the last layer")
    }
    return network
  }

  /// The weights in the names and shapes that a model of `network` has for them.
  ///
  /// - Throws: `InputError` naming the file.
  public func weights(for network: Network) throws(InputError) -> SafetensorsFile {
    let shapes = network.exchangeWeights.mapValues(\.shape)
    var arrays: [NamedArray] = []
    func add(_ layer: String, _ suffix: String, _ values: [Float]) {
      arrays.append(
        NamedArray(name: "\(layer).\(suffix)", shape: [values.count], values: values))
    }
    for layer in layers.layers {
      switch layer.kind {
      case .convolution(let weights, let bias, _, _), .linear(let weights, let bias):
        // A linear layer without a bias is a 1x1 convolution to the engine.
        let shape = shapes[layer.name].flatMap {
          $0.reduce(1, *) == weights.values.count ? $0 : nil
        }
        let rest = weights.shape.count < (shapes[layer.name]?.count ?? 0) ? [1, 1] : []
        arrays.append(
          NamedArray(
            name: layer.name + ".weight", shape: shape ?? weights.shape + rest,
            values: weights.values))
        if let bias { add(layer.name, "bias", bias) }
      case .batchNorm(let scale, let shift, let mean, let variance, _):
        add(layer.name, "weight", scale)
        add(layer.name, "bias", shift)
        add(layer.name, "running_mean", mean)
        add(layer.name, "running_var", variance)
      default: break
      }
    }
    return try SafetensorsFile(
      SafetensorsFile.encoded(arrays, metadata: layers.metadata), file: file)
  }
}
