// SPDX-License-Identifier: Apache-2.0
import Yams

/// Decodes a node by the core schema of YAML 1.2, so that a value of another kind is named and not
/// taken for what it is not: neither text for a number nor 1.0 for a whole number.
struct YAMLNodeDecoder: Decoder {
  let node: Node
  let codingPath: [any CodingKey]
  let file: String
  let allowed: (String) -> String?
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  /// An error of this node.
  func mismatch(_ kind: String) -> ConfigurationError {
    let key = codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
      .joined(separator: ".")
    let found =
      switch node {
      case .scalar(let scalar): YAMLScalar(scalar).found
      case .mapping: "a group of keys"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return ConfigurationError(
      file, key.isEmpty ? "document" : key,
      "\(found) is not allowed; \(allowed(key) ?? kind)")
  }

  private func child(_ node: Node, _ key: any CodingKey) -> YAMLNodeDecoder {
    YAMLNodeDecoder(node: node, codingPath: codingPath + [key], file: file, allowed: allowed)
  }

  private var scalar: YAMLScalar? { node.scalar.map { YAMLScalar($0) } }

  func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
    guard let mapping = node.mapping else { throw mismatch("lines of 'key: value'") }
    return KeyedDecodingContainer(Keyed(decoder: self, mapping: mapping))
  }

  func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
    guard let sequence = node.sequence else { throw mismatch("a list") }
    return Unkeyed(decoder: self, sequence: sequence)
  }

  func singleValueContainer() throws -> any SingleValueDecodingContainer { Single(decoder: self) }

  private struct Single: SingleValueDecodingContainer {
    let decoder: YAMLNodeDecoder
    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { decoder.scalar == .null }

    func decode(_ type: Bool.Type) throws -> Bool {
      guard case .boolean(let value) = decoder.scalar else {
        throw decoder.mismatch("true or false")
      }
      return value
    }

    func decode(_ type: String.Type) throws -> String {
      // Any word may be a name: a folder may be called 2024.
      guard let scalar = decoder.node.scalar, decoder.scalar != .null else {
        throw decoder.mismatch("text")
      }
      return scalar.string
    }

    private func float<Value: BinaryFloatingPoint & LosslessStringConvertible>() throws -> Value {
      switch decoder.scalar {
      case .integer(let digits):
        guard let value = Value(digits) else { throw decoder.mismatch("a number") }
        return value
      case .float(let value): return Value(value)
      default: throw decoder.mismatch("a number")
      }
    }
    func decode(_ type: Double.Type) throws -> Double { try float() }
    // From the digits and not by way of a double, which would round twice.
    func decode(_ type: Float.Type) throws -> Float {
      let value: Double = try float()
      return value.isFinite
        ? Float(decoder.node.scalar?.string ?? "") ?? Float(value) : Float(value)
    }

    private func integer<Value: FixedWidthInteger>() throws -> Value {
      guard case .integer(let digits) = decoder.scalar, let value = Value(digits) else {
        throw decoder.mismatch(
          Value.min == 0 ? "a whole number, 0 or more" : "a whole number")
      }
      return value
    }
    func decode(_ type: Int.Type) throws -> Int { try integer() }
    func decode(_ type: Int8.Type) throws -> Int8 { try integer() }
    func decode(_ type: Int16.Type) throws -> Int16 { try integer() }
    func decode(_ type: Int32.Type) throws -> Int32 { try integer() }
    func decode(_ type: Int64.Type) throws -> Int64 { try integer() }
    func decode(_ type: UInt.Type) throws -> UInt { try integer() }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try integer() }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try integer() }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try integer() }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try integer() }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
      try Value(from: decoder)
    }
  }

  private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: YAMLNodeDecoder
    let mapping: Node.Mapping
    var codingPath: [any CodingKey] { decoder.codingPath }
    var allKeys: [Key] { mapping.keys.compactMap { $0.string.flatMap { Key(stringValue: $0) } } }

    func contains(_ key: Key) -> Bool { mapping[key.stringValue] != nil }

    private func child(_ key: Key) throws -> YAMLNodeDecoder {
      guard let node = mapping[key.stringValue] else {
        throw DecodingError.keyNotFound(
          key, DecodingError.Context(codingPath: codingPath, debugDescription: "missing"))
      }
      return decoder.child(node, key)
    }

    func decodeNil(forKey key: Key) throws -> Bool { try child(key).scalar == .null }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
      try Value(from: child(key))
    }
    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type, forKey key: Key) throws
      -> KeyedDecodingContainer<Nested>
    { try child(key).container(keyedBy: type) }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      try child(key).unkeyedContainer()
    }
    func superDecoder() throws -> any Decoder { decoder }
    func superDecoder(forKey key: Key) throws -> any Decoder { try child(key) }
  }

  private struct Unkeyed: UnkeyedDecodingContainer {
    let decoder: YAMLNodeDecoder
    let sequence: Node.Sequence
    var currentIndex = 0
    var codingPath: [any CodingKey] { decoder.codingPath }
    var count: Int? { sequence.count }
    var isAtEnd: Bool { currentIndex >= sequence.count }

    init(decoder: YAMLNodeDecoder, sequence: Node.Sequence) {
      self.decoder = decoder
      self.sequence = sequence
    }

    private struct Index: CodingKey {
      let intValue: Int?
      var stringValue: String { intValue.map(String.init) ?? "" }
      init(intValue: Int) { self.intValue = intValue }
      init?(stringValue: String) { return nil }
    }

    private mutating func next() throws -> YAMLNodeDecoder {
      guard !isAtEnd else { throw decoder.mismatch("\(currentIndex + 1) values or more") }
      defer { currentIndex += 1 }
      return decoder.child(sequence[currentIndex], Index(intValue: currentIndex))
    }

    mutating func decodeNil() throws -> Bool {
      guard !isAtEnd, sequence[currentIndex].scalar.map({ YAMLScalar($0) }) == .null else {
        return false
      }
      currentIndex += 1
      return true
    }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
      try Value(from: next())
    }
    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) throws
      -> KeyedDecodingContainer<Nested>
    { try next().container(keyedBy: type) }
    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
      try next().unkeyedContainer()
    }
    mutating func superDecoder() throws -> any Decoder { try next() }
  }
}
