// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Training

/// The training of the same network without pruning, in a folder beside that of a run.
struct TwinRun {
  let folder: RunFolder
  let configuration: TrainingConfiguration
  /// Where it goes on; nil for one that starts.
  let resumable: ResumableRun?

  /// Looks at the twin's place before hours of training; nothing is written.
  ///
  /// - Parameter isResumed: whether `run` goes on, so that its twin may be there already.
  init(of run: RunFolder, _ configuration: TrainingConfiguration, isResumed: Bool) throws {
    var dense = configuration
    dense.pruning.granularity = .dense
    dense.pruning.balanced = .none
    self.configuration = dense
    folder = RunFolder(URL(fileURLWithPath: run.url.path + "-dense"))
    guard FileManager.default.fileExists(atPath: folder.url.path) else {
      resumable = nil
      return
    }
    guard isResumed else {
      run.removeIfEmpty()
      throw ValidationError(
        "--against-dense: \(folder.url.path), where the dense twin belongs, is there already; choose "
          + "another --output")
    }
    if !folder.isRun { try folder.checkIsFree() }
    resumable = try folder.isRun ? ResumableRun(folder) { $0 = dense } : nil
  }
}
