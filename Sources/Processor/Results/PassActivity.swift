// SPDX-License-Identifier: Apache-2.0
/// What happened in a pass of a layer on some machine, counted: energy is these counts times the
/// energies of a table.
public struct PassActivity: Codable, Hashable, Sendable {
  /// Effectual MACs: products of kept weights with values inside the map.
  public var effectualMACs = 0
  /// Dense MACs: products inside the map of a layer without pruning.
  public var denseMACs = 0
  /// Products that the multipliers made, of pruned weights and padding too where the machine does not
  /// skip them.
  public var executedMACs = 0
  /// Fraction of the executed MACs with a zero operand, from the layer's statistics.
  public var zeroShare = 0.0
  /// Fraction of the values in operand vectors that are zero.
  public var sourceZeroShare = 0.0
  /// Fraction of the results that are known to be zero in advance and therefore not computed.
  public var maskedShare = 0.0
  /// Multiplier-cycles in rows that take entries, idle lanes and slots included.
  public var issuedMultiplierCycles = 0
  /// Windows that were packed, in all tiles.
  public var windows = 0
  /// Operand vectors written into window buffers.
  public var vectorsLoaded = 0
  /// Operand vectors that rows took from window buffers.
  public var vectorsTaken = 0
  /// Operand vectors moved by one switch of a compress network, over all rows and stages; each moves
  /// `lanes` operands. Weight gradients on their way back through the network count as well.
  public var networkMoves = 0
  /// Runs (of at most `port-elements` operands) read from the activation memory.
  public var sourceAccesses = 0
  /// Runs of output gradients read from the output memory.
  public var gradientAccesses = 0
  /// Weights read from the weight memory; each is one operand, used by a row's lanes.
  public var weightsRead = 0
  /// Results written to the output memory: FP32 outputs, input gradients or weight gradients.
  public var resultsWritten = 0
  /// FP32 additions besides one for each product: of partial sums. (The adder tree and the
  /// accumulator of the weight-gradient pass add each of a vector's T products once.)
  public var extraAdditions = 0
  /// Bits of masks read and scanned.
  public var maskBits = 0
  /// Source lines read and, because no row of a group needs them, not read.
  public var linesRead = 0
  /// Source lines that were not read because no row of a group needs them.
  public var linesSkipped = 0

  /// No activity.
  public init() {}

  /// The sum of two activities; shares are those of all executed products.
  public static func + (a: PassActivity, b: PassActivity) -> PassActivity {
    var sum = a
    for count in counts { sum[keyPath: count] += b[keyPath: count] }
    let executed = Double(sum.executedMACs)
    for share in [\PassActivity.zeroShare, \.sourceZeroShare, \.maskedShare] {
      sum[keyPath: share] =
        executed == 0
        ? 0
        : (a[keyPath: share] * Double(a.executedMACs) + b[keyPath: share] * Double(b.executedMACs))
          / executed
    }
    return sum
  }

  /// What the weight-gradient pass does in so many blocks of images: the sums of each block come back
  /// for the next, and are written again.
  mutating func repeatResults(blocks: Int) {
    resultsWritten *= blocks
    extraAdditions *= blocks
  }

  /// Every count.
  static var counts: [WritableKeyPath<PassActivity, Int> & Sendable] {
    [
      \.effectualMACs, \.denseMACs, \.executedMACs, \.issuedMultiplierCycles, \.windows,
      \.vectorsLoaded,
      \.vectorsTaken, \.networkMoves, \.sourceAccesses, \.gradientAccesses, \.weightsRead,
      \.resultsWritten, \.extraAdditions, \.maskBits, \.linesRead, \.linesSkipped,
    ]
  }
}
