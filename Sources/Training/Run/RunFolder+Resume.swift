// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// A run that can be gone on with.
public struct ResumableRun {
  /// The run's folder.
  public let folder: RunFolder
  /// How it goes on.
  public let configuration: TrainingConfiguration
  /// Where.
  public let checkpoint: (file: URL, checkpoint: Checkpoint)
  /// What is different from before, a line for each key.
  public let changes: [String]
  /// What came out, of a run that has ended.
  public let summary: RunSummary?

  /// The keys whose change leaves what was trained so far as it is.
  static let changeable: Set<String> = ["epochs", "data-path", "initialize-from", "distill-from"]

  /// Looks at a run; nothing is written.
  ///
  /// - Parameter change: what the command line asks for, on top of the run's configuration.
  /// - Throws: `FileError`, `InputError`; `ConfigurationError` for a key whose value the run
  ///   cannot go on with.
  public init(
    _ folder: RunFolder,
    change: (inout TrainingConfiguration) throws -> Void = { _ in }
  ) throws {
    self.folder = folder
    var configuration = try folder.readConfiguration()
    try change(&configuration)
    checkpoint = try folder.latestCheckpoint()
    let (file, state) = checkpoint
    let before = try TrainingConfiguration(yaml: state.configuration, file: file.path)
    let differences = configuration.differences(from: before)
    let refused = differences.first { key, before, now in
      // A teacher may move; one that comes or goes would change what is trained for.
      !Self.changeable.contains(key) || key == "distill-from" && (before == nil || now == nil)
    }
    if let refused {
      throw ConfigurationError(
        folder.configuration.path, refused.key,
        "\(refused.now ?? "nothing") is not allowed; the run was trained with "
          + "\(refused.before ?? "nothing"), and may change only "
          + Self.changeable.sorted().joined(separator: ", "))
    }
    guard configuration.epochs >= state.progress.epoch else {
      throw ConfigurationError(
        folder.configuration.path, "epochs",
        "\(configuration.epochs) is not allowed; \(state.progress.epoch) are done")
    }
    self.configuration = configuration
    changes = differences.map {
      "\($0.key): \($0.now ?? "nothing") from here on, \($0.before ?? "nothing") before"
    }
    let summary = try? folder.readSummary()
    let isOver =
      state.progress.epoch == configuration.epochs && summary?.steps == state.progress.step
    self.summary = isOver && summary?.processor != nil ? summary : nil
  }
}

extension TrainingConfiguration {
  /// The keys with other values than in `other`, as the file spells them.
  func differences(from other: TrainingConfiguration)
    -> [(key: String, before: String?, now: String?)]
  {
    Self.keys.compactMap { key in
      let (before, now) = (key.scalar(other), key.scalar(self))
      return before == now ? nil : (key.name, before, now)
    }
  }

  /// The same configuration with paths that hold in any folder; `~/` is expanded.
  public func absolute(in folder: String = FileManager.default.currentDirectoryPath)
    -> TrainingConfiguration
  {
    func absolute(_ path: String) -> String {
      let path =
        path == "~" || path.hasPrefix("~/") ? NSString(string: path).expandingTildeInPath : path
      return path.hasPrefix("/") ? path : folder + "/" + path
    }
    var result = self
    result.dataPath = dataPath.map(absolute)
    result.initializeFrom = initializeFrom.map(absolute)
    result.modelFile = modelFile.map(absolute)
    result.distillFrom = distillFrom.map(absolute)
    return result
  }
}
