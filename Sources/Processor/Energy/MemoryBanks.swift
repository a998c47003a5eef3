// SPDX-License-Identifier: Apache-2.0
/// A memory on the chip as banks that are accessed by themselves.
struct MemoryBanks {
  /// Banks.
  let count: Int
  /// Bits of an access.
  let widthBits: Int
  /// One of them.
  let bank: SRAMTable.Point

  /// Area of all, with the table's correction.
  func squareMillimetres(_ table: EnergyTable) -> Double {
    Double(count) * bank.squareMillimetres * table.value(.sramAreaCorrection)
  }

  /// Leakage of all.
  func leakageMilliwatts(_ table: EnergyTable, volts: Double) -> Double {
    Double(count) * bank.leakageMilliwatts * table.value(.sramLeakageCorrection)
      * table.leakageScale(from: table.sram.volts, to: volts)
  }

  /// Energy of reading a word.
  func readPicojoules(_ table: EnergyTable, volts: Double) -> Double {
    bank.readPicojoules * correction(table, volts)
  }

  /// Energy of writing a word.
  func writePicojoules(_ table: EnergyTable, volts: Double) -> Double {
    bank.writePicojoules * correction(table, volts)
  }

  private func correction(_ table: EnergyTable, _ volts: Double) -> Double {
    table.value(.sramEnergyCorrection) * dynamicScale(from: table.sram.volts, to: volts)
  }
}

/// The four memories of a machine, cut into banks: one for each port of a core, of a run of
/// `port-elements` operands a word; for outputs and weights one for each core, a word of the outputs a
/// row of lanes holds and of as many weights as a run; for masks one for each core, 64 bits wide. The
/// pool, where there is one, has as many banks as cores, and words of 256 bits.
struct OnChipMemories {
  let activation, weight, output, mask: MemoryBanks
  let pool: MemoryBanks?

  init(_ hardware: HardwareDescription, table: EnergyTable) {
    let (array, memory) = (hardware.array, hardware.memory)
    func banks(_ kibibytes: Int, count: Int, widthBits: Int) -> MemoryBanks {
      MemoryBanks(
        count: count, widthBits: widthBits,
        bank: table.sram.memory(
          bytes: Double(kibibytes) * 1024 / Double(count), widthBits: widthBits))
    }
    let run = memory.portElements * array.operands.bits
    activation = banks(
      memory.activationKibibytes, count: array.cores * memory.portsPerCore, widthBits: run)
    weight = banks(memory.weightKibibytes, count: array.cores, widthBits: run)
    output = banks(
      memory.outputKibibytes, count: array.cores, widthBits: array.lanes * array.sumBits)
    mask = banks(memory.maskKibibytes, count: array.cores, widthBits: 64)
    pool =
      memory.poolKibibytes == 0
      ? nil : banks(memory.poolKibibytes, count: array.cores, widthBits: 256)
  }

  var all: [MemoryBanks] { [activation, weight, output, mask] + (pool.map { [$0] } ?? []) }
}
