// SPDX-License-Identifier: Apache-2.0
extension LayerPass {
  /// A bound: every multiplier makes one effectual product a cycle and nothing else happens, so its
  /// activity has multiplications only. It knows of zeros in the mask, not in the operands.
  func onIdealMachine() -> PassRun {
    let array = hardware.array
    var timing = PassTiming()
    timing.cycles = ceilingDivision(effectualMACs, array.multipliers)
    timing.coreCycles = [Int](repeating: timing.cycles, count: array.cores)
    timing.issue = timing.cycles * array.cores * array.rows
    var activity = PassActivity()
    activity.effectualMACs = effectualMACs
    activity.denseMACs = denseMACs
    activity.executedMACs = effectualMACs
    activity.issuedMultiplierCycles = effectualMACs
    activity.zeroShare = zeroShare(
      of: effectualMACs, notZero: Double(effectualMACs) * nonZeroShare)
    return PassRun(
      timing: timing, activity: activity, maskBits: 0, storedWeights: layer.mask.keptElements)
  }
}
