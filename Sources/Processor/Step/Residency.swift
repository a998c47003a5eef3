// SPDX-License-Identifier: Apache-2.0

/// What stays on the chip between two uses of a tensor, in a pool of its own.
///
/// A part of a tensor may stay: those images of a batch that were worked on last and are taken first
/// next time. A stay takes room in all operations from one use to the next. Stays are granted greedily:
/// those that save most for the operations that they last, up to what is left of the pool. Weights that
/// the weight memory does not hold come first.
struct Residency {
  /// Bits of each tensor that an operation does not read from the DRAM, by operation and tensor.
  private(set) var kept: [[Int: Int]]
  /// Bits that an operation does not write, as every later use finds them on the chip.
  private(set) var unwritten: [[Int: Int]]

  private struct Stay {
    let tensor, first, last: Int
    let isWriteToOnlyRead: Bool
    /// Bits saved for each bit kept and operation.
    var worth: Double { (isWriteToOnlyRead ? 2 : 1) / Double(last - first + 1) }
  }

  /// - Parameter reserved: what each operation needs of the pool for its weights.
  init(_ operations: [StepGraph.Operation], bits: [Int], poolBits: Int, reserved: [Int]? = nil) {
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
            isWriteToOnlyRead: use.isWrite && list.count == 2))
      }
    }
    stays.sort { (-$0.worth, $0.first, $0.tensor) < (-$1.worth, $1.first, $1.tensor) }
    var room = operations.indices.map { poolBits - (reserved?[$0] ?? 0) }
    for stay in stays {
      let span = stay.first...stay.last
      let granted = min(bits[stay.tensor], room[span].min() ?? 0)
      if granted <= 0 { continue }
      for operation in span { room[operation] -= granted }
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

extension HardwareDescription {
  /// Bits of the pool that an operation takes for its weights, where the weight memory does not hold
  /// them twice: at most half of the pool.
  func poolForWeights(_ storedWeights: Int) -> Int {
    let missing = 2 * storedWeights * array.operands.bits - memory.weightKibibytes * 8 * 1024
    return min(memory.poolKibibytes * 4 * 1024, max(0, missing))
  }

  /// The machine with a weight memory that is larger by those.
  func withPoolForWeights(_ storedWeights: Int) -> HardwareDescription {
    var larger = self
    larger.memory.weightKibibytes += poolForWeights(storedWeights) / (8 * 1024)
    return larger
  }
}
