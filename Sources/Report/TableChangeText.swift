// SPDX-License-Identifier: Apache-2.0
import Foundation
import Processor
import Studies

/// What another table of constants changes: the constants themselves, and the claims that depend on
/// them.
public struct TableChangeText {
  private let table: EnergyTable
  private let claims: PaperClaims
  private let published: PaperClaims

  /// The text of a table and its claims against those of the published one.
  public init(_ table: EnergyTable, claims: PaperClaims, published: PaperClaims) {
    self.table = table
    self.claims = claims
    self.published = published
  }

  /// Constants that differ, then claims that do.
  public var text: String {
    var constants = TextTable(["constant", "unit", "published table", "kind", "here", "kind"])
    for name in EnergyTable.Name.allCases where table[name] != EnergyTable.standard[name] {
      let (from, to) = (EnergyTable.standard[name], table[name])
      constants.add([
        name.rawValue, to.volts == nil ? to.unit.rawValue : "\(to.unit.rawValue) at 1.0 V",
        figure(name, .standard), from.kind.rawValue, figure(name, table), to.kind.rawValue,
      ])
    }
    var figures = TextTable(["claim", "paper", "published constants", "these constants"])
    for (before, after) in zip(published.claims, claims.claims) where before.ours != after.ours {
      figures.add([after.claim, after.paper, before.ours, after.ours])
    }
    return "The constants that these replace, logic at 1.0 V:\n\(constants.text)\n\n"
      + "What changes (all modelled):\n\(figures.text)"
  }

  /// A constant at 1.0 V, so that tables for different supplies compare.
  private func figure(_ name: EnergyTable.Name, _ table: EnergyTable) -> String {
    let constant = table[name]
    let ratio = 1 / (constant.volts ?? 1)
    return String(format: "%.4g", constant.value * ratio * ratio)
  }
}
