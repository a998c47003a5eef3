// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

extension ONNXGraph {
  private static let mostNodes = 100_000
  private static let mostConstants = 100_000

  /// Reads a file.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(path: String) throws(InputError) {
    try self.init(fileBytes(path), file: path)
  }

  /// Reads the graph of a model. Messages are read to the depth that a graph without subgraphs has;
  /// constants stay slices of the file.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(_ data: Data, file: String) throws(InputError) {
    if let kind = foreignKind(data) {
      throw InputError(file: file, field: "file", value: kind, allowed: "an ONNX file")
    }
    var model = WireReader([UInt8](data)[...], file: file, place: "model")
    var graph: WireReader?
    var functions: [Function] = []
    var external = ExternalData(file: file)
    while let field = try model.next() {
      switch field.number {
      case ONNXField.Model.graph:
        if graph != nil { throw model.error("graph", found: "two graphs", allowed: "one") }
        graph = try model.message(field, "graph")
      case ONNXField.Model.function:
        let reader = try model.message(field, "function \(functions.count)")
        functions.append(try Function(reader, external: &external))
      default: break
      }
    }
    guard let graph else {
      throw model.error("graph", found: "none", allowed: "a model of ONNX")
    }
    try self.init(graph, external: &external, depth: 0)
    self.functions = functions
  }

  /// Graphs in graphs in graphs, at most.
  private static let mostDepth = 16

  fileprivate init(_ reader: WireReader, external: inout ExternalData, depth: Int)
    throws(InputError)
  {
    self.init(name: "")
    var reader = reader
    guard depth <= Self.mostDepth else {
      throw reader.error(
        found: "graphs within graphs", allowed: "at most \(Self.mostDepth) of them")
    }
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Graph.name: name = try reader.text(field, "name")
      case ONNXField.Graph.node:
        guard nodes.count < Self.mostNodes else {
          throw reader.error("nodes", found: "more", allowed: "at most \(Self.mostNodes)")
        }
        nodes.append(
          try Node(
            reader.message(field, "graph node \(nodes.count)"), external: &external, depth: depth))
      case ONNXField.Graph.constant:
        guard constants.count < Self.mostConstants else {
          throw reader.error(
            "initializers", found: "more", allowed: "at most \(Self.mostConstants)")
        }
        constants.append(
          try Constant.named(
            reader.message(field, "graph initializer \(constants.count)"), external: &external))
      case ONNXField.Graph.input:
        inputs.append(try Port(reader.message(field, "graph input \(inputs.count)")))
      case ONNXField.Graph.output:
        outputs.append(try Port(reader.message(field, "graph output \(outputs.count)")))
      case ONNXField.Graph.valueInfo:
        sizes.append(try Port(reader.message(field, "graph value_info \(sizes.count)")))
      case ONNXField.Graph.sparseConstant:
        constants.append(
          try Constant.sparse(
            reader.message(field, "graph sparse_initializer \(constants.count)"),
            external: &external))
      default: break
      }
    }
  }
}

extension ONNXGraph.Node {
  fileprivate init(_ reader: WireReader, external: inout ExternalData, depth: Int = 0)
    throws(InputError)
  {
    self.init("", name: "", domain: "", inputs: [], outputs: [], attributes: [:])
    var reader = reader
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Node.input: inputs.append(try reader.text(field, "input"))
      case ONNXField.Node.output: outputs.append(try reader.text(field, "output"))
      case ONNXField.Node.name: name = try reader.text(field, "name")
      case ONNXField.Node.operation: operation = try reader.text(field, "op_type")
      case ONNXField.Node.domain: domain = try reader.text(field, "domain")
      case ONNXField.Node.attribute:
        let (key, value, reference) = try ONNXGraph.Attribute.named(
          reader.message(field, reader.place + " attribute"), external: &external, depth: depth)
        if let reference { references[key] = reference }
        if attributes.updateValue(value, forKey: key) != nil {
          throw reader.error("attribute '\(key)'", found: "the name twice", allowed: "unique names")
        }
      default: break
      }
    }
    // ONNX's own set has two names.
    if domain == "ai.onnx" { domain = "" }
  }
}

extension ONNXGraph.Attribute {
  fileprivate static func named(
    _ reader: WireReader, external: inout ExternalData, depth: Int
  ) throws(InputError) -> (name: String, value: Self, reference: String?) {
    var reader = reader
    var name = ""
    var value = Self.other
    var ints: [Int] = []
    var floats: [Float] = []
    var reference: String?
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Attribute.name: name = try reader.text(field, "name")
      case ONNXField.Attribute.float: value = .float(try reader.float(field, "f"))
      case ONNXField.Attribute.int: value = .int(try reader.number(field, "i"))
      case ONNXField.Attribute.text:
        // Free bytes, which only some attributes have as words.
        value = .text(String(decoding: try reader.slice(field, "s"), as: UTF8.self))
      case ONNXField.Attribute.ints: ints += try reader.numbers(field, "ints")
      case ONNXField.Attribute.floats: floats += try reader.floats(field, "floats")
      case ONNXField.Attribute.reference: reference = try reader.text(field, "ref_attr_name")
      case ONNXField.Attribute.graph:
        let graph = try reader.message(field, reader.place + " g")
        value = .graph(try ONNXGraph(graph, external: &external, depth: depth + 1))
      case ONNXField.Attribute.sparse:
        let sparse = try reader.message(field, reader.place + " sparse_tensor")
        value = .constant(try ONNXGraph.Constant.sparse(sparse, external: &external).value)
      case ONNXField.Attribute.tensor:
        let tensor = try reader.message(field, reader.place + " t")
        value = .constant(try ONNXGraph.Constant.named(tensor, external: &external).value)
      default: break
      }
    }
    if !ints.isEmpty { value = .ints(ints) }
    if !floats.isEmpty { value = .floats(floats) }
    return (name, value, reference)
  }
}

extension ONNXGraph.Function {
  fileprivate init(_ reader: WireReader, external: inout ExternalData) throws(InputError) {
    self.init()
    var reader = reader
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Function.name: name = try reader.text(field, "name")
      case ONNXField.Function.domain: domain = try reader.text(field, "domain")
      case ONNXField.Function.input: inputs.append(try reader.text(field, "input"))
      case ONNXField.Function.output: outputs.append(try reader.text(field, "output"))
      case ONNXField.Function.node:
        nodes.append(
          try ONNXGraph.Node(
            reader.message(field, reader.place + " node \(nodes.count)"), external: &external))
      case ONNXField.Function.attributeDefault:
        let (key, value, _) = try ONNXGraph.Attribute.named(
          reader.message(field, reader.place + " attribute"), external: &external, depth: 0)
        defaults[key] = value
      default: break
      }
    }
    if domain == "ai.onnx" { domain = "" }
  }
}

extension ONNXGraph.Port {
  fileprivate init(_ reader: WireReader) throws(InputError) {
    self.init("", size: nil)
    var reader = reader
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.ValueInfo.name: name = try reader.text(field, "name")
      case ONNXField.ValueInfo.type:
        size = try Self.size(reader.message(field, reader.place + " type"))
      default: break
      }
    }
  }

  private static func size(_ type: WireReader) throws(InputError) -> ONNXGraph.ValueSize? {
    guard let tensor = try last(ONNXField.TypeOfValue.tensor, of: type, "tensor_type"),
      var shape = try last(ONNXField.TensorType.shape, of: tensor, "shape")
    else { return nil }
    var axes: [Int?] = []
    while let field = try shape.next() {
      guard field.number == ONNXField.Shape.axis else { continue }
      var axis = try shape.message(field, shape.place + " dim \(axes.count)")
      var size: Int?
      while let field = try axis.next() {
        if field.number == ONNXField.Axis.size { size = try axis.number(field, "dim_value") }
      }
      axes.append(size)
    }
    return ONNXGraph.ValueSize(axes: axes)
  }

  /// The last field of a number, which is the one that counts.
  private static func last(_ number: Int, of message: WireReader, _ name: String)
    throws(InputError) -> WireReader?
  {
    var message = message
    var found: WireReader?
    while let field = try message.next() {
      if field.number == number { found = try message.message(field, message.place + " " + name) }
    }
    return found
  }
}

extension ONNXGraph.Constant {
  /// A constant with its name; its bytes are as many as its shape and type ask for.
  fileprivate static func named(_ reader: WireReader, external: inout ExternalData)
    throws(InputError) -> (name: String, value: Self)
  {
    var reader = reader
    var name = ""
    var shape: [Int] = []
    var type = 0
    var raw: ArraySlice<UInt8>?
    var typed: [UInt8] = []
    var entries: [String: String] = [:]
    var isExternal = false
    func width(_ standard: Int) -> Int {
      ONNXGraph.Element(rawValue: type)?.byteCount ?? standard
    }
    // The type precedes the values in files of every known writer; otherwise they are read again.
    var fields = reader
    while let field = try fields.next() {
      if field.number == ONNXField.Tensor.element { type = try fields.number(field, "data_type") }
    }
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Tensor.axes: shape += try reader.numbers(field, "dims")
      case ONNXField.Tensor.name: name = try reader.text(field, "name")
      case ONNXField.Tensor.raw: raw = try reader.slice(field, "raw_data")
      case ONNXField.Tensor.floats: typed += try words(field, 4, &reader, "float_data")
      case ONNXField.Tensor.doubles: typed += try words(field, 8, &reader, "double_data")
      case ONNXField.Tensor.int32s:
        let values = try reader.numbers(field, "int32_data")
        typed += littleEndian(values, width: min(4, width(4)))  // four bits: two values in each
      case ONNXField.Tensor.int64s:
        typed += littleEndian(try reader.numbers(field, "int64_data"), width: 8)
      case ONNXField.Tensor.uint64s:
        typed += littleEndian(try reader.numbers(field, "uint64_data"), width: min(8, width(8)))
      case ONNXField.Tensor.location:
        isExternal = try reader.number(field, "data_location") == 1
      case ONNXField.Tensor.external:
        let (key, value) = try entry(reader.message(field, reader.place + " external_data"))
        entries[key] = value
      case ONNXField.Tensor.segment:
        throw reader.error("segment", found: "a part of a tensor", allowed: "whole tensors")
      default: break
      }
    }
    guard shape.count <= 16, shape.allSatisfy({ $0 >= 0 }), let count = elementCount(shape) else {
      throw reader.error(
        "dims", found: "\(shape.prefix(16))", allowed: "at most 16 axes and 2^48 values")
    }
    guard let element = ONNXGraph.Element(rawValue: type) else {
      // Texts, complex numbers, eight-bit floats: named where a layer would need them.
      return (name, Self(shape: shape, element: nil, bytes: []))
    }
    let byteCount = element.byteCount(of: count)
    let bytes: ArraySlice<UInt8>
    if isExternal {
      switch try external.bytes(entries, count: byteCount, reader) {
      case .found(let found): bytes = found
      case .missing(let file):
        return (name, Self(shape: shape, element: element, bytes: [], missing: file))
      }
    } else {
      bytes = raw ?? typed[...]
    }
    guard bytes.count == byteCount else {
      throw reader.error(
        "'\(name)' dims", found: "\(shape) of \(element) in \(bytes.count) bytes",
        allowed: "as many values as the bytes hold")
    }
    return (name, Self(shape: shape, element: element, bytes: bytes))
  }

  /// Words of a repeated field, which may come alone or packed.
  private static func words(
    _ field: WireReader.Field, _ width: Int, _ reader: inout WireReader, _ name: String
  ) throws(InputError) -> [UInt8] {
    switch field.content {
    case .fixed32(let word) where width == 4: littleEndian([Int(word)], width: 4)
    case .fixed64(let word) where width == 8:
      littleEndian([Int(truncatingIfNeeded: word)], width: 8)
    default: Array(try reader.slice(field, name))
    }
  }

  private static func littleEndian(_ values: [Int], width: Int) -> [UInt8] {
    values.flatMap { value in
      (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
  }

  private static func entry(_ reader: WireReader) throws(InputError) -> (String, String) {
    var reader = reader
    var (key, value) = ("", "")
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Entry.key: key = try reader.text(field, "key")
      case ONNXField.Entry.value: value = try reader.text(field, "value")
      default: break
      }
    }
    return (key, value)
  }

  /// A constant that the file gives by its values other than zero, written out in full.
  fileprivate static func sparse(_ reader: WireReader, external: inout ExternalData)
    throws(InputError) -> (name: String, value: Self)
  {
    var reader = reader
    var (values, indices): ((name: String, value: Self)?, Self?)
    var shape: [Int] = []
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Sparse.values:
        values = try named(reader.message(field, reader.place + " values"), external: &external)
      case ONNXField.Sparse.indices:
        let tensor = try reader.message(field, reader.place + " indices")
        indices = try named(tensor, external: &external).value
      case ONNXField.Sparse.axes: shape += try reader.numbers(field, "dims")
      default: break
      }
    }
    guard let (name, given) = values, let element = given.element, let indices,
      indices.element == .int64, given.missing == nil, indices.missing == nil,
      given.shape.count == 1, element.byteCount(of: 2) == 2 * element.byteCount
    else {
      throw reader.error(
        "values, indices", found: "others", allowed: "values of one axis and int64 indices")
    }
    let nonZero = given.shape[0]
    guard shape.count <= 16, shape.allSatisfy({ $0 >= 0 }), let count = elementCount(shape),
      count <= mostSparseElements,
      indices.shape == [nonZero] || indices.shape == [nonZero, shape.count]
    else {
      throw reader.error(
        "'\(name)' dims", found: "\(shape.prefix(16)) with indices of \(indices.shape)",
        allowed: "at most \(mostSparseElements) values, an index for each given one")
    }
    let width = element.byteCount
    var bytes = [UInt8](repeating: 0, count: count * width)
    let numbers = indices.integers
    let rank = indices.shape.count == 1 ? 1 : shape.count
    for number in 0..<nonZero {
      var place = 0
      for axis in 0..<rank {
        let (index, size) = (numbers[number * rank + axis], rank == 1 ? count : shape[axis])
        guard (0..<size).contains(index) else {
          throw reader.error(
            "'\(name)' indices", found: "\(index)", allowed: "0 to \(size - 1)")
        }
        place = place * size + index
      }
      let from = given.bytes.startIndex + number * width
      bytes.replaceSubrange(
        place * width..<(place + 1) * width, with: given.bytes[from..<from + width])
    }
    return (name, Self(shape: shape, element: element, bytes: bytes[...]))
  }

  /// A sparse constant has no more values, so that a file of some bytes cannot ask for much memory.
  private static var mostSparseElements: Int { 1 << 28 }
}
