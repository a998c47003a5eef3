// SPDX-License-Identifier: Apache-2.0

/// What stays on the chip between two uses of a tensor, in a pool of its own.
///
/// A part of a tensor may stay: those images of a batch that were worked on last and are taken first
/// next time. A stay takes room from the operation of one use to that of the next; it fills while the
/// one writes or reads the tensor block by block, and gives its room back while the other reads it, so
/// that both may share it. (What is read more than once holds it to that operation's end.) Stays are
/// granted greedily: those that save most for the operations that they last, up to what is left of the
/// pool. Weights and masks that their memories do not hold come first.
struct Residency {
  /// Bits of each tensor that an operation does not read from the DRAM, by operation and tensor.
  private(set) var kept: [[Int: Int]]
  /// Bits that an operation does not write, as every later use finds them on the chip.
  private(set) var unwritten: [[Int: Int]]

  private struct Stay {
    let tensor, first, last: Int
    let isWriteToOnlyRead: Bool
    /// The operations at whose end it takes room.
    let ends: Range<Int>
    /// Bits saved for each bit kept and operation.
    var worth: Double { (isWriteToOnlyRead ? 2 : 1) / Double(ends.count) }
  }

  /// - Parameters:
  ///   - reserved: what each operation needs of the pool for weights and masks.
  ///   - rereads: the tensors that each operation reads more than once.
  init(
    _ operations: [StepGraph.Operation], bits: [Int], poolBits: Int, reserved: [Int]? = nil,
    rereads: [Set<Int>]? = nil
  ) {
    kept = [[Int: Int]](repeating: [:], count: operations.count)
    unwritten = kept
    if poolBits == 0 { return }
    var uses: [[(operation: Int, isWrite: Bool)]] = bits.map { _ in [] }
    for (number, operation) in operations.enumerated() {
      for tensor in operation.reads { uses[tensor].append((number, false)) }
      for tensor in operation.writes { uses[tensor].append((number, true)) }
    }
    var stays: [Stay] = []
    for (tensor, list) in uses.enumerated() where bits[tensor] > 0 {
      for (use, next) in zip(list, list.dropFirst()) where next.operation > use.operation {
        stays.append(
          Stay(
            tensor: tensor, first: use.operation, last: next.operation,
            isWriteToOnlyRead: use.isWrite && list.count == 2,
            ends: use.operation..<next.operation
              + (rereads?[next.operation].contains(tensor) == true ? 1 : 0)))
      }
    }
    stays.sort { (-$0.worth, $0.first, $0.tensor) < (-$1.worth, $1.first, $1.tensor) }
    // At the end of each operation; in between, what fills and what empties does so evenly.
    var room = operations.indices.map { number in
      let next = min(number + 1, operations.count - 1)
      return poolBits - max(reserved?[number] ?? 0, reserved?[next] ?? 0)
    }
    for stay in stays {
      let granted = min(bits[stay.tensor], room[stay.ends].min() ?? 0)
      if granted <= 0 { continue }
      for operation in stay.ends { room[operation] -= granted }
      kept[stay.last][stay.tensor] = granted
    }
    // What every later use finds on the chip need not be written.
    for (tensor, list) in uses.enumerated() {
      guard let first = list.first, first.isWrite, list.count > 1 else { continue }
      let always = list.dropFirst().map { kept[$0.operation][tensor] ?? 0 }.min() ?? 0
      if always > 0 { unwritten[first.operation][tensor] = always }
    }
  }
}

/// What an operation takes of the pool for masks and weights that their memories do not hold, in KiB.
struct PoolLoan: Equatable {
  var masks = 0
  var weights = 0

  /// Bits of both.
  var bits: Int { (masks + weights) * 8 * 1024 }
}

extension HardwareDescription {
  /// The loan of an operation: at most half of the pool, for the masks first.
  func loan(storedWeights: Int, maskBits: Int) -> PoolLoan {
    func missing(_ bits: Int, _ kibibytes: Int) -> Int {
      max(0, ceilingDivision(bits, 8 * 1024) - kibibytes)
    }
    let half = memory.poolKibibytes / 2
    let masks = min(half, missing(maskBits, memory.maskKibibytes))
    let weights = min(
      half - masks, missing(storedWeights * array.operands.bits, memory.weightKibibytes))
    return PoolLoan(masks: masks, weights: weights)
  }

  /// The machine whose memories are larger by a loan.
  func lending(_ loan: PoolLoan) -> HardwareDescription {
    var larger = self
    larger.memory.weightKibibytes += loan.weights
    larger.memory.maskKibibytes += loan.masks
    return larger
  }
}
