// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor

@Suite struct SRAMTableTests {
  private let table = SRAMTable.standard

  @Test("points of the grid are themselves")
  func points() {
    for point in table.points {
      let found = table.memory(bytes: Double(point.bytes), widthBits: point.widthBits)
      #expect(abs(found.readPicojoules / point.readPicojoules - 1) < 1e-12)
      #expect(abs(found.writePicojoules / point.writePicojoules - 1) < 1e-12)
      #expect(abs(found.leakageMilliwatts / point.leakageMilliwatts - 1) < 1e-12)
      #expect(abs(found.squareMillimetres / point.squareMillimetres - 1) < 1e-12)
    }
  }

  @Test("between points a value lies between theirs")
  func between() {
    let low = table.memory(bytes: 16384, widthBits: 128).readPicojoules
    let high = table.memory(bytes: 32768, widthBits: 128).readPicojoules
    let middle = table.memory(bytes: 24000, widthBits: 128).readPicojoules
    #expect(low < middle && middle < high)
    let wide = table.memory(bytes: 16384, widthBits: 256).readPicojoules
    let odd = table.memory(bytes: 16384, widthBits: 192).readPicojoules
    #expect(low < odd && odd < wide)
  }

  @Test("between two sizes a value grows as a power of the size")
  func powers() {
    let low = table.memory(bytes: 16384, widthBits: 128)
    let high = table.memory(bytes: 32768, widthBits: 128)
    for part in [0.25, 0.5, 0.9] {
      let found = table.memory(bytes: 16384 * exp2(part), widthBits: 128)
      let expected = low.readPicojoules * pow(high.readPicojoules / low.readPicojoules, part)
      #expect(abs(found.readPicojoules / expected - 1) < 1e-12, "\(part)")
    }
  }

  @Test("beyond the grid memories are put together or shared")
  func beyond() {
    let largest = table.memory(bytes: 262_144, widthBits: 256)
    let two = table.memory(bytes: 524_288, widthBits: 256)
    #expect(two.readPicojoules == largest.readPicojoules)
    #expect(two.squareMillimetres == 2 * largest.squareMillimetres)
    #expect(two.leakageMilliwatts == 2 * largest.leakageMilliwatts)
    let half = table.memory(bytes: 65_536, widthBits: 512)
    let wide = table.memory(bytes: 131_072, widthBits: 1024)
    #expect(wide.readPicojoules == 2 * half.readPicojoules)
    #expect(wide.leakageMilliwatts == 2 * half.leakageMilliwatts)
    let least = table.memory(bytes: 4096, widthBits: 64)
    let small = table.memory(bytes: 1024, widthBits: 16)
    #expect(small.readPicojoules == least.readPicojoules)
    #expect(small.squareMillimetres == least.squareMillimetres / 4)
  }
}
