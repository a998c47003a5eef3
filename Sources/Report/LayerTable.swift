// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Processor

/// The passes of a simulated step as a CSV file: a line for each layer and pass, then one for each
/// kind of work of the vector unit. Units are in the names of columns; what a line does not have is
/// empty. Sums over lines are those of the step.
public struct LayerTable {
  private let result: StepResult

  /// The table of a step.
  public init(_ result: StepResult) { self.result = result }

  private struct Column: Sendable {
    let name: String
    let ofPass: @Sendable (PassResult) -> String
    var ofVector: @Sendable (VectorResult) -> String = { _ in "" }
  }

  private static func count(_ name: String, _ value: @escaping @Sendable (PassResult) -> Int)
    -> Column
  {
    Column(name: name, ofPass: { "\(value($0))" })
  }

  private static func bytes(_ name: String, _ bits: @escaping @Sendable (MemoryTraffic) -> Int)
    -> Column
  {
    Column(name: name, ofPass: { "\(Double(bits($0.traffic)) / 8)" })
  }

  private static let columns: [Column] =
    [
      Column(name: "layer", ofPass: { csvCell($0.layer) }, ofVector: { csvCell($0.name) }),
      Column(name: "pass", ofPass: { $0.pass.rawValue }, ofVector: { _ in "vector" }),
      Column(name: "cycles", ofPass: { "\($0.cycles)" }, ofVector: { "\($0.cycles)" }),
      Column(name: "seconds", ofPass: { "\($0.seconds)" }, ofVector: { "\($0.seconds)" }),
      Column(name: "utilization", ofPass: { "\($0.utilization)" }),
      count("array_cycles") { $0.arrayCycles },
      count("dram_wait_cycles") { $0.dramWaitCycles },
      count("dram_fill_cycles") { $0.dramFillCycles },
      count("effectual_macs") { $0.effectualMACs },
      count("dense_macs") { $0.denseMACs },
      count("executed_macs") { $0.activity.executedMACs },
      count("stored_weights") { $0.storedWeights },
      count("activation_sram_reads") { $0.activity.sourceAccesses },
      count("gradient_sram_reads") { $0.activity.gradientAccesses },
      count("weight_sram_reads") { $0.activity.weightsRead },
      count("output_sram_writes") { $0.activity.resultsWritten },
      count("mask_sram_bits") { $0.activity.maskBits },
      count("stream_wait_cycles") { $0.streamWaitCycles },
      count("windows") { $0.activity.windows },
      count("operand_vectors_loaded") { $0.activity.vectorsLoaded },
      count("operand_vectors_taken") { $0.activity.vectorsTaken },
      count("lines_read") { $0.activity.linesRead },
      count("lines_skipped") { $0.activity.linesSkipped },
      bytes("dram_source_read_bytes") { $0.sourceBits },
      bytes("dram_gradient_read_bytes") { $0.gradientBits },
      bytes("dram_weight_read_bytes") { $0.weightBits },
      bytes("dram_mask_read_bytes") { $0.maskBits },
      bytes("dram_result_write_bytes") { $0.resultBits },
      Column(
        name: "dram_bytes", ofPass: { "\(Double($0.traffic.total) / 8)" },
        ofVector: { "\($0.dramBytes)" }),
      Column(
        name: "energy_picojoules", ofPass: { "\($0.energyPicojoules.total)" },
        ofVector: { "\($0.energyPicojoules.total)" }),
    ]
    + EnergyUnit.allCases.map { unit in
      Column(
        name: "energy_\(unit.rawValue.replacingOccurrences(of: "-", with: "_"))_picojoules",
        ofPass: { "\($0.energyPicojoules[unit])" }, ofVector: { "\($0.energyPicojoules[unit])" })
    }

  /// The file.
  public var csv: String {
    let columns = Self.columns
    let lines =
      [columns.map(\.name)] + result.layers.map { pass in columns.map { $0.ofPass(pass) } }
      + result.vector.map { work in columns.map { $0.ofVector(work) } }
    return lines.map { $0.joined(separator: ",") + "\n" }.joined()
  }
}
