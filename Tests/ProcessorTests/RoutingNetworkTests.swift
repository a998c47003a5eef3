// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Processor

@Suite struct RoutingNetworkTests {
  @Test("multiplexers for each data bit are those of the literature")
  func counts() {
    // Entries, log shifter, Benes, crossbar.
    for (entries, shifter, benes, crossbar) in [
      (8, 17, 40, 56), (16, 49, 112, 240), (32, 129, 288, 992), (64, 321, 704, 4032),
    ] {
      var array = HardwareDescription.swpu.array
      array.window = entries
      #expect(RoutingNetwork.logShifter.multiplexers(array) == shifter)
      #expect(RoutingNetwork.benes.multiplexers(array) == benes)
      #expect(RoutingNetwork.crossbar.multiplexers(array) == crossbar)
      #expect(RoutingNetwork.none.multiplexers(array) == 0)
    }
  }

  @Test("machines have the networks of their kind")
  func machines() {
    #expect(HardwareDescription.swpu.routingNetwork == .logShifter)
    #expect(HardwareDescription.baseline(.dense).routingNetwork == .none)
    #expect(HardwareDescription.baseline(.unstructured).routingNetwork == .benes)
    var off = HardwareDescription.swpu
    off.techniques.compress = false
    #expect(off.routingNetwork == .none)
  }
}
