// SPDX-License-Identifier: Apache-2.0
/// How long the cores take for a pass, and where the row-cycles of all of them went.
public struct PassTiming: Codable, Sendable, Equatable {
  /// Cycles until the last core is done.
  public var cycles = 0
  /// Cycles of each core.
  public var coreCycles: [Int] = []
  /// Row-cycles of rows that take entries.
  public var issue = 0
  /// Row-cycles of rows that add partial sums and write.
  public var drain = 0
  /// Row-cycles of rows stalled on operand vectors.
  public var loading = 0
  /// Row-cycles of rows stalled on other rows of their group.
  public var imbalance = 0
  /// Row-cycles of rows without an output plane, in groups that are not full.
  public var unusedRows = 0
  /// Row-cycles of filling and emptying the pipelines, once an item.
  public var fill = 0
  /// Row-cycles of cores that are idle until the last one is done.
  public var coreImbalance = 0
  /// Row-cycles of filling pipelines, and of draining weight gradients as far as that is not hidden, once
  /// more for each further block of images.
  public var restart = 0

  /// Adds the cycles that all cores take for further blocks.
  mutating func addRestarts(_ cycles: Int, array: HardwareDescription.Array) {
    self.cycles += cycles
    for core in coreCycles.indices { coreCycles[core] += cycles }
    restart += cycles * array.cores * array.rows
  }
}
