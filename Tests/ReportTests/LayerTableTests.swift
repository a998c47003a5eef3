// SPDX-License-Identifier: Apache-2.0
import Foundation
import Masks
import Processor
import Pruning
import Tensor
import Testing

@testable import Report

@Suite struct LayerTableTests {
  @Test("a table has a line for each pass, and its columns add up to the step")
  func sums() throws {
    let map = MapShape(channels: 8, height: 8, width: 8)
    let geometry = try #require(
      ConvolutionGeometry(
        input: map, filters: 8, rows: 3, columns: 3, paddingRows: 1, paddingColumns: 1))
    let network = NetworkDescription(
      name: "two", batch: 2,
      convolutions: ["first", "a \"b\", c"].map {
        NetworkDescription.Convolution(
          name: $0, geometry: geometry, needsInputGradient: $0 != "first", prunable: true)
      },
      vectorLayers: [
        NetworkDescription.VectorLayer(
          name: "bn", kind: .batchNorm, inputElements: map.count, outputElements: map.count)
      ])
    let workload = Workload(
      network, pruning: PruningConfiguration(granularity: .line, sparsity: 0.5), seed: 1)
    let result = try Simulator(.small).step(workload)
    let csv = LayerTable(result).csv
    #expect(csv.contains("\n\"a \"\"b\"\", c\",forward,"))
    let lines = csv.replacingOccurrences(of: "\"a \"\"b\"\", c\"", with: "second")
      .split(separator: "\n").map {
        $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      }
    let header = try #require(lines.first)
    #expect(header.starts(with: ["layer", "pass", "cycles", "seconds", "utilization"]))
    #expect(Set(header).count == header.count)
    #expect(lines.allSatisfy { $0.count == header.count })
    // Five passes (the images need no gradient) and five kinds of vector work.
    #expect(lines.count == 1 + 5 + 5)
    func sum(_ column: String) throws -> Double {
      let place = try #require(header.firstIndex(of: column))
      return lines.dropFirst().reduce(0) { $0 + (Double($1[place]) ?? 0) }
    }
    let totals = result.totals
    #expect(try sum("cycles") == Double(totals.cycles))
    #expect(try sum("effectual_macs") == Double(totals.effectualMACs))
    let energy = totals.energyPicojoules.total
    #expect(try abs(sum("energy_picojoules") - energy) < 1e-9 * energy)
    let units = header.filter { $0.hasPrefix("energy_") && $0 != "energy_picojoules" }
    #expect(try abs(units.reduce(0) { try $0 + sum($1) } - energy) < 1e-9 * energy)
    let traffic = header.filter { $0.hasPrefix("dram_") && $0.contains("_read_") }
    let passes = lines.dropFirst().prefix(5).map { line in
      (traffic + ["dram_result_write_bytes"]).reduce(0.0) { sum, name in
        sum + (header.firstIndex(of: name).flatMap { Double(line[$0]) } ?? 0)
      }
    }
    #expect(passes == result.layers.map { Double($0.traffic.total) / 8 })
  }
}
