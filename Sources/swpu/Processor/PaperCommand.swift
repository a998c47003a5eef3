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
    abstract: "Check the claims of the SWPU paper's abstract against this model.",
    discussion: """
      Prints for each claim the figure of this model, its definition and why it differs. No parameter is \
      fitted to a claim.

      Examples:
        swpu paper                     ResNet-18 with random masks
        swpu paper runs/resnet18       with the masks of a training run
        swpu paper --energy-table synthesised
        swpu paper --study ratio.json  with the accuracies of a study
      """)

  @OptionGroup(title: "Workload") var options: WorkloadOptions
  @OptionGroup(title: "Processor") var machine: MachineOptions

  @Option(help: ArgumentHelp("Supply voltage of the peak efficiency.", valueName: "volts"))
  var lowestVoltage = 0.56

  @Option(
    help: ArgumentHelp(
      "Accuracies of trainings at several sparsities, for the claim of the pruning ratio: a file of "
        + "Benchmarks/study/collect (default: none).",
      valueName: "file"))
  var study: String?

  @Flag(help: "Print JSON on standard output.")
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
    let study = try study.map { try RatioStudy(path: $0) }
    let workload = try options.workload()
    let (claims, surface) = try claims(hardware, workload, table, study)
    let published =
      table == .standard ? nil : try self.claims(hardware, workload, .standard, study).claims
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
    _ hardware: HardwareDescription, _ workload: Workload, _ table: EnergyTable,
    _ study: RatioStudy?
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
      workload: "\(workload.name), \(workload.batch) images", study: study)
    return (claims, surface)
  }
}
