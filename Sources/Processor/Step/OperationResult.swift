// SPDX-License-Identifier: Apache-2.0

/// An operation of a training step whose normalisation is fused: what it read, made and wrote, and
/// where its cycles went.
public struct OperationResult: Codable, Sendable {
  /// A tensor that moved.
  public struct Transfer: Codable, Sendable {
    /// Its name.
    public var tensor: String
    /// What it holds: images, stash, activation, gradient, index, weights, masks.
    public var kind: String
    /// Bits to or from the DRAM.
    public var dramBits: Int
    /// Bits that were found in the pool, or that it kept from being written.
    public var poolBits: Int
  }

  /// The layers that it runs, or the layer of the vector unit.
  public var name: String
  /// forward, backward or vector.
  public var kind: String
  /// All cycles: those of the array, then the stalls.
  public var cycles: Int
  /// Cycles of the array.
  public var arrayCycles: Int
  /// Cycles in which only the DRAM works.
  public var dramStallCycles: Int
  /// Cycles in which only a stream unit works, or that and the DRAM.
  public var streamStallCycles: Int
  /// Cycles of filling and emptying the chain of blocks.
  public var fillCycles: Int
  /// Blocks.
  public var blocks: Int
  /// Values that the stream units took in and gave out.
  public var streamedElements: Int
  /// What was read and written.
  public var reads, writes: [Transfer]
}
