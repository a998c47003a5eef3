// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A pass of a layer on the array of some machine: how long it computes and what it does. Memory
/// off the chip and energy come on top.
public struct PassRun: Sendable, Equatable {
  /// Cycles of the array, and where its row-cycles went.
  public var timing: PassTiming
  /// Counts of events.
  public var activity: PassActivity
  /// Bits that describe the masks of the pass to the machine.
  public var maskBits: Int
  /// Weights that the machine stores and moves: kept ones, or all where it cannot skip.
  public var storedWeights: Int

  init(timing: PassTiming, activity: PassActivity, maskBits: Int, storedWeights: Int) {
    self.timing = timing
    self.activity = activity
    self.maskBits = maskBits
    self.storedWeights = storedWeights
  }
}
