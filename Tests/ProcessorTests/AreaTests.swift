// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor

@Suite struct AreaTests {
  @Test("parts sum to the total exactly, also through JSON")
  func sums() throws {
    for hardware in HardwareDescription.presets {
      let area = AreaBreakdown(hardware)
      #expect(AreaUnit.allCases.reduce(0) { $0 + area[$1] } == area.total)
      #expect(AreaUnit.allCases.allSatisfy { area[$0] >= 0 })
      let data = try JSONEncoder().encode(area)
      #expect(try JSONDecoder().decode(AreaBreakdown.self, from: data) == area)
      let object = try JSONDecoder().decode([String: Double].self, from: data)
      #expect(object.count == AreaUnit.allCases.count + 1)
      #expect(object["total"] == area.total)
    }
  }

  @Test("area follows the sizes that make it")
  func sizes() {
    let area = AreaBreakdown(.swpu)
    var larger = HardwareDescription.swpu
    larger.array.cores *= 2
    #expect(AreaBreakdown(larger)[.multiply] == 2 * area[.multiply])
    #expect(AreaBreakdown(larger)[.windowBuffer] == 2 * area[.windowBuffer])
    larger = .swpu
    larger.memory.activationKibibytes *= 2
    #expect(AreaBreakdown(larger)[.activationMemory] > area[.activationMemory])
    #expect(AreaBreakdown(larger)[.weightMemory] == area[.weightMemory])
    let benes = AreaBreakdown(.swpu, network: .benes)
    #expect(abs(benes[.network] / area[.network] - 112.0 / 49) < 1e-12)
    #expect(AreaBreakdown(.swpu, network: RoutingNetwork.none)[.network] == 0)
  }

  @Test("a thousand multipliers at 28 nm take a few square millimetres")
  func plausible() {
    #expect((2...15).contains(AreaBreakdown(.swpu).total))
  }
}
