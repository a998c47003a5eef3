// SPDX-License-Identifier: Apache-2.0
import Exchange
import Files
import Masks
import Tensor

extension Network {
  /// What other programs call the weights of the convolutions and linear layers, by our names.
  public var exchangeWeights: [String: TensorName] {
    let names = exchangeNames
    return Dictionary(
      uniqueKeysWithValues: convolutions.map { name, convolution in
        (
          name,
          TensorName(
            (names[name] ?? name) + ".weight", shape: convolution.exchangeShape)
        )
      })
  }
}

/// A network of the engine with the weights of a safetensors file, for the model of the processor.
public struct WeightedNetwork: Sendable {
  /// The network, of the width and the classes that the file has.
  public let network: Network
  /// Tensors that the network has no place for, in the order of the file.
  public let leftOut: [String]
  private let state: StateFile

  /// Finds the network that a file's weights are of, and checks that all of them are there.
  ///
  /// - Parameters:
  ///   - model: its name; nil takes what `swpu export` left in the file.
  ///   - imageSize: side of the images; nil takes what `swpu export` left in the file, else 32.
  /// - Throws: `InputError`, `NetworkError`.
  public init(_ file: SafetensorsFile, model: ModelName?, imageSize: Int?) throws {
    guard let model = model ?? file.metadata["model"].flatMap(ModelName.init) else {
      throw InputError(
        file: file.file, field: "__metadata__ 'model'",
        value: file.metadata["model"] ?? "nothing",
        allowed: ModelName.allCases.map(\.rawValue).joined(separator: ", ") + "; or name it")
    }
    let image = MapShape(channels: 3, height: 32, width: 32)
    let whole = try model.network(input: image, classes: 1000)
    let state = StateFile(file, needed: whole.exchangeShapes.map(\.name))
    let sizes = try Sizes(file, state, model: model, imageSize: imageSize)
    network = try model.network(
      input: sizes.input, classes: sizes.classes, width: sizes.width)
    for tensor in network.exchangeWeights.values.sorted(by: { $0.name < $1.name }) {
      guard state.shape(tensor.name) == tensor.shape else {
        throw InputError(
          file: file.file, field: "tensor '\(tensor.name)' shape",
          value: state.shape(tensor.name).map { "\($0)" }
            ?? "no such tensor; there is \(StateNames.list(file.entries.map(\.name)))",
          allowed: "\(tensor.shape) in \(model.rawValue) for images of "
            + "\(sizes.input.height)x\(sizes.input.width)")
      }
    }
    // Biases and statistics are not simulated, but damage to them is damage to the file.
    let weights = Set(network.exchangeWeights.values.map(\.name))
    for tensor in network.exchangeShapes
    where !weights.contains(tensor.name) && state.isFloat(tensor.name) {
      _ = try state.values(tensor.name)
    }
    let endings = ["num_batches_tracked", "bias"]
    let known = Set(
      network.exchangeShapes.flatMap { tensor in
        let stem = tensor.name.split(separator: ".").dropLast().joined(separator: ".")
        return [tensor.name] + endings.map { stem + "." + $0 }
      })
    let used = Set(state.names.filter(known.contains).flatMap(state.fileNames))
    leftOut = file.entries.map(\.name).filter { !used.contains($0) }
    self.state = state
  }

  /// The weights of a layer, in `[K][C][R][S]` order.
  ///
  /// - Throws: `InputError` for a type that is not a float's, and for values that are not finite.
  public func weights(of layer: String) throws(InputError) -> [Float] {
    guard let tensor = network.exchangeWeights[layer] else {
      preconditionFailure("no layer \(layer) in \(network.name)")
    }
    return try state.values(tensor.name)
  }

  /// The masks that the zeros of the weights make.
  ///
  /// - Throws: `InputError` for a type that is not a float's.
  public func masks() throws(InputError) -> MaskSnapshot {
    var layers: [MaskSnapshot.Layer] = []
    for (name, convolution) in network.convolutions {
      let values = try weights(of: name)
      let geometry = convolution.geometry
      let mask = LayerMask(
        recognizing: Bits(count: values.count) { values[$0] != 0 },
        shape: FilterShape(
          filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
          columns: geometry.columns))
      layers.append(
        MaskSnapshot.Layer(
          name: name, granularity: mask.recognizedGranularity, mask: mask,
          inputSparsity: nil, gradientSparsity: nil))
    }
    return MaskSnapshot(step: 0, epoch: 0, layers: layers)
  }

  /// The size of a network by the shapes of its first and last layer.
  private struct Sizes {
    let input: MapShape
    let classes: Int
    let width: Double

    init(
      _ file: SafetensorsFile, _ state: StateFile, model: ModelName, imageSize: Int?
    ) throws {
      let image = (file.metadata["image"] ?? "").split(separator: "x").compactMap { Int($0) }
      let side = imageSize ?? (image.count == 3 ? image[1] : 32)
      guard (8...1024).contains(side) else {
        throw InputError(
          file: file.file, field: "__metadata__ 'image'", value: "\(side)", allowed: "8 to 1024")
      }
      let whole = try model.network(
        input: MapShape(channels: 3, height: side, width: side), classes: 1000)
      func shape(_ layer: (name: String, convolution: Convolution)?) throws -> [Int] {
        let tensor = layer.flatMap { whole.exchangeWeights[$0.name] }
        let found = state.shape(tensor?.name ?? "") ?? []
        guard found.count == tensor?.shape.count, found.allSatisfy({ (1...1 << 24).contains($0) })
        else {
          throw InputError(
            file: file.file, field: "tensor '\(tensor?.name ?? "")' shape",
            value: found.isEmpty
              ? "no such tensor; there is \(StateNames.list(file.entries.map(\.name)))"
              : "\(found)",
            allowed: "\(tensor?.shape ?? []) or a multiple, as in \(model.rawValue)")
        }
        return found
      }
      let first = try shape(whole.convolutions.first)
      classes = try shape(whole.convolutions.last)[0]
      // A linear layer reads whole images.
      let channels = first.count == 4 ? first[1] : max(1, first[1] / (side * side))
      input = MapShape(channels: channels, height: side, width: side)
      let filters = whole.convolutions.first?.convolution.geometry.filters ?? 1
      let written = file.metadata["width"].flatMap { Double($0) }
      width = written ?? Double(first[0]) / Double(filters)
      guard width > 0, width <= 16 else {
        throw InputError(
          file: file.file, field: "width", value: "\(width) times the filters of \(model.rawValue)",
          allowed: "more than 0, at most 16")
      }
    }
  }
}
