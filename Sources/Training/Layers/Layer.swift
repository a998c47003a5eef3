// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A layer as plain data.
///
/// Everything that the engine, the file formats and the processor model need of a layer is in the
/// layer's own file: the data, the method of `Network` that appends it, its tensors, and the class that
/// runs it.
protocol Layer: Sendable {
  /// The class that runs the layer.
  associatedtype Running: RunningLayer

  /// Whether the backward pass reads the first input of the forward pass.
  var backwardReadsInput: Bool { get }
  /// Whether the backward pass reads what the forward pass made.
  var backwardReadsOutput: Bool { get }
  /// Where the gradient of an input may be written.
  var gradientPlace: GradientPlace { get }
  /// Whether the output is the input's memory, unmoved.
  var outputIsInput: Bool { get }
  /// Whether a value of the output depends on several values of an input, normalisation apart.
  var mixesValues: Bool { get }
  /// Whether an exported layer can scale and shift its channels too, so that a normalisation becomes
  /// part of it.
  var takesScaling: Bool { get }

  /// The layer's work on the processor's vector unit; nil for none.
  func vectorKind(inputs: Int) -> NetworkDescription.VectorLayer.Kind?

  /// The values that belong to the layer, in the order of files.
  ///
  /// Their number, their names, what is exported and imported and what a checkpoint holds follow from
  /// this list.
  func tensors(_ output: MapShape) -> [LayerTensor<Running>]

  /// The layer with its parameters, at its places in memory.
  func running(_ site: LayerSite, random: inout SeededRandom) -> Running
}

extension Layer {
  var outputIsInput: Bool { false }
  var mixesValues: Bool { true }
  var takesScaling: Bool { false }

  /// Names after the layer's, and shapes.
  func tensorShapes(_ output: MapShape) -> [(suffix: String, shape: [Int])] {
    tensors(output).map { ($0.suffix, $0.shape) }
  }

  /// Values that the optimiser trains in a dense layer.
  func parameterCount(_ output: MapShape) -> Int {
    tensors(output).reduce(0) { sum, tensor in
      if case .optimiser = tensor.owner { sum + tensor.shape.reduce(1, *) } else { sum }
    }
  }
}

/// Where the gradient of a layer's input may be written.
enum GradientPlace: Sendable {
  /// In memory of its own.
  case own
  /// Over the gradient of the output.
  case overOutput
  /// Over the gradient of the output, unless the gradient of the first input has to be added to
  /// another: then the memory holds what is to be added.
  case overOutputUnlessAdding
}

/// Values that belong to a layer.
struct LayerTensor<Running: AnyObject> {
  /// Where the values are.
  enum Owner {
    /// The optimiser trains them.
    case optimiser((Running) -> Parameter?)
    /// The layer keeps them itself.
    case statistic((Running) -> Tensor)
  }

  /// What follows the layer's name and a dot, as in PyTorch.
  let suffix: String
  /// Sizes of the axes for other programs.
  let shape: [Int]
  let owner: Owner
  /// The least value that a file may have.
  let least: Float
  /// Whether the bias of the layer before, which has no place for it, is taken from these values.
  let takesBias: Bool
  /// The values as other programs have them.
  let values: (Running) -> [Float]
  let store: (Running, [Float]) -> Void

  /// Values that other programs have in the same order, unless `values` and `store` say how.
  init(
    _ suffix: String, shape: [Int], of owner: Owner, least: Float = -.infinity,
    takesBias: Bool = false, values: ((Running) -> [Float])? = nil,
    store: ((Running, [Float]) -> Void)? = nil
  ) {
    self.suffix = suffix
    self.shape = shape
    self.owner = owner
    self.least = least
    self.takesBias = takesBias
    let tensor: (Running) -> Tensor? =
      switch owner {
      case .optimiser(let parameter): { parameter($0)?.values }
      case .statistic(let tensor): { tensor($0) }
      }
    self.values = values ?? { tensor($0)?.array() ?? [] }
    self.store = store ?? { tensor($0)?.store($1) }
  }
}
