import Foundation
import Testing

@testable import Processor

@Suite struct PackageRTLTests {
  @Test("the package has the sizes of the preset")
  func sizes() throws {
    let text = try String(
      contentsOf: Bench.hardware.appendingPathComponent("src/swpu_pkg.sv"), encoding: .utf8)
    let array = HardwareDescription.swpu.array
    for (name, value) in [
      ("Rows", array.rows), ("Lanes", array.lanes), ("Slots", array.slots),
      ("Window", array.window), ("WindowsInFlight", array.windowsInFlight),
      ("AdderStages", array.adderStages),
    ] {
      #expect(text.contains("parameter int unsigned \(name) = \(value);"), "\(name)")
    }
  }

  @Test("every source and every bench is listed")
  func lists() throws {
    let files = FileManager.default
    func names(_ folder: String) throws -> Set<String> {
      Set(
        try files.contentsOfDirectory(
          atPath: Bench.hardware.appendingPathComponent(folder).path
        ).map { "\(folder)/\($0)" })
    }
    let listed = try String(
      contentsOf: Bench.hardware.appendingPathComponent("swpu.f"), encoding: .utf8)
    let sources = try names("src").union(try names("baselines"))
    #expect(Set(listed.split(separator: "\n").map(String.init)) == sources)
  }
}
