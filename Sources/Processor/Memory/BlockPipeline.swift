// SPDX-License-Identifier: Apache-2.0
/// Time of blocks that are loaded while those before them are computed, and stored while those after
/// them are:
///
///     cycles = load(0) + Σ_i max(compute(i), load(i+1) + store(i-1)) + store(last)
///
/// Loads and stores share the DRAM. Whole cycles, the same on every machine.
struct BlockPipeline {
  /// Cycles beyond the computation, while there is some.
  private(set) var dramWait = 0
  /// Cycles before the first and after the last block's computation.
  private(set) var fill = 0
  /// Bits moved, for comparison with the search's formula.
  private(set) var bits = 0

  init(
    _ blocked: BlockedPass, cut: BlockedPass.Cut, order: [BlockedPass.Loop], computeCycles: Int,
    hardware: HardwareDescription
  ) {
    let counts = blocked.counts(cut)
    let loads = blocked.tensors.filter { $0 != .results }
    var before: (place: [Int], block: BlockedPass.Block)?
    var pending = 0  // Bits of results that are still to be stored.
    var previousCompute = 0
    var done = 0
    var computed = 0
    let work = UInt64(max(1, blocked.work))
    func transfer(_ bits: Int) -> Int { hardware.transferCycles(bits: bits) }

    for step in 0..<counts.blocks {
      // The place along each loop, the last of the order changing first; groups at the end.
      var rest = step
      var place = [0, 0, 0, 0]
      for loop in order.reversed() {
        place[loop.rawValue] = rest % counts[loop]
        rest /= counts[loop]
      }
      place[3] = rest
      let block = blocked.block(
        cut, group: rest, activation: place[0], outputPlane: place[1], sourcePlane: place[2])
      func isAnother(_ tensor: BlockedPass.Tensor) -> Bool {
        guard let before, before.place[3] == place[3] else { return true }
        return order.contains {
          before.place[$0.rawValue] != place[$0.rawValue] && blocked.isCut(tensor, along: $0)
        }
      }
      var load = 0
      for tensor in loads where isAnother(tensor) { load += blocked.bits(tensor, block) }
      bits += load
      if let before {
        // The block before computes while this one is loaded, and what was complete is stored.
        dramWait += max(0, transfer(load + pending) - previousCompute)
        pending = 0
        if isAnother(.results) { pending = blocked.bits(.results, before.block) }
        bits += pending
      } else {
        fill += transfer(load)
      }
      done += blocked.work(block)
      let end = Int(
        work.dividingFullWidth(
          UInt64(done).multipliedFullWidth(by: UInt64(computeCycles))
        ).quotient)
      previousCompute = end - computed
      computed = end
      before = (place, block)
    }
    // The last block computes while the one before is stored; then its own results are.
    dramWait += max(0, transfer(pending) - previousCompute)
    if let before {
      let last = blocked.bits(.results, before.block)
      bits += last
      fill += transfer(last)
    }
  }
}
