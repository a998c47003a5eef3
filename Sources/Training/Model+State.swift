// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Masks

extension Model {
  /// Masks, weights, optimiser state and running statistics, as a checkpoint without training progress.
  ///
  /// - Throws: what encoding a checkpoint throws.
  package func state() throws -> Data {
    try Checkpoint(
      progress: TrainingProgress(), configuration: "", kernels: engine.name,
      blobs: blobs()
    ).encoded()
  }

  /// Puts a state of the same network in place; optimiser state that the model does not use is left
  /// out.
  ///
  /// - Throws: `InputError` for bytes that are damaged or of another network.
  package func restore(state: Data) throws(InputError) {
    try restore(Checkpoint(decoding: state, file: "the state"), file: "the state")
  }

  /// What a processor runs in a training step with the present masks.
  package func workload(batch: Int) throws(InputError) -> Workload {
    try Workload(
      network.description(batch: batch),
      snapshot: snapshot(step: 0, epoch: 0, granularity: .subStructured), file: "the model")
  }
}
