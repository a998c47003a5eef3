// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Masks
import Processor
import Report
import Studies

struct PaperCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "paper",
    abstract: "Hold the claims of the SWPU paper's abstract against this model.",
    discussion: """
      Each claim with the figure here, its definition, and why it differs. Nothing is fitted to a claim.

      Examples:
        swpu paper                      ResNet-18 with drawn masks
        swpu paper runs/resnet18        with the masks of a real training
        swpu paper --energy-table synthesised   and what changed against published constants
      """)

  @OptionGroup(title: "What to simulate") var options: WorkloadOptions
  @OptionGroup(title: "On what") var machine: MachineOptions

  @Option(help: ArgumentHelp("Supply of the peak figure.", valueName: "volts"))
  var lowestVoltage = 0.56

  @Flag(help: "Print one JSON document on standard output.")
  var json = false

  private struct Document: Encodable {
    let claims: [PaperClaims.Claim]
    let surface: EfficiencySurface
    /// The same with published constants, where others were asked for.
    let published: [PaperClaims.Claim]?
  }

  func run() throws {
    let hardware = try machine.description()
    let table = try machine.table()
    let workload = try options.workload()
    let (claims, surface) = try claims(hardware, workload, table)
    let published =
      table == .standard ? nil : try self.claims(hardware, workload, .standard).claims
    if json {
      return try printJSON(
        Document(claims: claims.claims, surface: surface, published: published?.claims))
    }
    print(ClaimsText(claims, surface).text)
    if let published {
      print("\n" + TableChangeText(table, claims: claims, published: published).text)
    }
  }

  private func claims(
    _ hardware: HardwareDescription, _ workload: Workload, _ table: EnergyTable
  ) throws -> (claims: PaperClaims, surface: EfficiencySurface) {
    var comparison = Comparison()
    for candidate in Comparison.machines(hardware) {
      try comparison.add(candidate, workload, table: table)
    }
    try comparison.addUnpruned(like: hardware, workload, table: table)
    let surface = try EfficiencySurface(
      hardware, network: workload.network, volts: lowestVoltage, table: table)
    let claims = PaperClaims(
      hardware: hardware, comparison: comparison, surface: surface,
      workload: "\(workload.name), \(workload.batch) images")
    return (claims, surface)
  }
}
