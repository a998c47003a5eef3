// SPDX-License-Identifier: Apache-2.0
import ArgumentParser
import Foundation
import Processor
import Report

struct HardwareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware",
    abstract: "List the processors that can be simulated, or print one as YAML.",
    usage: "swpu hardware [<options>] [<name>]",
    discussion: """
      Examples:
        swpu hardware                      all presets and their derived figures
        swpu hardware swpu > mine.yaml     a description to change
        swpu simulate --hardware mine.yaml
        swpu hardware --energy             all energy and area constants, sourced
        swpu hardware --energy --energy-table synthesised
      """)

  @Argument(help: ArgumentHelp("Preset to print as YAML.", valueName: "name"))
  var name: String?

  @Flag(help: "Print the energy and area constants as YAML.")
  var energy = false

  @Option(help: ArgumentHelp("Energy and area constants.", valueName: "table"))
  var energyTable: EnergyTable.Choice = .published

  @Flag(help: "Print JSON on standard output.")
  var json = false

  private struct Row: Encodable {
    let name, machine: String
    let multipliers: Int
    let gigahertz, peakTeraflops: Double
    let sramKibibytes: Int
    let squareMillimetres: AreaBreakdown
  }

  func run() throws {
    if energy {
      print(energyTable.table.yaml, terminator: "")
      return
    }
    if let name {
      guard let preset = HardwareDescription.presets.first(where: { $0.name == name }) else {
        let names = HardwareDescription.presets.map(\.name).joined(separator: ", ")
        throw ValidationError("'\(name)' is none of the presets \(names)")
      }
      print(preset.yaml, terminator: "")
      return
    }
    let rows = HardwareDescription.presets.map { hardware in
      Row(
        name: hardware.name, machine: hardware.machine.rawValue,
        multipliers: hardware.array.multipliers, gigahertz: hardware.supply.hertz / 1e9,
        peakTeraflops: hardware.peakFlops / 1e12,
        sramKibibytes: hardware.memory.kibibytes,
        squareMillimetres: AreaBreakdown(hardware, table: energyTable.table))
    }
    if json { return try printJSON(rows) }
    var table = TextTable(["name", "multipliers", "clock", "peak", "SRAM", "area (modelled)"])
    for row in rows {
      table.add([
        row.name, "\(row.multipliers)", String(format: "%.0f MHz", row.gigahertz * 1e3),
        String(format: "%.3f TFLOP/s", row.peakTeraflops), "\(row.sramKibibytes) KiB",
        String(format: "%.2f mm²", row.squareMillimetres.total),
      ])
    }
    print(table.text)
  }
}

extension EnergyTable.Choice: ExpressibleByArgument {}
