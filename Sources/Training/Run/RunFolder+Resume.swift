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
    let state = checkpoint.checkpoint
    let differences = try folder.changes(of: configuration, since: checkpoint)
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

extension RunFolder {
  /// The keys whose change leaves what was trained so far as it is.
  private static let changeable: Set<String> = [
    "epochs", "data-path", "initialize-from", "distill-from",
  ]

  /// Looks whether the run's configuration is still the one that a checkpoint was trained with.
  ///
  /// - Throws: `FileError`; `ConfigurationError` for a key that is not.
  func checkConfiguration(against checkpoint: (file: URL, checkpoint: Checkpoint)) throws {
    _ = try changes(of: readConfiguration(), since: checkpoint)
  }

  /// What a configuration changes of the one that a checkpoint was trained with.
  ///
  /// - Throws: `ConfigurationError` for a key that may not change.
  fileprivate func changes(
    of configuration: TrainingConfiguration, since trained: (file: URL, checkpoint: Checkpoint)
  ) throws -> [(key: String, before: String?, now: String?)] {
    let before = try TrainingConfiguration(
      yaml: trained.checkpoint.configuration, file: trained.file.path)
    let differences = configuration.differences(from: before)
    let refused = differences.first { key, before, now in
      // A start or a teacher may move. A start that comes later never happened, and a teacher that comes or
      // goes would change what is trained for.
      let moves = before != nil && now != nil
      return !Self.changeable.contains(key) || key.hasSuffix("-from") && !moves
    }
    if let refused {
      throw ConfigurationError(
        self.configuration.path, refused.key,
        "\(refused.now ?? "nothing") is not allowed; the run was trained with "
          + "\(refused.before ?? "nothing"), and may change only "
          + Self.changeable.sorted().joined(separator: ", "))
    }
    return differences
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
