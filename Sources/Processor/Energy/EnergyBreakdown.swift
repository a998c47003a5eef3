// SPDX-License-Identifier: Apache-2.0
/// Parts of a machine that consume energy.
public enum EnergyUnit: String, BreakdownUnit {
  /// Products, additions and the registers that they write.
  case multiply
  /// Networks that route operands: moved and isolated bits.
  case network
  /// Window buffers: writing, broadcast, and what rows take.
  case windowBuffer = "window-buffer"
  /// Reading runs of activations, and filling the memory from the DRAM.
  case activationMemory = "activation-memory"
  /// Reading weights, and filling.
  case weightMemory = "weight-memory"
  /// Writing results and reading them out; output gradients.
  case outputMemory = "output-memory"
  /// Reading masks, and filling.
  case maskMemory = "mask-memory"
  /// Scanning masks, setting switches.
  case control
  /// The reorder unit.
  case reorder
  /// The vector unit and the stream units.
  case vector
  /// Writing and reading the pool in which tensors stay.
  case pool
  /// Clocks of the multipliers, gated ones too.
  case clock
  /// Leakage of logic and memories over the time taken.
  case leakage
  /// The DRAM.
  case dram
}

/// Picojoules by unit.
public typealias EnergyBreakdown = Breakdown<EnergyUnit>

extension Breakdown where Unit == EnergyUnit {
  /// Picojoules without the DRAM. With it, they are `total` exactly.
  public var core: Double {
    EnergyUnit.allCases.reduce(0) { $1 == .dram ? $0 : $0 + self[$1] }
  }
}

/// Turns counts into energy for one machine; what depends on the machine alone is computed once.
public struct EnergyModel: Sendable {
  /// The machine.
  public let hardware: HardwareDescription
  /// The constants.
  public let table: EnergyTable
  /// Its routing network.
  public let network: RoutingNetwork
  /// Its area, in mm².
  public let area: AreaBreakdown
  /// Leakage of everything, in milliwatts, at the machine's supply.
  public let leakageMilliwatts: Double

  /// Picojoules of one event of each kind of logic, at the machine's supply.
  private let picojoules: [EnergyTable.Name: Double]
  private let activation, weight, output, mask: Access
  private let pool: Access?
  /// Picojoules of a bit from one side of a core to the other.
  private let crossing: Double

  /// A memory's word.
  private struct Access {
    let bits: Double
    let read: Double
    let write: Double
  }

  /// The model of a machine; `network` in place of the one that its name implies.
  public init(
    _ hardware: HardwareDescription, table: EnergyTable = .standard,
    network: RoutingNetwork? = nil
  ) {
    self.hardware = hardware
    self.table = table
    self.network = network ?? hardware.routingNetwork
    area = AreaBreakdown(hardware, table: table, network: self.network)
    let volts = hardware.supply.volts
    let memoryVolts = hardware.supply.memoryVolts
    picojoules = Dictionary(
      uniqueKeysWithValues: EnergyTable.Name.allCases.map {
        ($0, table.picojoules($0, volts: volts))
      })
    let memories = OnChipMemories(hardware, table: table)
    func access(_ banks: MemoryBanks) -> Access {
      Access(
        bits: Double(banks.widthBits), read: banks.readPicojoules(table, volts: memoryVolts),
        write: banks.writePicojoules(table, volts: memoryVolts))
    }
    activation = access(memories.activation)
    weight = access(memories.weight)
    output = access(memories.output)
    mask = access(memories.mask)
    pool = memories.pool.map(access)
    let logic = table[.leakageLogic]
    leakageMilliwatts =
      memories.all.reduce(0) { $0 + $1.leakageMilliwatts(table, volts: memoryVolts) }
      + area.logic * logic.value * table.leakageScale(from: logic.volts ?? volts, to: volts)
    let millimetres = (area.total / Double(hardware.array.cores)).squareRoot()
    crossing = table.picojoules(.wireBitMillimetre, volts: volts) * millimetres
  }

  private func each(_ name: EnergyTable.Name) -> Double { picojoules[name] ?? 0 }

  /// The energy of a pass: what the array did, the cycles that it took with all stalls, and the
  /// traffic to and from the DRAM.
  ///
  /// - Parameters:
  ///   - fills: what is written into the memories; nil if that is what the DRAM moves.
  ///   - pass: the pass, which says in what format results are; nil for FP32.
  public func energy(
    of activity: PassActivity, cycles: Int, traffic: MemoryTraffic, fills: MemoryTraffic? = nil,
    pass: Pass? = nil
  ) -> EnergyBreakdown {
    let fills = fills ?? traffic
    let array = hardware.array
    let operandBits = Double(array.operands.bits)
    let sumBits = Double(array.sumBits)
    let holds = hardware.techniques.holdZeroLanes

    let executed = Double(activity.executedMACs)
    let computed = 1 - activity.maskedShare
    let still =
      executed
      * (1 - computed * (hardware.techniques.gateZeroOperands ? 1 - activity.zeroShare : 1))
    // A lane that is held has no clock either.
    let clocked =
      holds ? Int((executed - still).rounded(.up)) : activity.issuedMultiplierCycles
    var energy = idle(cycles: cycles, issuedMultiplierCycles: clocked)
    // Lanes outside the map and slots without an entry are idle too.
    let unused = max(0, Double(activity.issuedMultiplierCycles) - executed)
    let product =
      each(array.operands.multiplyEnergy) + each(.addFP32)
      + Double(array.clockedBitsPerMultiplier) * each(.registerBitWrite)
    energy[.multiply] =
      (executed - still) * product + (still + unused) * each(.multiplyGated)
      + Double(activity.extraAdditions) * computed
      * (each(.addFP32) + sumBits * each(.registerBitWrite))

    let vectorBits = Double(array.vectorBits)
    // Of a held lane only its valid bit moves. What a machine skips it does not take.
    let moving =
      holds ? min(1, 1 - activity.sourceZeroShare + 1 / operandBits) : 1
    let skips = [.activationOnly, .lookahead, .twoSided].contains(hardware.machine)
    let takenMoving = skips ? 1 : moving
    let taken = Double(activity.vectorsTaken) * vectorBits * takenMoving
    let loaded = Double(activity.vectorsLoaded) * vectorBits * moving
    energy[.windowBuffer] =
      loaded * (each(.windowBitWrite) + crossing) + taken * each(.windowBitRead)
    let seen = activity.vectorsLoaded * array.rows
    if let toggles = network.togglesPerTakenBit(array) {
      energy[.network] = taken * Double(toggles) * each(.networkMovedBit)
    } else {
      let still = max(0, seen * array.networkStages - activity.networkMoves)
      energy[.network] =
        vectorBits * takenMoving
        * (Double(activity.networkMoves) * each(.networkMovedBit)
          + Double(still) * each(.networkIsolatedBit))
    }
    energy[.control] = Double(activity.maskBits) * each(.maskScanBit)
    if network != .none {
      energy[.control] += Double(seen * (1 + array.networkStages)) * each(.routeBit)
    }

    // From a bank to where a bit is used is half a core on the average.
    let wire = crossing / 2
    energy[.activationMemory] =
      Double(activity.sourceAccesses) * (activation.read + activation.bits * wire * moving)
      + Double(fills.sourceBits) / activation.bits * activation.write
    let weightBits = Double(activity.weightsRead) * operandBits
    energy[.weightMemory] =
      weightBits * (weight.read / weight.bits + wire + each(.registerBitWrite))
      + Double(fills.weightBits) / weight.bits * weight.write
    // Output gradients are read in runs as activations are, results written and read out once.
    let gradientBits = Double(activity.gradientAccesses) * activation.bits
    let isMap = pass == .forward || pass == .inputGradient
    let resultBits =
      Double(activity.resultsWritten) * (isMap ? Double(array.results.bits) : sumBits) * computed
    energy[.outputMemory] =
      gradientBits * (output.read / output.bits + wire)
      + Double(fills.gradientBits) / output.bits * output.write
      + resultBits * ((output.write + output.read) / output.bits + wire)
    energy[.maskMemory] =
      Double(activity.maskBits) / mask.bits * mask.read
      + Double(fills.maskBits) / mask.bits * mask.write
    energy[.dram] = Double(traffic.total) * dramPicojoules
    return energy
  }

  /// The energy of work of the vector and reorder units. What comes from the DRAM or goes there
  /// passes through the output memory.
  ///
  /// - Parameter cycles: cycles that it takes longer, where that is not all of the run's.
  public func energy(of run: VectorRun, cycles: Int? = nil) -> EnergyBreakdown {
    let array = hardware.array
    var energy = idle(cycles: cycles ?? run.cycles, issuedMultiplierCycles: 0)
    let registers = Double(3 * array.sumBits) * each(.registerBitWrite)
    energy[.vector] = Double(run.operations) * (each(.vectorOperation) + registers)
    // Each line is chosen among several, whose needs of each row (2 bits) are added and compared.
    let compared = run.reorderLines * LineOrder.lookahead * array.rows * 2
    energy[.reorder] = Double(run.reorderWords * 64 + compared) * each(.reorderBit)
    energy[.maskMemory] = Double(run.reorderWords) * mask.read
    energy[.outputMemory] =
      Double(run.dramBits) / output.bits * (output.read + output.write)
    energy[.dram] = Double(run.dramBits) * dramPicojoules
    return energy
  }

  /// The energy of values that stream: operations of the stream units, and bits that the pool takes in
  /// and gives out again.
  func streaming(operations: Int, poolBits: Int) -> EnergyBreakdown {
    var energy = EnergyBreakdown()
    let registers = Double(3 * hardware.array.sumBits) * each(.registerBitWrite)
    energy[.vector] = Double(operations) * (each(.vectorOperation) + registers)
    if let pool { energy[.pool] = Double(poolBits) / pool.bits * (pool.read + pool.write) }
    return energy
  }

  /// What time costs, by itself.
  func idle(cycles: Int) -> EnergyBreakdown { idle(cycles: cycles, issuedMultiplierCycles: 0) }

  /// Picojoules of bits to and from the DRAM.
  func dram(bits: Int) -> Double { Double(bits) * dramPicojoules }

  private var dramPicojoules: Double { each(hardware.memory.dram.bitEnergy) }

  /// What time costs: clocks and leakage.
  private func idle(cycles: Int, issuedMultiplierCycles issued: Int) -> EnergyBreakdown {
    let array = hardware.array
    var energy = EnergyBreakdown()
    let gated = max(0, cycles * array.multipliers - issued)
    energy[.clock] =
      Double(array.clockedBitsPerMultiplier) * each(.registerBitClock)
      * (Double(issued) + table.value(.clockIdleShare) * Double(gated))
    // Of a second bank of sums only the tree above its gates has a clock but for what is written.
    energy[.clock] +=
      Double(array.cores * array.rows * array.furtherBankBitsPerRow * cycles)
      * each(.registerBitClock) * table.value(.clockIdleShare)
    // mW · s = 10^9 pJ
    energy[.leakage] = leakageMilliwatts * Double(cycles) / hardware.supply.hertz * 1e9
    return energy
  }
}
