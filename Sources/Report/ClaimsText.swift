// SPDX-License-Identifier: Apache-2.0
import Foundation
import Processor
import Studies

/// The paper's claims beside this model's figures, for a terminal.
public struct ClaimsText {
  private let claims: PaperClaims
  private let surface: EfficiencySurface

  /// The text of claims and of the surface that their peak figure comes from.
  public init(_ claims: PaperClaims, _ surface: EfficiencySurface) {
    self.claims = claims
    self.surface = surface
  }

  /// A table of figures, what each means, and the surface.
  public var text: String {
    var table = TextTable(["claim", "paper", "here (modelled)"])
    for claim in claims.claims { table.add([claim.claim, claim.paper, claim.ours]) }
    let meanings = claims.claims.map { claim in
      "\(claim.claim)\n  \(claim.definition)\n  \(claim.reading)"
    }.joined(separator: "\n")
    return "\(table.text)\n\nDefinitions, and why the figures differ:\n\(meanings)\n\n\(grid)"
  }

  private var grid: String {
    let weights = unique(surface.points.map(\.weightSparsity))
    let activations = unique(surface.points.map(\.activationSparsity))
    var table = TextTable(
      ["activations zero"] + weights.map { String(format: "weights %.0f %%", 100 * $0) })
    for activation in activations {
      table.add(
        [String(format: "%.0f %%", 100 * activation)]
          + weights.map { String(format: "%.2f", surface[activation, $0] ?? 0) })
    }
    return String(
      format: "Dense-equivalent TFLOPS/W at %.2f V, core only, three passes, random masks:\n",
      surface.volts) + table.text
  }

  private func unique(_ values: [Double]) -> [Double] { Array(Set(values)).sorted() }
}

/// A whole training on the processor, for a terminal.
public struct RunSimulationText {
  private let simulation: RunSimulation

  /// The text of a training.
  public init(_ simulation: RunSimulation) { self.simulation = simulation }

  /// A row for each snapshot, then the sum.
  public var text: String {
    var table = TextTable([
      "masks of step", "steps", "weights kept", "cycles a step", "utilisation", "time a step",
      "energy a step",
    ])
    for moment in simulation.moments {
      table.add([
        "\(moment.step)", "\(moment.steps)", Amount.percent(moment.density),
        "\(moment.totals.cycles)", Amount.percent(moment.totals.utilization),
        Amount.seconds(moment.totals.seconds),
        Amount.joules(picojoules: moment.totals.energyPicojoules.total),
      ])
    }
    let totals = simulation.totals
    let energy = totals.energyPicojoules
    return """
      \(table.text)

      The whole training (modelled): \(Amount.seconds(totals.seconds)), \
      \(Amount.joules(picojoules: energy.total)), \
      \(Amount.joules(picojoules: energy.core)) of it on the chip; \
      utilisation \(Amount.percent(totals.utilization)).\(epoch)
      """
  }

  private var epoch: String {
    guard let epoch = simulation.epoch else { return "" }
    return "\nAn epoch with the last masks: \(Amount.seconds(epoch.seconds)), "
      + "\(Amount.joules(picojoules: epoch.energyPicojoules.total))."
  }
}
