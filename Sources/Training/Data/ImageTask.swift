// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Tensor

/// What a classifier reads and says: the size and the normalisation of its images, and the names of its
/// classes. With it a network can be used without its training images.
///
/// A run keeps it in `task.json`, an exported file in its metadata.
public struct ImageTask: Codable, Sendable, Equatable {
  /// The names of the classes, in the order of the logits.
  public let classNames: [String]
  /// 3 for red, green and blue, 1 for grey.
  public let channels: Int
  /// Rows and columns of an image in pixels.
  public let height, width: Int
  /// A value v of 0...1 becomes (v - mean) / standard deviation, channel by channel.
  public let mean, standardDeviation: [Float]

  /// The task that a data set is.
  public init(_ data: Dataset) {
    classNames = data.train.classNames
    channels = data.train.channels
    height = data.train.height
    width = data.train.width
    mean = data.mean
    standardDeviation = data.deviation
  }

  /// Makes a task; `checked` finds what is wrong with one.
  init(classNames: [String], image: MapShape, mean: [Float], standardDeviation: [Float]) {
    self.classNames = classNames
    channels = image.channels
    height = image.height
    width = image.width
    self.mean = mean
    self.standardDeviation = standardDeviation
  }

  /// The size of an image.
  public var image: MapShape { MapShape(channels: channels, height: height, width: width) }

  /// The normalisation as one factor and one shift of a value of 0...1 for each channel.
  var scaling: [ChannelScaling] {
    zip(mean, standardDeviation).map { mean, deviation in
      (factor: 1 / deviation, shift: -mean / deviation)
    }
  }

  /// The values of `bytes`, `[channel][row][column]`, as the network reads them.
  func normalised(_ bytes: [UInt8]) -> [Float] {
    let plane = height * width
    return bytes.indices.map { index in
      let channel = index / plane
      return (Float(bytes[index]) / 255 - mean[channel]) / standardDeviation[channel]
    }
  }

  /// The task, if it is one.
  ///
  /// - Throws: `InputError` naming the field and what is allowed.
  func checked(file: String) throws(InputError) -> ImageTask {
    func require(_ isRight: Bool, _ field: String, _ value: String, _ allowed: String)
      throws(InputError)
    {
      if !isRight { throw InputError(file: file, field: field, value: value, allowed: allowed) }
    }
    try require(
      (2...Int(UInt16.max)).contains(classNames.count), "classes", "\(classNames.count)",
      "2 to \(UInt16.max)")
    try require(
      (1...1024).contains(channels) && (1...1024).contains(height) && (1...1024).contains(width),
      "image", "\(channels)x\(height)x\(width)", "channels, rows and columns of 1 to 1024")
    try require(
      mean.count == channels && mean.allSatisfy(\.isFinite), "mean", "\(mean)",
      "\(channels) finite numbers, one a channel")
    try require(
      standardDeviation.count == channels
        && standardDeviation.allSatisfy { $0.isFinite && $0 > 0 }, "std", "\(standardDeviation)",
      "\(channels) numbers above 0, one a channel")
    return self
  }

  /// Itself, where a network reads such images and tells as many classes apart.
  ///
  /// - Throws: `InputError` naming both.
  func checked(for input: MapShape, classes: Int, file: String) throws(InputError) -> ImageTask {
    guard image == input, classNames.count == classes else {
      throw InputError(
        file: file, field: "task", value: "images of \(image) in \(classNames.count) classes",
        allowed: "those of the network, \(input) in \(classes)")
    }
    return self
  }
}

extension ImageTask {
  /// The entries of a file's metadata: `classes`, `mean` and `std` as JSON, `image` as
  /// `channels x rows x columns`.
  public var metadata: [String: String] {
    func json(_ value: some Encodable) -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = .withoutEscapingSlashes
      do {
        return String(decoding: try encoder.encode(value), as: UTF8.self)
      } catch {
        preconditionFailure("names and finite numbers that JSON cannot hold: \(error)")
      }
    }
    return [
      "classes": json(classNames), "mean": json(mean), "std": json(standardDeviation),
      "image": "\(channels)x\(height)x\(width)",
    ]
  }

  /// The task that a file's metadata describes.
  ///
  /// - Throws: `InputError` for an entry that is missing or wrong.
  public init(metadata: [String: String], file: String) throws(InputError) {
    func entry(_ key: String, _ allowed: String) throws(InputError) -> String {
      guard let text = metadata[key] else {
        throw InputError(
          file: file, field: "metadata '\(key)'", value: "nothing",
          allowed: allowed + ", as swpu export writes it")
      }
      return text
    }
    func decoded<Value: Decodable>(_ key: String, _ allowed: String) throws(InputError) -> [Value] {
      let text = try entry(key, allowed)
      guard let value = try? JSONDecoder().decode([Value].self, from: Data(text.utf8)) else {
        throw InputError(
          file: file, field: "metadata '\(key)'", value: String(text.prefix(80)), allowed: allowed)
      }
      return value
    }
    let names: [String] = try decoded("classes", "a JSON list of the names of the classes")
    let mean: [Float] = try decoded("mean", "a JSON list of numbers, one a channel")
    let deviation: [Float] = try decoded("std", "a JSON list of numbers, one a channel")
    let size = try entry("image", "channels x rows x columns")
    let parts = size.split(separator: "x", omittingEmptySubsequences: false)
    let sizes = parts.compactMap { Int($0) }
    guard parts.count == 3, sizes.count == 3, sizes.allSatisfy({ (1...1024).contains($0) }) else {
      throw InputError(
        file: file, field: "metadata 'image'", value: String(size.prefix(80)),
        allowed: "channels x rows x columns, such as 3x32x32")
    }
    self = try ImageTask(
      classNames: names, image: MapShape(channels: sizes[0], height: sizes[1], width: sizes[2]),
      mean: mean, standardDeviation: deviation
    ).checked(file: file)
  }
}

extension RunFolder {
  /// What the network of the run reads and says.
  public var task: URL { url.appendingPathComponent("task.json") }

  /// Writes `task.json`.
  ///
  /// - Throws: `FileError`.
  func write(_ task: ImageTask) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try writeAtomically(encoder.encode(task), to: self.task)
  }

  /// Reads `task.json` where there is one: nil for a run of an earlier version.
  ///
  /// - Throws: `FileError`, `InputError` naming the field.
  public func readTaskIfThere() throws -> ImageTask? {
    FileManager.default.fileExists(atPath: task.path) ? try readTask() : nil
  }

  /// Reads `task.json`.
  ///
  /// - Throws: `FileError`, `InputError` naming the field.
  public func readTask() throws -> ImageTask {
    guard let data = try readFileIfThere(task) else {
      throw FileError(
        task.path, "read the classes and the normalisation of the run",
        reason: "the file is not there; runs of earlier versions have none, and "
          + "'swpu train --resume' with more --epochs writes it")
    }
    do {
      return try JSONDecoder().decode(ImageTask.self, from: data).checked(file: task.path)
    } catch let error as InputError {
      throw error
    } catch {
      throw FileError(task.path, "read the run's task", reason: plainReason(error))
    }
  }
}
