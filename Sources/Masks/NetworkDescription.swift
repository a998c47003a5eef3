// SPDX-License-Identifier: Apache-2.0
import Files
import Tensor

/// A network for the processor model: its convolutions and linear layers, and the layers of the vector
/// unit. A run records it once; masks are in its snapshots.
///
/// ```swift
/// let network = try ModelName.resnet20.network(
///   input: MapShape(channels: 3, height: 32, width: 32), classes: 10)
/// let description = network.description(batch: 32)
/// print(description.convolutions.count, description.vectorLayers.count)
/// ```
public struct NetworkDescription: Codable, Hashable, Sendable {
  /// A convolution, or a linear layer as a 1x1 convolution on a 1x1 map.
  public struct Convolution: Codable, Hashable, Sendable {
    /// Unique in its network.
    public var name: String
    /// Sizes.
    public var geometry: ConvolutionGeometry
    /// Whether training needs the gradient of what it reads; not so for the images.
    public var needsInputGradient: Bool
    /// Whether pruning may touch the weights.
    public var prunable: Bool
    /// Whether it is a transposed convolution: `geometry` is that of the convolution whose input
    /// gradient it computes, which reads the map that this one writes.
    public var isTransposed: Bool
    /// Names of the layers whose outputs it reads, empty for the images; nil where that is not known.
    public var reads: [String]?

    /// A layer.
    public init(
      name: String, geometry: ConvolutionGeometry, needsInputGradient: Bool, prunable: Bool,
      isTransposed: Bool = false, reads: [String]? = nil
    ) {
      self.reads = reads
      self.name = name
      self.geometry = geometry
      self.needsInputGradient = needsInputGradient
      self.prunable = prunable
      self.isTransposed = isTransposed
    }

    /// Sizes of the weights; channels are those of one group.
    public var filterShape: FilterShape {
      FilterShape(
        filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
        columns: geometry.columns)
    }
  }

  /// A layer without a multiplication by weights.
  public struct VectorLayer: Codable, Hashable, Sendable {
    /// Kind of the layer.
    public enum Kind: String, Codable, Sendable, CaseIterable {
      /// Batch normalisation with activation.
      case batchNorm
      /// Batch normalisation of the sum with a residual, with activation.
      case batchNormWithResidual
      /// An activation by itself.
      case activation
      /// Max or average pooling, also of whole planes.
      case pooling
      /// Sum of maps.
      case add
      /// Product of maps, value by value.
      case multiply
      /// Normalisation of the values of an image: layer, instance and group normalisation, softmax.
      case normalization
      /// Inverted dropout.
      case dropout
    }

    /// Unique in its network.
    public var name: String
    /// Kind of the layer.
    public var kind: Kind
    /// Values read of one image, and values written.
    public var inputElements, outputElements: Int
    /// Names of the layers whose outputs it reads, empty for the images; nil where that is not known.
    public var reads: [String]?

    /// A layer.
    public init(
      name: String, kind: Kind, inputElements: Int, outputElements: Int, reads: [String]? = nil
    ) {
      self.reads = reads
      self.name = name
      self.kind = kind
      self.inputElements = inputElements
      self.outputElements = outputElements
    }
  }

  /// Name of the network.
  public var name: String
  /// Images of a training step.
  public var batch: Int
  /// Convolutions and linear layers, in order.
  public var convolutions: [Convolution]
  /// All other layers, in order.
  public var vectorLayers: [VectorLayer]
  /// The optimiser; nil where it is not known.
  public var optimizer: Optimizer?

  /// An optimiser.
  public enum Optimizer: String, Codable, Sendable, CaseIterable {
    /// Stochastic gradient descent with momentum: one moment a weight.
    case sgd
    /// Adam with decoupled weight decay: two moments a weight.
    case adamw
  }

  /// A network.
  public init(
    name: String, batch: Int, convolutions: [Convolution], vectorLayers: [VectorLayer],
    optimizer: Optimizer? = nil
  ) {
    self.optimizer = optimizer
    self.name = name
    self.batch = batch
    self.convolutions = convolutions
    self.vectorLayers = vectorLayers
  }
}

extension NetworkDescription.Convolution {
  private enum CodingKeys: String, CodingKey {
    case name, geometry, needsInputGradient, prunable, isTransposed, reads
  }

  /// Reads a layer; one that does not say `isTransposed` is not.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      name: try values.decode(String.self, forKey: .name),
      geometry: try values.decode(ConvolutionGeometry.self, forKey: .geometry),
      needsInputGradient: try values.decode(Bool.self, forKey: .needsInputGradient),
      prunable: try values.decode(Bool.self, forKey: .prunable),
      isTransposed: try values.decodeIfPresent(Bool.self, forKey: .isTransposed) ?? false,
      reads: try values.decodeIfPresent([String].self, forKey: .reads))
  }

  /// Writes what `init(from:)` reads.
  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(name, forKey: .name)
    try values.encode(geometry, forKey: .geometry)
    try values.encode(needsInputGradient, forKey: .needsInputGradient)
    try values.encode(prunable, forKey: .prunable)
    if isTransposed { try values.encode(isTransposed, forKey: .isTransposed) }
    try values.encodeIfPresent(reads, forKey: .reads)
  }
}

extension NetworkDescription {
  /// Weights of a layer at most, so that a file of some bytes cannot ask for much memory.
  private static let mostWeights = 1 << 30

  /// Checks what a file can get wrong.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public func validate(file: String) throws(InputError) {
    func check(_ isRight: Bool, _ field: String, _ value: Int, _ allowed: String)
      throws(InputError)
    {
      if !isRight {
        throw InputError(file: file, field: field, value: "\(value)", allowed: allowed)
      }
    }
    try check((1...1 << 20).contains(batch), "batch", batch, "1 to \(1 << 20)")
    try check(!convolutions.isEmpty, "convolutions", 0, "at least one")
    var names = Set<String>()
    for layer in convolutions {
      let geometry = layer.geometry
      let shape = FilterShape(
        validating: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
        columns: geometry.columns)
      guard let shape, shape.count <= Self.mostWeights else {
        throw InputError(
          file: file, field: "layer \(layer.name)",
          value:
            "\(geometry.filters)x\(geometry.channelsPerGroup)x\(geometry.rows)x\(geometry.columns)",
          allowed: "at most \(Self.mostWeights) weights")
      }
      for map in [geometry.input, geometry.output] {
        try check(
          map.height <= 1 << 14 && map.width <= 1 << 14, "layer \(layer.name) map",
          max(map.height, map.width), "at most \(1 << 14) rows and columns")
      }
      if !names.insert(layer.name).inserted {
        throw InputError(
          file: file, field: "layer \(layer.name)", value: "twice", allowed: "unique names")
      }
    }
    for layer in vectorLayers {
      let elements = max(layer.inputElements, layer.outputElements)
      try check(
        min(layer.inputElements, layer.outputElements) >= 0 && elements <= 1 << 40,
        "layer \(layer.name) elements", elements, "0 to \(1 << 40)")
    }
    let known = names.union(vectorLayers.map(\.name))
    let reads =
      convolutions.map { ($0.name, $0.reads) } + vectorLayers.map { ($0.name, $0.reads) }
    for (name, reads) in reads {
      if let unknown = reads?.first(where: { !known.contains($0) }) {
        throw InputError(
          file: file, field: "layer \(name) reads", value: "'\(unknown)'",
          allowed: "names of layers of the network")
      }
    }
  }
}
