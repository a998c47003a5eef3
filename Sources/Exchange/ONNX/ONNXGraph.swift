// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// The graph of an ONNX file: nodes that read and make values, and constants.
///
/// Format: https://onnx.ai/onnx/repo-docs/IR.html. Every value has one maker: a node, an input of the
/// graph or a constant.
public struct ONNXGraph: Sendable {
  /// An operation on values.
  public struct Node: Sendable {
    /// May be empty in files of other programs.
    public var name: String
    /// For example `Conv`.
    public var operation: String
    /// The set of operations; empty for ONNX's own.
    public var domain = ""
    /// Names of values; an empty one is an optional input that is not given.
    public var inputs: [String]
    /// Names of values.
    public var outputs: [String]
    /// Settings by their names.
    public var attributes: [String: Attribute] = [:]

    /// A node of ONNX's own set.
    public init(
      _ operation: String, name: String, inputs: [String], output: String,
      attributes: [String: Attribute] = [:]
    ) {
      self.init(
        operation, name: name, domain: "", inputs: inputs, outputs: [output],
        attributes: attributes)
    }

    init(
      _ operation: String, name: String, domain: String, inputs: [String], outputs: [String],
      attributes: [String: Attribute]
    ) {
      self.name = name
      self.operation = operation
      self.domain = domain
      self.inputs = inputs
      self.outputs = outputs
      self.attributes = attributes
    }

    /// The name, or for want of one that of what the node makes.
    public var label: String { name.isEmpty ? outputs.first { !$0.isEmpty } ?? "" : name }
  }

  /// A setting of a node.
  public enum Attribute: Sendable, Equatable {
    /// A whole number.
    case int(Int)
    /// Whole numbers.
    case ints([Int])
    /// A number.
    case float(Float)
    /// A word.
    case text(String)
    /// A constant.
    case constant(Constant)
    /// Anything else, graphs within graphs included; nothing of it is read.
    case other
  }

  /// The type of the values of a constant, by its number in ONNX.
  public enum Element: Int, Sendable, CaseIterable {
    case float32 = 1
    case uint8 = 2
    case int8 = 3
    case uint16 = 4
    case int16 = 5
    case int32 = 6
    case int64 = 7
    case bool = 9
    case float16 = 10
    case float64 = 11
    case uint32 = 12
    case uint64 = 13
    case bfloat16 = 16

    /// Whether values are floats.
    var isFloat: Bool { [.float32, .float16, .bfloat16, .float64].contains(self) }

    /// Bytes of a value.
    var byteCount: Int {
      switch self {
      case .uint8, .int8, .bool: 1
      case .uint16, .int16, .float16, .bfloat16: 2
      case .float32, .int32, .uint32: 4
      case .int64, .uint64, .float64: 8
      }
    }
  }

  /// Values that the file gives.
  public struct Constant: Sendable, Equatable {
    /// Sizes of the axes; none for a single value.
    public let shape: [Int]
    /// The type of the values; nil for one that is not read, as text or four bits.
    public let element: Element?
    /// The values, lowest byte first.
    let bytes: ArraySlice<UInt8>

    /// Values of a shape.
    public init(_ values: [Float], shape: [Int]) {
      precondition(values.count == shape.reduce(1, *), "\(values.count) values for \(shape)")
      let bytes = Tensor(values).bytes().prefix(4 * values.count)
      self.init(shape: shape, element: .float32, bytes: [UInt8](bytes)[...])
    }

    /// Whole numbers, one axis.
    public init(_ values: [Int]) {
      let bytes = values.flatMap { value in
        (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      }
      self.init(shape: [values.count], element: .int64, bytes: bytes[...])
    }

    init(shape: [Int], element: Element?, bytes: ArraySlice<UInt8>) {
      self.shape = shape
      self.element = element
      self.bytes = bytes
    }
  }

  /// The size of a value, as far as the file says it.
  public struct ValueSize: Sendable, Equatable {
    /// Sizes of the axes; nil for one that is open.
    public var axes: [Int?]

    /// A size; nil for an axis that is open.
    public init(axes: [Int?]) { self.axes = axes }
  }

  /// A value with its size.
  public struct Port: Sendable, Equatable {
    /// Name of the value.
    public var name: String
    /// Its size; nil where the file does not say it.
    public var size: ValueSize?

    /// A value.
    public init(_ name: String, size: ValueSize?) {
      self.name = name
      self.size = size
    }
  }

  /// Name of the graph.
  public var name: String
  /// In any order that the file has.
  public var nodes: [Node] = []
  /// Constants by the names of their values.
  public var constants: [(name: String, value: Constant)] = []
  /// What a caller gives.
  public var inputs: [Port] = []
  /// What a caller gets.
  public var outputs: [Port] = []
  /// Sizes of values within.
  public var sizes: [Port] = []

  /// A graph without nodes.
  public init(name: String) { self.name = name }
}

extension ONNXGraph.Constant {
  /// The values of a type of floats as floats; nil for other types.
  var floats: [Float]? {
    switch element {
    case .float32: Data(bytes).floats
    case .float16: Data(bytes).words(bytes: 2).map { float(half: UInt16($0)) }
    case .bfloat16: Data(bytes).words(bytes: 2).map { Float(bitPattern: UInt32($0) << 16) }
    case .float64: Data(bytes).words(bytes: 8).map { Float(Double(bitPattern: $0)) }
    default: nil
    }
  }

  /// The values of a type of 64-bit whole numbers; nil for other types.
  var integers: [Int]? {
    element == .int64
      ? Data(bytes).words(bytes: 8).map { Int(truncatingIfNeeded: $0) } : nil
  }
}

/// The numbers of fields in `onnx.proto`, by message.
enum ONNXField {
  enum Model {
    static let irVersion = 1, producer = 2, producerVersion = 3, graph = 7, operators = 8
    static let metadata = 14
  }
  enum OperatorSet { static let domain = 1, version = 2 }
  enum Entry { static let key = 1, value = 2 }
  enum Graph {
    static let node = 1, name = 2, constant = 5, input = 11, output = 12, valueInfo = 13
    static let sparseConstant = 15
  }
  enum Node {
    static let input = 1, output = 2, name = 3, operation = 4, attribute = 5, domain = 7
  }
  enum Attribute {
    static let name = 1, float = 2, int = 3, text = 4, tensor = 5, floats = 7, ints = 8, type = 20
  }
  enum AttributeType { static let float = 1, int = 2, text = 3, tensor = 4, ints = 7 }
  enum Tensor {
    static let axes = 1, element = 2, segment = 3, floats = 4, int32s = 5, texts = 6, int64s = 7
    static let name = 8, raw = 9, doubles = 10, uint64s = 11, external = 13, location = 14
  }
  enum ValueInfo { static let name = 1, type = 2 }
  enum TypeOfValue { static let tensor = 1 }
  enum TensorType { static let element = 1, shape = 2 }
  enum Shape { static let axis = 1 }
  enum Axis { static let size = 1, name = 2 }
}
