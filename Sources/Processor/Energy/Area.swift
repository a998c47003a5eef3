// SPDX-License-Identifier: Apache-2.0
/// Parts of a machine that take area.
public enum AreaUnit: String, BreakdownUnit {
  /// Multipliers, adders and their registers, and the sums and weights of the rows.
  case multiply
  /// Compress networks.
  case network
  /// Window buffers.
  case windowBuffer = "window-buffer"
  /// Memories.
  case activationMemory = "activation-memory"
  /// Memory of weights.
  case weightMemory = "weight-memory"
  /// Memory of outputs.
  case outputMemory = "output-memory"
  /// Memory of masks.
  case maskMemory = "mask-memory"
  /// Controllers.
  case control
  /// The reorder unit.
  case reorder
  /// The vector unit.
  case vector
  /// The stream units.
  case stream
  /// The pool in which tensors stay.
  case pool
}

/// Square millimetres by unit.
public typealias AreaBreakdown = Breakdown<AreaUnit>

extension Breakdown where Unit == AreaUnit {
  /// The area of a machine, in mm², wiring included.
  public init(
    _ hardware: HardwareDescription, table: EnergyTable = .standard,
    network: RoutingNetwork? = nil
  ) {
    self.init()
    let array = hardware.array
    let rows = array.cores * array.rows
    func placed(_ count: Int, _ name: EnergyTable.Name) -> Double {
      Double(count) * table.value(name) / table.value(.areaUtilisation) * 1e-6
    }
    // Sums are counted for each row, since the weight-gradient pass shares them. A second bank is added
    // up by adders of its own in that pass, where the lanes' are a tree.
    let registers =
      array.multipliers * (array.clockedBitsPerMultiplier - array.sumBits)
      + rows * (array.sumBitsPerRow + array.furtherBankBitsPerRow + array.weightBitsPerRow)
    let adders = array.multipliers + (array.sumBanks - 1) * rows * array.slots
    self[.multiply] =
      placed(array.multipliers, array.operands.multiplyArea)
      + placed(adders, .areaAddFP32) + placed(registers, .areaRegisterBit)
    let routing = network ?? hardware.routingNetwork
    self[.network] = placed(
      rows * array.vectorBits * routing.multiplexers(array), .areaMultiplexer)
    self[.windowBuffer] = placed(array.cores * array.windowBufferBits, .areaWindowBit)
    self[.control] = placed(array.cores, .areaController)
    self[.reorder] =
      hardware.techniques.reorder == .natural ? 0 : placed(1, .areaReorder)
    self[.vector] = placed(hardware.vectorUnit.lanes, .areaVectorLane)
    // Two multiply-adds a value on the way in, two on the way out.
    self[.stream] =
      hardware.schedule.fuseNormalisation
      ? placed(4 * hardware.stream.elementsPerCycle, .areaVectorLane) : 0
    let memories = OnChipMemories(hardware, table: table)
    self[.activationMemory] = memories.activation.squareMillimetres(table)
    self[.weightMemory] = memories.weight.squareMillimetres(table)
    self[.outputMemory] = memories.output.squareMillimetres(table)
    self[.maskMemory] = memories.mask.squareMillimetres(table)
    self[.pool] = memories.pool?.squareMillimetres(table) ?? 0
  }

  /// What is not memory.
  public var logic: Double {
    [.multiply, .network, .windowBuffer, .control, .reorder, .vector, .stream].reduce(0) {
      $0 + self[$1]
    }
  }
}
