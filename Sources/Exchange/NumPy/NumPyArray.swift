// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks

/// An array of NumPy, as npy files hold it: a magic, a Python literal with type, order and shape, and
/// the values.
///
/// Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html, versions 1 to 3.
/// Big-endian values and Fortran order are converted while reading; objects and records are refused.
public struct NumPyArray: Sendable, Equatable {
  /// The type of the values, by its name in the file.
  public enum Element: String, Sendable, CaseIterable {
    case bool = "b1"
    case int8 = "i1"
    case uint8 = "u1"
    case int16 = "i2"
    case uint16 = "u2"
    case int32 = "i4"
    case uint32 = "u4"
    case int64 = "i8"
    case uint64 = "u8"
    case float16 = "f2"
    case float32 = "f4"
    case float64 = "f8"

    var byteCount: Int { Int(rawValue.suffix(1)) ?? 0 }
  }

  /// The type of the values.
  public let element: Element
  /// Sizes of the axes; none for a single value.
  public let shape: [Int]
  /// Lowest byte first, the last axis fastest.
  let bytes: [UInt8]

  /// Values: the product of the shape.
  public var count: Int { bytes.count / element.byteCount }

  /// Reads a file.
  ///
  /// - Throws: `InputError` naming the file and the field.
  public init(path: String) throws(InputError) {
    try self.init([UInt8](fileBytes(path))[...], file: path, name: nil)
  }

  /// Reads an array.
  ///
  /// - Parameter name: the array's in a file of several, for errors.
  /// - Throws: `InputError` naming the file and the field.
  init(_ data: ArraySlice<UInt8>, file: String, name: String?) throws(InputError) {
    let prefix = name.map { "array '\($0)' " } ?? ""
    func error(_ field: String, _ value: String, _ allowed: String) -> InputError {
      InputError(file: file, field: prefix + field, value: value, allowed: allowed)
    }
    let start = data.startIndex
    guard data.starts(with: [0x93] + Array("NUMPY".utf8)), data.count >= 10 else {
      throw error("magic", "\(Array(data.prefix(6)))", "the mark of an npy file")
    }
    let version = data[start + 6]
    guard (1...3).contains(version), data.count >= 12 else {
      throw error("version", "\(version)", "1 to 3")
    }
    let lengthBytes = version == 1 ? 2 : 4
    let length = (0..<lengthBytes).reduce(0) { $0 | Int(data[start + 8 + $1]) << (8 * $1) }
    let body = start + 8 + lengthBytes + length
    guard body <= data.endIndex, length <= 1 << 16 else {
      throw error("header length", "\(length)", "what the file holds, at most 65536")
    }
    var scanner = HeaderScanner(data[start + 8 + lengthBytes..<body], file: file)
    let header = try scanner.numPyHeader(prefix)
    guard let count = elementCount(header.shape),
      count * header.element.byteCount == data.endIndex - body
    else {
      throw error(
        "shape", "\(header.shape) of \(header.element.rawValue)",
        "as many values as \(data.endIndex - body) bytes hold")
    }
    element = header.element
    shape = header.shape
    var bytes = Array(data[body...])
    if header.isBigEndian { Self.reverse(&bytes, width: element.byteCount) }
    if header.isFortran { bytes = Self.lastAxisFirst(bytes, shape, width: element.byteCount) }
    self.bytes = bytes
  }

  private static func reverse(_ bytes: inout [UInt8], width: Int) {
    for start in stride(from: 0, to: bytes.count, by: width) {
      bytes[start..<start + width].reverse()
    }
  }

  /// From the first axis fastest to the last axis fastest.
  private static func lastAxisFirst(_ bytes: [UInt8], _ shape: [Int], width: Int) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var index = [Int](repeating: 0, count: shape.count)
    while result.count < bytes.count {
      var place = 0
      for (position, size) in zip(index, shape).reversed() { place = place * size + position }
      result += bytes[place * width..<(place + 1) * width]
      for axis in shape.indices.reversed() {
        index[axis] += 1
        if index[axis] < shape[axis] { break }
        index[axis] = 0
      }
    }
    return result
  }

  /// An array of truth values.
  public init(_ bits: Bits, shape: [Int]) {
    precondition(bits.count == shape.reduce(1, *), "\(bits.count) bits for \(shape)")
    element = .bool
    self.shape = shape
    var bytes = [UInt8](repeating: 0, count: bits.count)
    for index in bits.setBits { bytes[index] = 1 }
    self.bytes = bytes
  }

  /// A single number.
  public init(_ value: Double) {
    element = .float64
    shape = []
    bytes = (0..<8).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * $0)) }
  }

  /// One value; whole numbers beyond 2^53 are rounded.
  public subscript(index: Int) -> Double {
    let width = element.byteCount
    var word: UInt64 = 0
    for place in (0..<width).reversed() { word = word << 8 | UInt64(bytes[index * width + place]) }
    return switch element {
    case .bool: word == 0 ? 0 : 1
    case .uint8, .uint16, .uint32, .uint64: Double(word)
    case .int8: Double(Int8(truncatingIfNeeded: word))
    case .int16: Double(Int16(truncatingIfNeeded: word))
    case .int32: Double(Int32(truncatingIfNeeded: word))
    case .int64: Double(Int64(bitPattern: word))
    case .float16: Double(float(half: UInt16(word)))
    case .float32: Double(Float(bitPattern: UInt32(word)))
    case .float64: Double(bitPattern: word)
    }
  }

  /// Which values are not zero; nil where one is not finite.
  public var nonZero: Bits? {
    if element.byteCount == 1 { return Bits(count: count) { bytes[$0] != 0 } }
    var isFinite = true
    let bits = Bits(count: count) { index in
      let value = self[index]
      isFinite = isFinite && value.isFinite
      return value != 0
    }
    return isFinite ? bits : nil
  }

  /// The bytes of an npy file.
  public func encoded() -> Data {
    let order = element.byteCount == 1 ? "|" : "<"
    let sizes = shape.count == 1 ? "\(shape[0])," : shape.map(String.init).joined(separator: ", ")
    var header =
      "{'descr': '\(order)\(element.rawValue)', 'fortran_order': False, 'shape': (\(sizes)), }"
    // The values then start on a multiple of 64 bytes.
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    var data = Data([0x93] + Array("NUMPY".utf8) + [1, 0])
    let length = header.utf8.count
    data.append(contentsOf: [UInt8(length & 0xff), UInt8(length >> 8)])
    data.append(contentsOf: header.utf8)
    data.append(contentsOf: bytes)
    return data
  }
}

private struct NumPyHeader {
  let element: NumPyArray.Element
  let isBigEndian: Bool
  let isFortran: Bool
  let shape: [Int]
}

extension HeaderScanner {
  fileprivate mutating func numPyHeader(_ prefix: String) throws(InputError) -> NumPyHeader {
    var type: String?
    var isFortran: Bool?
    var shape: [Int]?
    try expect("{", prefix + "header")
    while !accept("}") {
      let key = try pythonText(prefix + "header key")
      let field = prefix + "header '\(key)'"
      try expect(":", field)
      switch key {
      case "descr" where type == nil: type = try pythonText(field)
      case "fortran_order" where isFortran == nil:
        let word = try self.word(field)
        guard word == "True" || word == "False" else {
          throw error(field, found: word, allowed: "True or False")
        }
        isFortran = word == "True"
      case "shape" where shape == nil: shape = try numbers("(", ")", field, long: true)
      default:
        throw error(
          field, found: "the key", allowed: "descr, fortran_order and shape, each once")
      }
      if !accept(",") {
        try expect("}", prefix + "header")
        break
      }
    }
    try expectEnd(prefix + "header")
    guard let type, let isFortran, let shape else {
      throw error(
        prefix + "header", found: "a missing key", allowed: "descr, fortran_order and shape")
    }
    guard shape.count <= 64 else {
      throw error(prefix + "shape", found: "\(shape.count) axes", allowed: "at most 64")
    }
    guard let order = type.first,
      let element = NumPyArray.Element(rawValue: String(type.dropFirst())),
      (element.byteCount == 1 ? "<>|" : "<>").contains(order)
    else {
      let known = NumPyArray.Element.allCases.map(\.rawValue).joined(separator: ", ")
      throw error(prefix + "descr", found: type, allowed: "< or >, or | for bytes, then \(known)")
    }
    return NumPyHeader(
      element: element, isBigEndian: order == ">", isFortran: isFortran, shape: shape)
  }
}
