// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor

/// Everything that training needs to go on as if it had never stopped.
///
/// File: the 8 bytes `SWPUCKPT`, a little-endian 32-bit version, a 64-bit header length, the header
/// as JSON, the blobs that the header names one after the other, and the FNV-1a-64 of all before.
/// Tensors are little-endian 32-bit floats; of a pruned layer the packed kept weights.
public struct Checkpoint: Sendable {
  /// Where training is.
  public var progress: TrainingProgress
  /// The configuration as YAML.
  public var configuration: String
  /// Instruction set: the order of additions, and so the bits, depend on it.
  public var kernels: String
  /// Values by name: masks, weights, optimiser state, running statistics.
  public var blobs: [(name: String, bytes: Data)]

  static let magic = Array("SWPUCKPT".utf8)
  static let version: UInt32 = 1

  private struct Header: Codable {
    struct Blob: Codable {
      var name: String
      var bytes: Int
    }
    var progress: TrainingProgress
    var configuration: String
    var kernels: String
    var blobs: [Blob]
  }

  /// The file's bytes.
  public func encoded() throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let header = try encoder.encode(
      Header(
        progress: progress, configuration: configuration, kernels: kernels,
        blobs: blobs.map { Header.Blob(name: $0.name, bytes: $0.bytes.count) }))
    var data = Data(Self.magic)
    withUnsafeBytes(of: Self.version.littleEndian) { data.append(contentsOf: $0) }
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { data.append(contentsOf: $0) }
    data.append(header)
    for blob in blobs { data.append(blob.bytes) }
    withUnsafeBytes(of: wordChecksum(data).littleEndian) { data.append(contentsOf: $0) }
    return data
  }

  /// Reads a checkpoint's bytes.
  ///
  /// - Throws: `CheckpointError` for anything that is not a whole checkpoint of this version.
  public init(decoding data: Data, file: String) throws(CheckpointError) {
    let prefix = 20
    guard data.count >= prefix + 8, Array(data.prefix(8)) == Self.magic else {
      throw CheckpointError(file, "is not a checkpoint: it does not start with SWPUCKPT")
    }
    let version: UInt32 = data.littleEndian(at: 8)
    guard version == Self.version else {
      throw CheckpointError(
        file, "has version \(version); this program reads version \(Self.version)")
    }
    let stored: UInt64 = data.littleEndian(at: data.count - 8)
    guard wordChecksum(data.dropLast(8)) == stored else {
      throw CheckpointError(file, "is damaged: its checksum does not match; use an older one")
    }
    let length: UInt64 = data.littleEndian(at: 12)
    guard length <= UInt64(data.count - prefix - 8) else {
      throw CheckpointError(file, "has a header of \(length) bytes, longer than the file")
    }
    let header: Header
    do {
      header = try JSONDecoder().decode(
        Header.self, from: data.subdata(in: prefix..<prefix + Int(length)))
    } catch {
      throw CheckpointError(file, "has a header that cannot be read: \(error)")
    }
    progress = header.progress
    configuration = header.configuration
    kernels = header.kernels
    blobs = []
    var offset = prefix + Int(length)
    for blob in header.blobs {
      guard blob.bytes >= 0, blob.bytes <= data.count - 8 - offset else {
        throw CheckpointError(
          file, "field '\(blob.name)': \(blob.bytes) bytes go past the end of the file")
      }
      blobs.append((blob.name, data.subdata(in: offset..<offset + blob.bytes)))
      offset += blob.bytes
    }
    guard offset == data.count - 8 else {
      throw CheckpointError(file, "has \(data.count - 8 - offset) bytes that no field names")
    }
  }

  /// A checkpoint of a training.
  init(
    progress: TrainingProgress, configuration: String, kernels: String,
    blobs: [(name: String, bytes: Data)]
  ) {
    self.progress = progress
    self.configuration = configuration
    self.kernels = kernels
    self.blobs = blobs
  }
}

/// A checkpoint that cannot be used.
public struct CheckpointError: Error, CustomStringConvertible, Equatable {
  /// The file.
  public let file: String
  /// What is wrong with it and what would be right.
  public let problem: String

  init(_ file: String, _ problem: String) {
    self.file = file
    self.problem = problem
  }

  /// File and problem.
  public var description: String { "\(file) \(problem)" }
}

/// FNV-1a over 64-bit words (the last one padded with zeros): quick enough for files of hundreds of
/// megabytes, and any flipped bit changes it.
func wordChecksum(_ data: some ContiguousBytes) -> UInt64 {
  var hash: UInt64 = 0xcbf2_9ce4_8422_2325
  data.withUnsafeBytes { bytes in
    var offset = 0
    while offset + 8 <= bytes.count {
      let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
      hash = (hash ^ word) &* 0x100_0000_01b3
      offset += 8
    }
    var last: UInt64 = 0
    for index in offset..<bytes.count { last |= UInt64(bytes[index]) << (8 * (index - offset)) }
    hash = (hash ^ last) &* 0x100_0000_01b3
    hash = (hash ^ UInt64(bytes.count)) &* 0x100_0000_01b3
  }
  return hash
}

extension Data {
  func littleEndian<Integer: FixedWidthInteger>(at offset: Int) -> Integer {
    withUnsafeBytes {
      Integer(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Integer.self))
    }
  }
}

extension Model {
  /// Masks, weights, optimiser state and running statistics by name.
  func blobs() -> [(name: String, bytes: Data)] {
    var blobs: [(name: String, bytes: Data)] = []
    for layer in convolutions {
      if let mask = layer.mask { blobs.append((layer.name + ".mask", Data(mask.encoded()))) }
    }
    for parameter in parameters {
      blobs.append((parameter.name, parameter.values.bytes()))
      for (index, slot) in parameter.slots.enumerated() {
        blobs.append(("\(parameter.name).slot\(index)", slot.bytes()))
      }
    }
    for statistic in statistics { blobs.append((statistic.name, statistic.values.bytes())) }
    return blobs
  }

  /// Puts the values of a checkpoint in place.
  ///
  /// - Throws: `CheckpointError` when a value is missing, has another size, or does not fit.
  func restore(_ checkpoint: Checkpoint, file: String) throws(CheckpointError) {
    var blobs: [String: Data] = [:]
    for blob in checkpoint.blobs { blobs[blob.name] = blob.bytes }
    func restore(_ tensor: Tensor, _ name: String) throws(CheckpointError) {
      guard let bytes = blobs[name] else {
        throw CheckpointError(file, "has no field '\(name)', which the network needs")
      }
      guard bytes.count == tensor.count * 4 else {
        throw CheckpointError(
          file, "field '\(name)': \(bytes.count) bytes; the network needs \(tensor.count * 4)")
      }
      tensor.store(bytes: bytes)
    }
    for layer in convolutions {
      guard let bytes = blobs[layer.name + ".mask"] else { continue }
      let mask: LayerMask
      do {
        mask = try LayerMask(decoding: Array(bytes), file: file, field: layer.name + ".mask")
      } catch {
        throw CheckpointError(file, "field '\(layer.name).mask': \(error)")
      }
      guard mask.shape == layer.filterShape else {
        throw CheckpointError(
          file,
          "field '\(layer.name).mask': is for \(mask.shape), the layer is \(layer.filterShape)")
      }
      layer.apply(mask)
    }
    for parameter in parameters {
      try restore(parameter.values, parameter.name)
      for (index, slot) in parameter.slots.enumerated() {
        try restore(slot, "\(parameter.name).slot\(index)")
      }
    }
    for statistic in statistics { try restore(statistic.values, statistic.name) }
  }
}
