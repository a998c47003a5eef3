// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import Processor
@testable import RTL

@Suite struct PackageRTLTests {
  @Test("the package has the sizes of the preset")
  func sizes() throws {
    let text = try String(
      contentsOf: Bench.hardware.appendingPathComponent("src/hardware/swpu_pkg.sv"), encoding: .utf8
    )
    #expect(text == (try HardwareDescription.swpu.rtlPackage()))
  }

  @Test("what the RTL cannot be is refused")
  func refused() {
    var hardware = HardwareDescription.small
    hardware.array.lanes = 6
    #expect(throws: RTLError("lanes is 6; the RTL takes powers of two")) {
      try hardware.rtlPackage()
    }
    #expect(throws: RTLError.self) { try HardwareDescription.baseline(.dense).rtlPackage() }
  }

  @Test("the largest sizes and the pipeline are those of the model")
  func limits() throws {
    let text = try String(
      contentsOf: Bench.hardware.appendingPathComponent("src/hardware/swpu_types_pkg.sv"),
      encoding: .utf8)
    for (name, value) in [
      ("RowWords", PassVectors.rowWords), ("KernelSize", PassVectors.kernelSize),
      ("PositionBits", PassVectors.positionBits), ("TakeToAdd", CorePipeline.takeToAdd),
      ("LayerRows", TopVectors.layerRows), ("RowWeights", TopVectors.rowWeights),
      ("StrideBits", (TopVectors.largestStride + 1).trailingZeroBitCount),
      ("JobsPerCore", PassSchedule.itemsPerCore),
    ] {
      #expect(text.contains("parameter int unsigned \(name) = \(value);"), "\(name)")
    }
  }

  @Test("every source and every bench is listed")
  func lists() throws {
    func sources(_ folder: String) throws -> Set<String> {
      let paths = try FileManager.default.subpathsOfDirectory(
        atPath: Bench.hardware.appendingPathComponent(folder).path)
      return Set(paths.filter { $0.hasSuffix(".sv") }.map { "\(folder)/\($0)" })
    }
    let listed = try String(
      contentsOf: Bench.hardware.appendingPathComponent("swpu.f"), encoding: .utf8)
    #expect(
      Set(listed.split(separator: "\n").map(String.init))
        == (try sources("src").union(try sources("baselines"))))
  }
}
