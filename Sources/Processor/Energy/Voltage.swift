// SPDX-License-Identifier: Apache-2.0
import Foundation

/// How the energy of an event changes from one supply to another: that of a capacitance, CV².
func dynamicScale(from held: Double, to volts: Double) -> Double {
  let ratio = volts / held
  return ratio * ratio
}

/// How leakage power changes from one supply to another: `P = V · I0 · exp(D · V)`, the exponent
/// being drain-induced barrier lowering over the subthreshold slope.
func leakageScale(from held: Double, to volts: Double, exponent: Double) -> Double {
  volts / held * exp(exponent * (volts - held))
}

extension HardwareDescription.Supply {
  /// Volts of the memories: those of the logic, but never less than their minimum.
  public var memoryVolts: Double { max(volts, memoryMinimumVolts) }
}
