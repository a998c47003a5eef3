// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Processor

@Suite struct NetworkCostTests {
  /// Published sizes for 16 lanes.
  @Test func sixteenLanes() {
    let sizes: [(NetworkCost, multiplexers: Int, depth: Int, control: Int)] = [
      (.logShifter, 49, 4, 49), (.butterfly, 64, 4, 32), (.benes, 112, 7, 56),
      (.triangularCrossbar, 120, 4, 49), (.crossbar, 240, 4, 64),
    ]
    for (network, multiplexers, depth, control) in sizes {
      #expect(network.multiplexers(lanes: 16) == multiplexers, "\(network)")
      #expect(network.depth(lanes: 16) == depth, "\(network)")
      #expect(network.controlBits(lanes: 16) == control, "\(network)")
      #expect(network.multiplexers(lanes: 1) == 0, "\(network)")
    }
  }

  /// The log shifter counted multiplexer by multiplexer: a lane has one in stage k if some mask moves
  /// a vector into it there.
  @Test("multiplexers that some mask needs", arguments: [2, 4, 8, 16])
  func logShifter(lanes: Int) {
    let network = CompressNetwork(lanes: lanes)
    var used = [UInt64](repeating: 0, count: network.stages)
    for mask in 0..<UInt64(1) << UInt64(lanes) {
      for (stage, moving) in network.settings(needed: mask).moving.enumerated() {
        used[stage] |= moving >> (1 << UInt64(stage))
      }
    }
    let found = used.reduce(0) { $0 + $1.nonzeroBitCount }
    #expect(NetworkCost.logShifter.multiplexers(lanes: lanes) == found)
  }

  @Test func onlyTheLogShifterDisconnects() {
    let network = CompressNetwork(lanes: 16)
    let settings = network.settings(needed: 0b1001_0000_0000_0001)
    #expect(NetworkCost.logShifter.switchedMultiplexers(lanes: 16) == 49)
    let moves = NetworkCost.logShifter.switchedMultiplexers(lanes: 16, disconnecting: settings)
    #expect(moves == settings.moves)
    #expect(
      NetworkCost.benes.switchedMultiplexers(lanes: 16, disconnecting: settings) == 112)
  }
}
