// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A pass of a layer on the array of some machine: its cycles and its activity. Off-chip memory and
/// energy are added later.
public struct PassRun: Sendable, Equatable {
  /// Cycles of the array, and where its row-cycles went.
  public var timing: PassTiming
  /// Counts of events.
  public var activity: PassActivity
  /// Bits that describe the masks of the pass to the machine.
  public var maskBits: Int
  /// Weights that the machine stores and moves: kept ones, or all where it cannot skip.
  public var storedWeights: Int
  /// What further blocks of images cost the array.
  public var restart: Restart
  /// Those of the mask bits that are lists of lines, which each pass has for itself.
  public var listBits: Int

  init(
    timing: PassTiming, activity: PassActivity, maskBits: Int, storedWeights: Int,
    restart: Restart = .none, listBits: Int = 0
  ) {
    self.restart = restart
    self.listBits = listBits
    self.timing = timing
    self.activity = activity
    self.maskBits = maskBits
    self.storedWeights = storedWeights
  }
}
