extension EnergyTable {
  /// Tables that come with the model.
  public enum Choice: String, CaseIterable, Codable, Sendable {
    /// Arithmetic as published, scaled to 28 nm; what nobody has published assumed.
    case published
    /// Our RTL's units, synthesised, where there are any; the rest as published.
    case synthesised

    /// The table.
    public var table: EnergyTable {
      switch self {
      case .published: .standard
      case .synthesised: .synthesised
      }
    }
  }

  /// The published table with what the synthesis of our RTL says in its place: BF16 arithmetic,
  /// registers, the network, the scan, the reorder unit.
  ///
  /// Values are those of the reading in `docs/results/processor/synthesis.json`: mapped to a foundry's
  /// 130 nm at 1.2 V, carried to 28 nm and 1.0 V. Energies are of settled activity: no glitches, wires
  /// or clock tree.
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
    "RTL mapped to SG13G2 (130 nm, 1.2 V), settled activity of a ResNet-18's operands, x 0.0902, the "
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
      .multiplyBF16, 0.3,
      "gates of a multiply-accumulate whose operands are not zero, the multiplier's share"),
    Reading(
      .addFP32, 0.5,
      "gates of a multiply-accumulate whose operands are not zero, the adder's share (two stages)"),
    Reading(
      .multiplyGated, 0.02,
      "a multiply-accumulate with a zero operand while the other moves, clock apart"),
    Reading(
      .registerBitWrite, 0.001,
      "data side of a flip-flop of the multiply-accumulate, by its mean activity"),
    Reading(.registerBitClock, 0.002, "clock pin of a flip-flop of the multiply-accumulate"),
    Reading(
      .networkMovedBit, 0.001,
      "data path of the compress network at 16 lanes, what isolation does not explain, for each move"
    ),
    Reading(
      .networkIsolatedBit, 0.0001,
      "data path of the compress network when nothing is needed of what moves, for each stage"),
    Reading(
      .routeBit, 0.001,
      "the compress network's settings and their registers, for a lane and stage"),
    Reading(
      .maskScanBit, 0.001,
      "the scan unit on masks of the same training, for a bit of its words"),
    Reading(
      .reorderBit, 0.001,
      "the reorder unit without the memories of its rows, for a bit of the word that it takes a cycle"
    ),
    Reading(.areaMultiplyBF16, 500, unit: .squareMicrometres, "the multiplier"),
    Reading(
      .areaAddFP32, 500, unit: .squareMicrometres, "an adder of two stages without its registers"),
    Reading(.areaRegisterBit, 2.9, unit: .squareMicrometres, "a flip-flop with reset"),
    Reading(
      .areaMultiplexer, 1, unit: .squareMicrometres,
      "data path of the compress network at 16 lanes, both directions and isolation, over the 49 "
        + "multiplexers of a bit"),
    Reading(
      .areaController, 20000, unit: .squareMicrometres,
      "the scan unit; a core's sequencers come on top"),
    Reading(
      .areaReorder, 20000, unit: .squareMicrometres,
      "the reorder unit of 512 rows with its memories as flip-flops, from 16 and 32 rows"),
  ]
}
