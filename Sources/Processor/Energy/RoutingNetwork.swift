// SPDX-License-Identifier: Apache-2.0
/// How operands come from a window to the multipliers of a row: what a switch of a network costs is
/// the same for all, so that machines differ by how many they have and toggle.
public enum RoutingNetwork: Hashable, Sendable {
  /// Rows step through the window; nothing moves.
  case none
  /// log2(E) stages with spatial disconnect: only switches that move a vector toggle.
  case logShifter
  /// A Benes network over the window, 2·log2(E) - 1 stages, all of which a vector crosses.
  case benes
  /// A crossbar of the window: an E:1 multiplexer for each place.
  case crossbar
  /// One multiplexer of so many inputs for each slot.
  case multiplexer(inputs: Int)

  /// 2:1 multiplexers of a row for each bit of its lanes.
  public func multiplexers(_ array: HardwareDescription.Array) -> Int {
    let entries = array.window
    let stages = array.networkStages
    return switch self {
    case .none: 0
    // Stage k moves by 2^k, so that the last 2^k places have nothing to choose from.
    case .logShifter: (0..<stages).reduce(0) { $0 + entries - 1 << $1 }
    case .benes: entries * (2 * stages - 1)
    case .crossbar: entries * (entries - 1)
    case .multiplexer(let inputs): array.slots * (inputs - 1)
    }
  }

  /// 2:1 multiplexers that toggle for each bit of a vector that a row takes; nil where that is counted
  /// as moves.
  public func togglesPerTakenBit(_ array: HardwareDescription.Array) -> Int? {
    switch self {
    case .logShifter: nil
    case .none: 0
    case .benes: 2 * array.networkStages - 1
    // Nothing isolates the multiplexers of a tree that are not selected.
    case .crossbar: array.window - 1
    case .multiplexer(let inputs): inputs - 1
    }
  }
}

extension HardwareDescription {
  /// The network of the machine.
  public var routingNetwork: RoutingNetwork {
    switch machine {
    case .swpu: techniques.compress ? .logShifter : .none
    case .unstructured, .twoSided: .benes
    case .lookahead: .multiplexer(inputs: 8)
    case .ideal, .dense, .structured, .activationOnly: .none
    }
  }
}

extension HardwareDescription.Array {
  /// Stages of a log shifter over a window.
  var networkStages: Int { window.trailingZeroBitCount }
  /// Bits of an operand vector.
  var vectorBits: Int { lanes * operands.bits }
  /// Bits of registers that a multiplier clocks in a cycle: two operands, their product, the stages of
  /// the adder (two aligned summands each) and the sum that is written.
  var clockedBitsPerMultiplier: Int {
    4 * operands.bits + (adderStages - 1) * 2 * sumBits + sumBits
  }
  /// Bits of a row's sums: A for each lane and slot, or in the weight-gradient pass for each entry.
  var sumBitsPerRow: Int { adderStages * max(lanes * slots, window) * sumBits }
  /// Bits of a row's further banks: sums, and what brings them back to their places, the settings of the
  /// network and the mask of a window.
  var furtherBankBitsPerRow: Int {
    (sumBanks - 1) * (sumBitsPerRow + window * networkStages + window)
  }
  /// Bits of a row's weights: two windows.
  var weightBitsPerRow: Int { 2 * window * operands.bits }
  /// Bits of FP32, in which sums and results are held.
  var sumBits: Int { 32 }
  /// Bits of a core's window buffer.
  var windowBufferBits: Int { windowsInFlight * window * vectorBits }
}
