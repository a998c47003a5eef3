// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor

/// A safetensors file: a 64-bit header length, a JSON header that gives each tensor a type, a shape
/// and a range of the bytes that follow, and these bytes.
///
/// Format: https://huggingface.co/docs/safetensors. As the format asks, the ranges must fill the rest
/// of the file without holes or overlaps, so reading a file takes memory of its own order.
public struct SafetensorsFile: Sendable {
  /// The type of a tensor's values.
  public enum Element: String, Sendable, CaseIterable {
    case bool = "BOOL"
    case uint8 = "U8"
    case int8 = "I8"
    case float8e5m2 = "F8_E5M2"
    case float8e4m3 = "F8_E4M3"
    case int16 = "I16"
    case uint16 = "U16"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int32 = "I32"
    case uint32 = "U32"
    case float32 = "F32"
    case int64 = "I64"
    case uint64 = "U64"
    case float64 = "F64"

    var byteCount: Int {
      switch self {
      case .bool, .uint8, .int8, .float8e5m2, .float8e4m3: 1
      case .int16, .uint16, .float16, .bfloat16: 2
      case .int32, .uint32, .float32: 4
      case .int64, .uint64, .float64: 8
      }
    }
  }

  /// A tensor of the file.
  public struct Entry: Sendable {
    /// Unique in the file.
    public let name: String
    /// The type of its values, as the file names it.
    public let type: String
    /// The type of its values; nil for one that is not read.
    public var element: Element? { Element(rawValue: type) }
    /// Sizes of its axes.
    public let shape: [Int]
    let bytes: Range<Int>
  }

  /// Where the file is, for errors.
  public let file: String
  /// Free text that the writer left.
  public let metadata: [String: String]
  /// The tensors, in the order of the header.
  public let entries: [Entry]
  private let payload: Data

  /// Reads a file.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(path: String) throws(InputError) {
    try self.init(fileBytes(path), file: path)
  }

  /// Reads and checks the header.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(_ data: Data, file: String) throws(InputError) {
    func error(_ field: String, _ value: String, _ allowed: String) -> InputError {
      InputError(file: file, field: field, value: value, allowed: allowed)
    }
    if let kind = foreignKind(data) {
      throw error("file", kind, "a safetensors file")
    }
    guard let length = data.prefix(8).words(bytes: 8).first else {
      throw error("header length", "a file of \(data.count) bytes", "at least 8 bytes")
    }
    guard length <= UInt64(data.count - 8), length <= 100_000_000 else {
      throw error("header length", "\(length)", "what the file holds, at most 100000000")
    }
    let start = data.startIndex + 8
    let header = [UInt8](data[start..<start + Int(length)])
    self.file = file
    payload = data[(start + Int(length))...]
    var scanner = HeaderScanner(header[...], file: file)
    (entries, metadata) = try scanner.safetensorsHeader()
    var end = 0
    for entry in entries.sorted(by: {
      // An empty tensor may be where another starts.
      ($0.bytes.lowerBound, $0.bytes.upperBound) < ($1.bytes.lowerBound, $1.bytes.upperBound)
    }) {
      let field = "tensor '\(entry.name)' data_offsets"
      guard entry.bytes.lowerBound == end else {
        throw error(
          field, "\(entry.bytes.lowerBound)", "\(end), where the tensor before it ends")
      }
      guard entry.bytes.upperBound <= payload.count else {
        throw error(field, "\(entry.bytes.upperBound)", "at most the file's \(payload.count) bytes")
      }
      // How many bytes a type takes that is not read, nobody has to know.
      guard let count = elementCount(entry.shape),
        entry.element.map({ count * $0.byteCount == entry.bytes.count }) ?? true
      else {
        throw error(
          "tensor '\(entry.name)' shape", "\(entry.shape) of \(entry.type)",
          "as many values as its \(entry.bytes.count) bytes hold")
      }
      end = entry.bytes.upperBound
    }
    guard end == payload.count else {
      throw error("length", "\(payload.count - end) bytes that no tensor names", "none")
    }
  }

  /// The values of a tensor of floats; those of 64 bits are rounded.
  ///
  /// - Throws: `InputError` for other types, and for values that are not finite.
  public func array(_ entry: Entry) throws(InputError) -> NamedArray {
    let start = payload.startIndex + entry.bytes.lowerBound
    let bytes = payload[start..<start + entry.bytes.count]
    let values: [Float]
    switch entry.element {
    case .float32: values = bytes.floats
    case .float16: values = bytes.words(bytes: 2).map { float(half: UInt16($0)) }
    case .bfloat16:
      values = bytes.words(bytes: 2).map { Float(bitPattern: UInt32($0) << 16) }
    case .float64: values = bytes.words(bytes: 8).map { Float(Double(bitPattern: $0)) }
    default:
      throw InputError(
        file: file, field: "tensor '\(entry.name)' dtype", value: entry.type,
        allowed: "F64, F32, F16 or BF16")
    }
    if let bad = values.first(where: { !$0.isFinite }) {
      throw InputError(
        file: file, field: "tensor '\(entry.name)' values", value: "\(bad)",
        allowed: "finite values")
    }
    return NamedArray(name: entry.name, shape: entry.shape, values: values)
  }

  /// Which values of a tensor are not zero, of a type of whole numbers, truth values or floats.
  ///
  /// - Throws: `InputError` for other types, and for values that are not finite.
  public func nonZero(_ entry: Entry) throws(InputError) -> [Bool] {
    switch entry.element {
    case .float32, .float16, .bfloat16, .float64: return try array(entry).values.map { $0 != 0 }
    case .bool, .uint8, .int8, .int16, .uint16, .int32, .uint32, .int64, .uint64:
      let start = payload.startIndex + entry.bytes.lowerBound
      let width = entry.element?.byteCount ?? 1
      return payload[start..<start + entry.bytes.count].words(bytes: width).map { $0 != 0 }
    case .float8e5m2, .float8e4m3, nil:
      throw InputError(
        file: file, field: "tensor '\(entry.name)' dtype", value: entry.type,
        allowed: "floats of at least 16 bits, whole numbers or truth values")
    }
  }

  /// The bytes of a file of 32-bit floats.
  ///
  /// - Parameter metadata: free text for its readers.
  public static func encoded(_ arrays: [NamedArray], metadata: [String: String] = [:]) -> Data {
    var members: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map {
        "\(quoted($0.key)):\(quoted($0.value))"
      }
      members.append(#""__metadata__":{"# + pairs.joined(separator: ",") + "}")
    }
    var payload = Data()
    for array in arrays {
      let start = payload.count
      payload.append(Tensor(array.values).bytes().prefix(array.values.count * 4))
      members.append(
        quoted(array.name) + #":{"dtype":"F32","shape":"# + "\(array.shape)"
          + #","data_offsets":["# + "\(start),\(payload.count)]}")
    }
    var header = "{" + members.joined(separator: ",") + "}"
    // The values then start on a multiple of eight bytes.
    header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
    var data = Data((0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) })
    data.append(contentsOf: header.utf8)
    return data + payload
  }
}

extension HeaderScanner {
  fileprivate mutating func safetensorsHeader() throws(InputError)
    -> ([SafetensorsFile.Entry], [String: String])
  {
    var entries: [SafetensorsFile.Entry] = []
    var names = Set<String>()
    var metadata: [String: String] = [:]
    try members("header") { (scanner, name) throws(InputError) in
      if !names.insert(name).inserted {
        throw scanner.error("tensor '\(name)'", found: "the name twice", allowed: "unique names")
      }
      if name == "__metadata__" {
        if try scanner.acceptsNull() { return }
        try scanner.members(name) { (scanner, key) throws(InputError) in
          let field = "__metadata__ '\(key)'"
          let text = try scanner.text(field)
          if metadata.updateValue(text, forKey: key) != nil {
            throw scanner.error(field, found: "the key twice", allowed: "unique keys")
          }
        }
      } else {
        entries.append(try scanner.safetensorsEntry(name))
      }
    }
    try expectEnd("header")
    return (entries, metadata)
  }

  private mutating func safetensorsEntry(_ name: String) throws(InputError)
    -> SafetensorsFile.Entry
  {
    var type: String?
    var shape, offsets: [Int]?
    try members("tensor '\(name)'") { (scanner, key) throws(InputError) in
      let field = "tensor '\(name)' \(key)"
      func expectNew(_ isNew: Bool) throws(InputError) {
        if !isNew {
          throw scanner.error(field, found: "the key twice", allowed: "each key once")
        }
      }
      switch key {
      case "dtype":
        try expectNew(type == nil)
        type = try scanner.text(field)
      case "shape":
        try expectNew(shape == nil)
        shape = try scanner.numbers("[", "]", field)
      case "data_offsets":
        try expectNew(offsets == nil)
        offsets = try scanner.numbers("[", "]", field)
      // Keys that other writers add do not concern the values.
      default: try scanner.skipValue(field)
      }
    }
    guard let type, let shape, let offsets else {
      throw error(
        "tensor '\(name)'", found: "a missing key", allowed: "dtype, shape and data_offsets")
    }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw error(
        "tensor '\(name)' data_offsets", found: "\(offsets)", allowed: "[begin, end], in order")
    }
    return SafetensorsFile.Entry(
      name: name, type: type, shape: shape, bytes: offsets[0]..<offsets[1])
  }

  /// Takes `{"key": …, …}`; `body` takes what follows each colon.
  private mutating func members(
    _ field: String,
    _ body: (inout HeaderScanner, String) throws(InputError) -> Void
  ) throws(InputError) {
    try expect("{", field)
    if accept("}") { return }
    repeat {
      let key = try text(field + " key")
      try expect(":", field)
      try body(&self, key)
    } while accept(",")
    try expect("}", field)
  }
}
