// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Training

/// Which checkpoint of a run.
struct CheckpointOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Checkpoint of the run: the last, or the one with the best test accuracy.",
      valueName: "choice"))
  var checkpoint = CheckpointChoice.last

  /// Says where the last one is damaged, so that an older one is read.
  func noteDamage(in folder: RunFolder) {
    if checkpoint == .last { folder.noteDamage() }
  }
}

extension CheckpointChoice: ExpressibleByArgument {}

extension RunFolder {
  /// Says where the newest checkpoint is damaged, so that an older one is read.
  func noteDamage() {
    if let problem = damagedCheckpoint { note("\(problem)\nThe checkpoint before it is used.") }
  }
}
