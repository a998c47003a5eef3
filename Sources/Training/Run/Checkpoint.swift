// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Tensor

/// Everything that training needs to go on as if it had never stopped.
///
/// File: the 8 bytes `SWPUCKPT`, a little-endian 32-bit version, a 64-bit header length, the header
/// as JSON, the blobs that the header names one after the other, and the checksum of all before.
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

  private static let form = SealedFile(kind: "SWPUCKPT", noun: "a checkpoint")
  private static let version: UInt32 = 1

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
    var content = Data()
    content.append(littleEndian: UInt64(header.count))
    content.append(header)
    for blob in blobs { content.append(blob.bytes) }
    return Self.form.encoded(version: Self.version, content)
  }

  /// Reads a checkpoint's bytes.
  ///
  /// - Throws: `InputError` for anything that is not a whole checkpoint of this version.
  public init(decoding data: Data, file: String) throws(InputError) {
    func error(_ field: String, _ value: String, _ allowed: String) -> InputError {
      InputError(file: file, field: field, value: value, allowed: allowed)
    }
    let (_, content) = try Self.form.content(
      of: data, versions: Self.version...Self.version, file: file)
    guard content.count >= 8 else { throw error("header", "\(content.count) bytes", "8 or more") }
    let length: UInt64 = content.littleEndian(at: 0)
    guard length <= UInt64(content.count - 8) else {
      throw error("header", "\(length) bytes", "at most \(content.count - 8), what the file has")
    }
    let start = content.startIndex + 8
    let header: Header
    do {
      header = try JSONDecoder().decode(
        Header.self, from: content.subdata(in: start..<start + Int(length)))
    } catch let problem {
      throw error("header", plainReason(problem), "what this program writes")
    }
    progress = header.progress
    configuration = header.configuration
    kernels = header.kernels
    blobs = []
    var offset = start + Int(length)
    for blob in header.blobs {
      guard blob.bytes >= 0, blob.bytes <= content.endIndex - offset else {
        throw error(
          "field '\(blob.name)'", "\(blob.bytes) bytes", "at most \(content.endIndex - offset)")
      }
      blobs.append((blob.name, content.subdata(in: offset..<offset + blob.bytes)))
      offset += blob.bytes
    }
    guard offset == content.endIndex else {
      throw error("end", "\(content.endIndex - offset) bytes that no field names", "none")
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
  /// - Throws: `InputError` when a value is missing, has another size, or does not fit.
  func restore(_ checkpoint: Checkpoint, file: String) throws(InputError) {
    var blobs: [String: Data] = [:]
    for blob in checkpoint.blobs { blobs[blob.name] = blob.bytes }
    func error(_ field: String, _ value: String, _ allowed: String) -> InputError {
      InputError(file: file, field: "field '\(field)'", value: value, allowed: allowed)
    }
    func restore(_ tensor: Tensor, _ name: String) throws(InputError) {
      guard let bytes = blobs[name] else {
        throw error(name, "nothing", "\(tensor.count * 4) bytes, which the network needs")
      }
      guard bytes.count == tensor.count * 4 else {
        throw error(name, "\(bytes.count) bytes", "\(tensor.count * 4), which the network needs")
      }
      tensor.store(bytes: bytes)
    }
    for layer in convolutions {
      guard let bytes = blobs[layer.name + ".mask"] else { continue }
      let mask = try LayerMask(decoding: Array(bytes), file: file, field: layer.name + ".mask")
      guard mask.shape == layer.filterShape else {
        throw error(layer.name + ".mask", "\(mask.shape)", "\(layer.filterShape)")
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
