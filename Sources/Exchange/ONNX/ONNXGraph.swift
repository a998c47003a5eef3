// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// The graph of an ONNX file: nodes that read and make values, and constants.
///
/// Format: https://onnx.ai/onnx/repo-docs/IR.html. Every value has one maker: a node, an input of the
/// graph or a constant.
public struct ONNXGraph: Sendable {
  /// An operation on values.
  public struct Node: Sendable, Equatable {
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
    /// Settings that a function takes from its caller: the caller's names by the node's.
    var references: [String: String] = [:]

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
    /// Numbers.
    case floats([Float])
    /// A word.
    case text(String)
    /// A constant.
    case constant(Constant)
    /// A graph, for example a branch of `If`; it may read the values of the graph around it.
    indirect case graph(ONNXGraph)
    /// Anything else; nothing of it is read.
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
    case uint4 = 21
    case int4 = 22

    /// Bits of a value.
    private var bits: Int {
      switch self {
      case .uint4, .int4: 4
      case .uint8, .int8, .bool: 8
      case .uint16, .int16, .float16, .bfloat16: 16
      case .float32, .int32, .uint32: 32
      case .int64, .uint64, .float64: 64
      }
    }

    /// Bytes of a value; those of four bits have half of one.
    var byteCount: Int { max(1, bits / 8) }

    /// Bytes of so many values.
    func byteCount(of values: Int) -> Int { (values * bits + 7) / 8 }
  }

  /// Values that the file gives.
  public struct Constant: Sendable, Equatable {
    /// Sizes of the axes; none for a single value.
    public let shape: [Int]
    /// The type of the values; nil for one that is not read, as text or eight-bit floats.
    public let element: Element?
    /// The values, lowest byte first.
    let bytes: ArraySlice<UInt8>
    /// Why the values are not known, though the shape is: their file is missing.
    var missing: String?

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

    init(shape: [Int], element: Element?, bytes: ArraySlice<UInt8>, missing: String? = nil) {
      self.shape = shape
      self.element = element
      self.bytes = bytes
      self.missing = missing
    }
  }

  /// The size of a value, as far as the file has it.
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
    /// Its size; nil where the file does not have it.
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
  /// The graph's inputs.
  public var inputs: [Port] = []
  /// The graph's outputs.
  public var outputs: [Port] = []
  /// Sizes of values within.
  public var sizes: [Port] = []
  /// Operations that the file defines by graphs of others.
  var functions: [Function] = []

  /// A graph without nodes.
  public init(name: String) { self.name = name }
}

extension ONNXGraph: Equatable {
  /// Whether both have the same parts in the same order.
  public static func == (a: ONNXGraph, b: ONNXGraph) -> Bool {
    a.name == b.name && a.nodes == b.nodes && a.inputs == b.inputs && a.outputs == b.outputs
      && a.sizes == b.sizes && a.functions == b.functions
      && a.constants.map(\.name) == b.constants.map(\.name)
      && a.constants.map(\.value) == b.constants.map(\.value)
  }
}

/// The numbers of fields in `onnx.proto`, by message.
enum ONNXField {
  enum Model {
    static let irVersion = 1, producer = 2, producerVersion = 3, graph = 7, operators = 8
    static let metadata = 14, function = 25
  }
  enum Function {
    static let name = 1, input = 4, output = 5, node = 7, domain = 10, attributeDefault = 11
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
    static let name = 1, float = 2, int = 3, text = 4, tensor = 5, graph = 6, floats = 7, ints = 8
    static let type = 20, reference = 21, sparse = 22
  }
  enum Sparse { static let values = 1, indices = 2, axes = 3 }
  enum AttributeType {
    static let float = 1, int = 2, text = 3, tensor = 4, graph = 5, floats = 6, ints = 7
  }
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
