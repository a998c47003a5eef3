// SPDX-License-Identifier: Apache-2.0
extension LayerPass {
  /// A bound: every multiplier makes one effectual MAC per cycle and nothing else happens, so its
  /// activity has multiplications only. It skips zeros of the mask, not of the operands.
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
