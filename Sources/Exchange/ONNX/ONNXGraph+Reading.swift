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
    var model = WireReader([UInt8](data)[...], file: file, place: "model")
    var graph: WireReader?
    while let field = try model.next() {
      guard field.number == ONNXField.Model.graph else { continue }
      if graph != nil { throw model.error("graph", found: "two graphs", allowed: "one") }
      graph = try model.message(field, "graph")
    }
    guard let graph else {
      throw model.error("graph", found: "none", allowed: "a model of ONNX")
    }
    try self.init(graph, external: ExternalData(file: file))
  }

  private init(_ reader: WireReader, external: ExternalData) throws(InputError) {
    self.init(name: "")
    var reader = reader
    var external = external
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Graph.name: name = try reader.text(field, "name")
      case ONNXField.Graph.node:
        guard nodes.count < Self.mostNodes else {
          throw reader.error("nodes", found: "more", allowed: "at most \(Self.mostNodes)")
        }
        nodes.append(
          try Node(reader.message(field, "graph node \(nodes.count)"), external: &external))
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
        throw reader.error(
          "sparse_initializer", found: "a constant", allowed: "initializers in full, with zeros")
      default: break
      }
    }
  }
}

extension ONNXGraph.Node {
  fileprivate init(_ reader: WireReader, external: inout ExternalData) throws(InputError) {
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
        let (key, value) = try ONNXGraph.Attribute.named(
          reader.message(field, reader.place + " attribute"), external: &external)
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
  fileprivate static func named(_ reader: WireReader, external: inout ExternalData)
    throws(InputError) -> (String, Self)
  {
    var reader = reader
    var name = ""
    var value = Self.other
    var ints: [Int] = []
    while let field = try reader.next() {
      switch field.number {
      case ONNXField.Attribute.name: name = try reader.text(field, "name")
      case ONNXField.Attribute.float: value = .float(try reader.float(field, "f"))
      case ONNXField.Attribute.int: value = .int(try reader.number(field, "i"))
      case ONNXField.Attribute.text:
        // Free bytes, which only some attributes have as words.
        value = .text(String(decoding: try reader.slice(field, "s"), as: UTF8.self))
      case ONNXField.Attribute.ints: ints += try reader.numbers(field, "ints")
      case ONNXField.Attribute.tensor:
        let tensor = try reader.message(field, reader.place + " t")
        value = .constant(try ONNXGraph.Constant.named(tensor, external: &external).value)
      default: break
      }
    }
    return (name, ints.isEmpty ? value : .ints(ints))
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
    // The type comes before the values in files of every known writer; elsewhere they are read anew.
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
        typed += littleEndian(values, width: min(4, width(4)))
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
      // Texts, complex numbers, four bits: named where a layer would need them.
      return (name, Self(shape: shape, element: nil, bytes: []))
    }
    let bytes: ArraySlice<UInt8>
    if isExternal {
      bytes = try external.bytes(entries, count: count * element.byteCount, reader)
    } else {
      bytes = raw ?? typed[...]
    }
    guard bytes.count == count * element.byteCount else {
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
}
