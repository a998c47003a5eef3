// SPDX-License-Identifier: Apache-2.0
extension EnergyTable {
  /// Tables that come with the model.
  public enum Choice: String, CaseIterable, Codable, Sendable {
    /// Arithmetic as published, scaled to 28 nm; unpublished constants are assumed.
    case published
    /// The units of our RTL as synthesised; the rest as published.
    case synthesised

    /// The table.
    public var table: EnergyTable {
      switch self {
      case .published: .standard
      case .synthesised: .synthesised
      }
    }
  }

  /// The published table with the results of our RTL's synthesis in place of its values: BF16
  /// arithmetic, registers, the compress network, the controller.
  ///
  /// Values are those of the reading in `docs/results/processor/synthesis.json`: mapped to a foundry's
  /// 130 nm at 1.2 V, placed with the wires that follow, carried to 28 nm and 1.0 V. Energies are of
  /// settled activity: no glitches, and no buffers of the clock.
  public static let synthesised: EnergyTable = {
    var table = standard
    for reading in readings {
      let isArea = reading.unit == .squareMicrometres
      table[reading.name] = Constant(
        reading.value, reading.unit, .synthesised, volts: isArea ? nil : 1.0,
        "\(reading.what); \(isArea ? carriedArea : carriedEnergy)")
    }
    return table
  }()

  private static let carriedEnergy =
    "RTL mapped to SG13G2 (130 nm, 1.2 V) and placed, settled activity of a ResNet-18's operands, x 0.0902, the "
    + "energy fit of Stillmaker and Baas 2017 to 28 nm 1.0 V"
  private static let carriedArea =
    "RTL mapped to SG13G2 (130 nm), x 0.059, the area scaling of Stillmaker and Baas 2017 to 28 nm"

  private struct Reading {
    let name: Name
    let value: Double
    let unit: Unit
    let what: String

    init(_ name: Name, _ value: Double, unit: Unit = .picojoules, _ what: String) {
      self.name = name
      self.value = value
      self.unit = unit
      self.what = what
    }
  }

  private static let readings = [
    Reading(
      .multiplyBF16, 0.3252,
      "gates of a multiply-accumulate whose operands are not zero, the multiplier's share"),
    Reading(
      .addFP32, 0.5927,
      "gates of a multiply-accumulate whose operands are not zero, the adder's share (two stages)"),
    Reading(
      .multiplyGated, 0.07349,
      "gates of a multiply-accumulate with a zero operand among others, whose adder still sees the "
        + "partial sum that it added to last"),
    Reading(
      .registerBitWrite, 0.001347, "data side of a multiply-accumulate's flip-flop, on average"),
    Reading(.registerBitClock, 0.002925, "clock pin of a multiply-accumulate's flip-flop"),
    Reading(
      .networkMovedBit, 0.006989,
      "data path of the compress network at 16 lanes, what isolation does not explain, for each move"
    ),
    Reading(
      .networkIsolatedBit, 0.0002025,
      "data path of the compress network when nothing is needed of what moves, for each stage"),
    Reading(
      .routeBit, 0.005922,
      "the compress network's settings and their registers, for a lane and stage"),
    Reading(
      .maskScanBit, 0.08115,
      "a scan unit's cycle over the mask bits that are through in it; a word takes three cycles, for "
        + "it fills several windows"),
    Reading(.areaMultiplyBF16, 551.1, unit: .squareMicrometres, "the multiplier"),
    Reading(
      .areaAddFP32, 881.9, unit: .squareMicrometres,
      "an adder of two stages without its registers"),
    Reading(.areaRegisterBit, 2.893, unit: .squareMicrometres, "a flip-flop with reset"),
    Reading(
      .areaMultiplexer, 2.683, unit: .squareMicrometres,
      "data path of the compress network at 16 lanes, both directions and isolation, over the 49 "
        + "multiplexers of a bit"),
    Reading(
      .areaController, 33690, unit: .squareMicrometres,
      "the controller with its scan unit and window filter, placed, without the mask memory"),
  ]
}
