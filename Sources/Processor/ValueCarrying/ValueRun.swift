// SPDX-License-Identifier: Apache-2.0
import Files
import Masks

/// What a pass on real values computed, and what its units did.
public struct ValueRun: Sendable, Equatable {
  /// The output (`[N][K][P][Q]`), the input gradient (`[N][C][H][W]`) or the weight gradient
  /// (`[K][C][R][S]`).
  public internal(set) var values: [Float]
  /// What happened.
  public internal(set) var counts: ValueCounts

  /// FNV-1a of 64 bits over the little-endian bytes of the values.
  public var valueChecksum: UInt64 {
    checksum(
      values.lazy.flatMap { value in
        (0..<4).lazy.map { UInt8(truncatingIfNeeded: value.bitPattern >> UInt32(8 * $0)) }
      })
  }

  /// The first value that differs in any bit from that of another computation of the pass.
  public func firstDifference(from other: [Float]) -> Int? {
    precondition(other.count == values.count, "\(other.count) values against \(values.count)")
    return values.indices.first { values[$0].bitPattern != other[$0].bitPattern }
  }
}

/// What the rows did in a pass on real values.
public struct ValueCounts: Sendable, Equatable, Codable {
  /// Row-cycles in which a row takes entries.
  public var issues = 0
  /// Operand vectors that rows took from window buffers.
  public var vectorsTaken = 0
  /// Products that were made and added.
  public var products = 0
  /// Products inside the map that were not made, as an operand is zero.
  public var gatedProducts = 0
  /// Operand vectors moved by one switch of a compress network, over all rows and stages.
  public var compressMoves = 0
  /// Weight gradients moved by one switch on their way back through the network.
  public var expandMoves = 0
  /// Bits that changed behind each stage of all compress networks, on the way in.
  public var toggles: [StageToggles] = []

  /// Nothing.
  public init() {}

  /// Bits that changed behind all stages.
  public var toggledBits: StageToggles { toggles.reduce(StageToggles(), +) }
}
