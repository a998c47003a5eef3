// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks
import Training

/// The records of a run's folder, read and checked; a run that has not ended has fewer.
public struct RunRecord: Sendable {
  /// Density of each layer at a snapshot.
  struct Snapshot: Sendable {
    let step: Int
    /// Densities, in the order of `layerNames`.
    let kept: [Double]
  }

  /// What the page calls it.
  let name: String
  /// The folder as it was given.
  let path: String
  let configuration: TrainingConfiguration
  /// The text of `config.yaml`.
  let configurationText: String
  let metrics: RunMetrics
  /// Nil for a run that has not ended.
  let summary: RunSummary?
  /// How the test images were classified; nil for a run that has not ended, or of an older version.
  let evaluation: RunEvaluation?
  /// Convolutions and linear layers.
  let layerNames: [String]
  /// Evenly spaced snapshots, the first and the last among them.
  let snapshots: [Snapshot]
  /// The last snapshot.
  let masks: MaskSnapshot?
  /// The network with the last masks; nil for a run that recorded no network.
  public let workload: Workload?
  /// Steps done, by the metrics and the snapshots.
  let steps: Int

  /// Reads a run.
  ///
  /// - Throws: `ConfigurationError`, `FileError`, `InputError`, naming the file, the field and what is
  ///   allowed.
  public init(_ folder: RunFolder, name: String, path: String) throws {
    self.name = name
    self.path = path
    configuration = try folder.readConfiguration()
    configurationText = try String(contentsOf: folder.configuration, encoding: .utf8)
    metrics = try folder.readMetrics()
    summary = try folder.readSummary()
    evaluation = try folder.readEvaluation()
    let files = folder.maskFiles
    var names: [String] = []
    var snapshots: [Snapshot] = []
    if let last = files.last {
      let masks = try MaskSnapshot(path: last.path)
      names = masks.layers.map(\.name)
      for file in thinned(files, to: HeatMap.mostColumns) {
        let snapshot = file == last ? masks : try MaskSnapshot(path: file.path)
        let found = Dictionary(
          snapshot.layers.map { ($0.name, $0.mask.density) }, uniquingKeysWith: { $1 })
        // A layer that a snapshot lacks is dense.
        snapshots.append(Snapshot(step: snapshot.step, kept: names.map { found[$0] ?? 1 }))
      }
      self.masks = masks
    } else {
      masks = nil
    }
    layerNames = names
    self.snapshots = snapshots
    let hasNetwork = FileManager.default.fileExists(atPath: folder.network.path)
    workload = hasNetwork ? try files.last.map { try folder.workload($0) } : nil
    steps = max(
      metrics.steps.last?.step ?? 0, metrics.epochs.last?.step ?? 0, snapshots.last?.step ?? 0)
  }

  /// Lines of the metrics that cannot be used, and why.
  public var problems: [String] { metrics.problems }

  /// Test accuracy after the last epoch that has ended.
  var testAccuracy: Double? {
    summary?.testAccuracy ?? metrics.epochs.last?.report.testAccuracy
  }

  /// Sparsity of the prunable weights.
  var sparsity: Double {
    summary?.sparsity ?? metrics.maskUpdates.last?.sparsity
      ?? metrics.epochs.last?.report.sparsity ?? 0
  }

  /// What follows the name of a run that has not ended.
  var unfinished: String {
    summary == nil
      ? " (unfinished, epoch \(metrics.epochs.last?.report.epoch ?? 0) of \(configuration.epochs))"
      : ""
  }

  /// Whether it prunes at all.
  var isPruned: Bool { configuration.pruning.granularity != .dense }

  /// Where it ran, in a few words.
  var machine: String? {
    summary.map { "\($0.machine.threads) threads of \($0.machine.processor)" }
  }

  /// What is pruned, as words.
  var pruning: String {
    let pruning = configuration.pruning
    let balance =
      switch pruning.balanced {
      case .none: ""
      case .filters: ", filters balanced"
      case .both: ", filters and channels balanced"
      }
    return pruning.granularity.rawValue + balance
  }
}
