// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks

extension RunFolder {
  /// The network of the run as a model of a processor sees it.
  public var network: URL { url.appendingPathComponent("network.json") }

  /// Writes `network.json`.
  ///
  /// - Throws: `FileError`.
  func write(_ network: NetworkDescription) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try writeAtomically(encoder.encode(network), to: self.network)
  }

  /// Reads `network.json`.
  ///
  /// - Throws: `FileError`, `InputError` naming the file and the field.
  public func readNetwork() throws -> NetworkDescription {
    guard let data = try readFileIfThere(network) else {
      throw FileError(
        network.path, "read the run's network",
        reason: "the file is not there; is '\(url.path)' the folder of a run?")
    }
    let description: NetworkDescription
    do {
      description = try JSONDecoder().decode(NetworkDescription.self, from: data)
    } catch {
      throw FileError(network.path, "read the run's network", reason: plainReason(error))
    }
    try description.validate(file: network.path)
    return description
  }

  /// The file of one snapshot.
  ///
  /// - Throws: `FileError` naming the steps that there are.
  public func maskFile(_ choice: SnapshotChoice) throws(FileError) -> URL {
    let files = maskFiles
    let file: URL? =
      switch choice {
      case .last: files.last
      case .step(let wanted): files.first { step(of: $0) == wanted }
      case .all: nil
      }
    if let file { return file }
    let steps = files.compactMap { step(of: $0) }.map(String.init).joined(separator: ", ")
    throw FileError(
      masks.path, "find the snapshot '\(choice)'",
      reason: files.isEmpty ? "the run has written none" : "there is last, or \(steps)")
  }

  /// The network with the masks of one of the run's snapshots.
  ///
  /// - Throws: `FileError`, `InputError`.
  public func workload(_ file: URL) throws -> Workload {
    try Workload(readNetwork(), wholeSnapshot: MaskSnapshot(path: file.path), file: file.path)
  }

  /// The step of a snapshot or checkpoint, from its name.
  public func step(of file: URL) -> Int? {
    let name = file.deletingPathExtension().lastPathComponent
    return name.hasPrefix("step-") ? Int(name.dropFirst("step-".count)) : nil
  }

  /// Steps of an epoch, by the summary of a run that has ended; nil for one that has not.
  ///
  /// - Throws: `FileError` when the summary is there and cannot be read.
  public func stepsPerEpoch() throws(FileError) -> Int? {
    guard let data = try readFileIfThere(summary) else { return nil }
    struct Counts: Decodable { let steps, epochs: Int }
    do {
      let counts = try JSONDecoder().decode(Counts.self, from: data)
      return counts.epochs > 0 ? counts.steps / counts.epochs : nil
    } catch {
      throw FileError(summary.path, "read the run's steps", reason: plainReason(error))
    }
  }

  /// Steps that the run has done, by its last checkpoint.
  public var stepsDone: Int { checkpointFiles.last.flatMap { step(of: $0) } ?? 0 }
}
