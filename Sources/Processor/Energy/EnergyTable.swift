// SPDX-License-Identifier: Apache-2.0
/// Every energy and area by which the model multiplies counts, each with its source. Nothing else in
/// the model is a physical constant.
///
/// Values hold for 28 nm. Energies are those of one event at `volts`.
public struct EnergyTable: Hashable, Sendable {
  /// The kind of evidence for a constant.
  public enum Kind: String, Codable, Sendable, CaseIterable {
    /// Our RTL, synthesised, with activity from simulation.
    case synthesised
    /// The CACTI memory model.
    case cacti
    /// A published figure, scaled to 28 nm where the source says so.
    case published
    /// A choice of ours, argued for in its source.
    case assumed
  }

  /// Units of values.
  public enum Unit: String, Codable, Sendable, CaseIterable {
    /// Picojoules an event.
    case picojoules = "pJ"
    /// Picojoules for a bit that travels a millimetre.
    case picojoulesPerMillimetre = "pJ/mm"
    /// Milliwatts for a square millimetre.
    case milliwattsPerSquareMillimetre = "mW/mm2"
    /// Square micrometres.
    case squareMicrometres = "um2"
    /// Exponent of a supply voltage.
    case perVolt = "1/V"
    /// A factor.
    case ratio = "1"
  }

  /// A number and what it is.
  public struct Constant: Codable, Hashable, Sendable {
    /// In `unit`, at `volts`.
    public var value: Double
    /// Its unit.
    public var unit: Unit
    /// The evidence for it.
    public var kind: Kind
    /// Where it comes from, in words.
    public var source: String
    /// Volts that it holds at; nil for what does not depend on the supply.
    public var volts: Double?

    init(_ value: Double, _ unit: Unit, _ kind: Kind, volts: Double? = nil, _ source: String) {
      self.value = value
      self.unit = unit
      self.kind = kind
      self.volts = volts
      self.source = source
    }

    enum CodingKeys: String, CodingKey, CaseIterable { case value, unit, kind, source, volts }
  }

  /// Names of the constants, as in files.
  public enum Name: String, CodingKey, Codable, Sendable, CaseIterable {
    /// A BF16 product.
    case multiplyBF16 = "multiply-bf16"
    /// An FP16 product.
    case multiplyFP16 = "multiply-fp16"
    /// An FP8 product, 4 exponent bits.
    case multiplyFP8E4M3 = "multiply-fp8-e4m3"
    /// An FP8 product, 5 exponent bits.
    case multiplyFP8E5M2 = "multiply-fp8-e5m2"
    /// A multiplier and adder that are idle for a cycle while their row works.
    case multiplyGated = "multiply-gated"
    /// An FP32 addition.
    case addFP32 = "add-fp32"
    /// Data side of a flip-flop bit that is written.
    case registerBitWrite = "register-bit-write"
    /// Clock pin and tree of a flip-flop bit for a cycle.
    case registerBitClock = "register-bit-clock"
    /// Fraction of the clock's energy that a gated multiplier still consumes.
    case clockIdleShare = "clock-idle-share"
    /// A bit written into a window buffer.
    case windowBitWrite = "window-bit-write"
    /// A bit that a row takes from a window buffer.
    case windowBitRead = "window-bit-read"
    /// A bit that a switch of a network moves: a 2:1 multiplexer and its wire.
    case networkMovedBit = "network-moved-bit"
    /// A bit at a stage from which it is isolated.
    case networkIsolatedBit = "network-isolated-bit"
    /// A bit of a prefix count that sets the switches.
    case routeBit = "route-bit"
    /// A mask bit that the controller reads into its OR and scans.
    case maskScanBit = "mask-scan-bit"
    /// A bit XORed and counted by the reorder unit.
    case reorderBit = "reorder-bit"
    /// An FP32 operation of the vector unit, without its registers.
    case vectorOperation = "vector-operation"
    /// A bit on a wire of a millimetre.
    case wireBitMillimetre = "wire-bit-millimetre"
    /// A bit to or from an LPDDR4 DRAM.
    case dramBit = "dram-bit"
    /// A bit to or from an LPDDR4X DRAM.
    case dramBitLPDDR4X = "dram-bit-lpddr4x"
    /// A bit to or from an LPDDR5 DRAM.
    case dramBitLPDDR5 = "dram-bit-lpddr5"
    /// Factor on the table's memory energies.
    case sramEnergyCorrection = "sram-energy-correction"
    /// Factor on the table's memory areas.
    case sramAreaCorrection = "sram-area-correction"
    /// Factor on the table's memory leakage.
    case sramLeakageCorrection = "sram-leakage-correction"
    /// Leakage of logic.
    case leakageLogic = "leakage-logic"
    /// D in the law of leakage, `P ∝ V · exp(D · V)`.
    case leakageExponent = "leakage-exponent"
    /// Area of a BF16 multiplier.
    case areaMultiplyBF16 = "area-multiply-bf16"
    /// Area of an FP16 multiplier.
    case areaMultiplyFP16 = "area-multiply-fp16"
    /// Area of an FP8 multiplier, 4 exponent bits.
    case areaMultiplyFP8E4M3 = "area-multiply-fp8-e4m3"
    /// Area of an FP8 multiplier, 5 exponent bits.
    case areaMultiplyFP8E5M2 = "area-multiply-fp8-e5m2"
    /// Area of an FP32 adder.
    case areaAddFP32 = "area-add-fp32"
    /// Area of a flip-flop bit.
    case areaRegisterBit = "area-register-bit"
    /// Area of a latch bit of a window buffer with its read gate.
    case areaWindowBit = "area-window-bit"
    /// Area of a 2:1 multiplexer for one bit.
    case areaMultiplexer = "area-multiplexer"
    /// Area of a core's controller.
    case areaController = "area-controller"
    /// Area of the reorder unit.
    case areaReorder = "area-reorder"
    /// Area of a lane of the vector unit.
    case areaVectorLane = "area-vector-lane"
    /// Fraction of the placed area that cells cover.
    case areaUtilisation = "area-utilisation"
  }

  private var constants: [Name: Constant]
  /// The memories.
  public var sram: SRAMTable

  init(_ constants: [Name: Constant], sram: SRAMTable) {
    precondition(
      Name.allCases.allSatisfy { constants[$0] != nil }, "a table holds every constant")
    self.constants = constants
    self.sram = sram
  }

  /// A constant.
  public subscript(name: Name) -> Constant {
    get {
      guard let constant = constants[name] else {
        preconditionFailure("a table holds every constant")
      }
      return constant
    }
    set { constants[name] = newValue }
  }

  /// The value of a constant that does not depend on the supply.
  func value(_ name: Name) -> Double { self[name].value }

  /// Picojoules of an event of the logic at a supply: `E · (V / V0)²`.
  func picojoules(_ name: Name, volts: Double) -> Double {
    let constant = self[name]
    return constant.value * dynamicScale(from: constant.volts ?? volts, to: volts)
  }

  /// How leakage power changes from one supply to another: `P ∝ V · exp(D · V)`.
  func leakageScale(from held: Double, to volts: Double) -> Double {
    Processor.leakageScale(from: held, to: volts, exponent: value(.leakageExponent))
  }
}

extension HardwareDescription.DRAM {
  /// The constant of a bit.
  var bitEnergy: EnergyTable.Name {
    switch self {
    case .lpddr4: .dramBit
    case .lpddr4x: .dramBitLPDDR4X
    case .lpddr5: .dramBitLPDDR5
    }
  }
}

extension HardwareDescription.OperandFormat {
  /// The constant of a product.
  var multiplyEnergy: EnergyTable.Name {
    switch self {
    case .bf16: .multiplyBF16
    case .fp16: .multiplyFP16
    case .fp8e4m3: .multiplyFP8E4M3
    case .fp8e5m2: .multiplyFP8E5M2
    }
  }

  /// The constant of a multiplier's area.
  var multiplyArea: EnergyTable.Name {
    switch self {
    case .bf16: .areaMultiplyBF16
    case .fp16: .areaMultiplyFP16
    case .fp8e4m3: .areaMultiplyFP8E4M3
    case .fp8e5m2: .areaMultiplyFP8E5M2
    }
  }
}
