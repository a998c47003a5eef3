// SPDX-License-Identifier: Apache-2.0
/// Networks that can pack needed operands to the front, for comparison by their components.
///
/// Sizes are for E lanes, a power of two, of one data bit each; an operand vector multiplies the
/// multiplexers by its bits, but not the control bits.
public enum NetworkCost: String, Sendable, CaseIterable {
  /// Ours: stage k has a multiplexer for each lane that a lane 2^k above it can move to.
  case logShifter = "log-shifter"
  /// log2(E) stages of E/2 switches of two multiplexers.
  case butterfly
  /// 2·log2(E) - 1 such stages: any permutation, by a global computation of its switches.
  case benes
  /// Output i selects from the lanes i and above, all that packing needs.
  case triangularCrossbar = "triangular-crossbar"
  /// Each output selects from every lane.
  case crossbar

  /// 2:1 multiplexers for each data bit; a selection from n is n - 1 of them.
  public func multiplexers(lanes: Int) -> Int {
    let stages = Self.stages(lanes)
    switch self {
    case .logShifter: return lanes * stages - (lanes - 1)
    case .butterfly: return lanes * stages
    case .benes: return lanes * max(0, 2 * stages - 1)
    case .triangularCrossbar: return lanes * (lanes - 1) / 2
    case .crossbar: return lanes * (lanes - 1)
    }
  }

  /// 2:1 multiplexers that a data bit passes one after the other at most.
  public func depth(lanes: Int) -> Int {
    let stages = Self.stages(lanes)
    return self == .benes ? max(0, 2 * stages - 1) : stages
  }

  /// Bits that set the switches for one window: one for each lane's multiplexer of a log shifter, one
  /// for each switch of two, and the number of the selected lane at each output of a crossbar.
  public func controlBits(lanes: Int) -> Int {
    switch self {
    case .logShifter: return multiplexers(lanes: lanes)
    case .butterfly, .benes: return multiplexers(lanes: lanes) / 2
    case .triangularCrossbar:
      return (0..<lanes).reduce(0) { $0 + Self.stages(lanes - $1) }
    case .crossbar: return lanes * Self.stages(lanes)
    }
  }

  /// 2:1 multiplexers of each data bit that see new data when one window is packed.
  ///
  /// The assumption: without disconnection a new vector is at every lane of a new window, needed
  /// or not, and reaches every multiplexer of the network. The log shifter with its disconnection
  /// switches only those that move a vector: `CompressNetwork.Settings.moves`.
  public func switchedMultiplexers(
    lanes: Int, disconnecting settings: CompressNetwork.Settings? = nil
  ) -> Int {
    if self == .logShifter, let settings { return settings.moves }
    return multiplexers(lanes: lanes)
  }

  /// Bits that number `lanes` lanes.
  private static func stages(_ lanes: Int) -> Int {
    precondition(lanes > 0, "a network of \(lanes) lanes")
    return Int.bitWidth - (lanes - 1).leadingZeroBitCount
  }
}
