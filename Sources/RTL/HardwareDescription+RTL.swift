// SPDX-License-Identifier: Apache-2.0
import Processor

extension HardwareDescription {
  /// The machine with what the RTL has: its controller scans masks and has no list of lines, and its rows
  /// have one bank of sums and write FP32.
  var asInRTL: HardwareDescription {
    var built = self
    built.techniques.reorderLines = .none
    built.array.sumBanks = 1
    built.array.results = .fp32
    return built
  }
}
