// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor

@Suite struct VoltageTests {
  @Test("energy follows CV², leakage V · exp(DV), and both are themselves at their own volts")
  func scales() {
    #expect(abs(dynamicScale(from: 1.0, to: 0.56) - 0.3136) < 1e-12)
    #expect(dynamicScale(from: 0.9, to: 0.9) == 1)
    #expect(leakageScale(from: 0.6, to: 0.6, exponent: 2) == 1)
    #expect(abs(leakageScale(from: 1, to: 0.5, exponent: 2) - 0.5 * exp(-1)) < 1e-12)
  }

  @Test("the clock follows the alpha-power law through its nominal point")
  func clock() {
    var supply = HardwareDescription.swpu.supply
    supply.nominalMegahertz = 100
    supply.nominalVolts = 1
    supply.thresholdVolts = 0.4
    supply.alpha = 2
    supply.volts = 0.7
    // (0.3² / 0.7) / (0.6² / 1) = 0.25 / 0.7
    #expect(abs(supply.hertz - 100e6 * 0.25 / 0.7) < 1e-3)
    supply.alpha = 1.5
    #expect(abs(supply.hertz - 100e6 * (0.125).squareRoot() / 0.7) < 1e-3)
    supply.volts = 1
    #expect(abs(supply.hertz - 100e6) < 1e-3)
  }

  @Test("memories keep their own minimum")
  func memories() {
    var supply = HardwareDescription.swpu.supply
    supply.volts = 0.56
    #expect(supply.memoryVolts == 0.7)
    supply.volts = 0.9
    #expect(supply.memoryVolts == 0.9)
  }
}
