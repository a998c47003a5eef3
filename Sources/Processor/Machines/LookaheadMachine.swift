// SPDX-License-Identifier: Apache-2.0
import Tensor

extension LayerPass {
  /// Dense storage; zeros of one operand are skipped within the reach of `LookaheadSchedule`: of the
  /// weights, by the mask, or of the activations or gradients where those are sparser.
  ///
  /// A row's multipliers take the 16 entries of a step for all lanes of a tile, so the array, its
  /// tiles and its loads are those of the dense machine.
  func onLookaheadMachine() -> PassRun {
    let schedule = denseSchedule
    let skipsWeights =
      pass != .weightGradient && layer.mask.sparsity >= operandSparsity
    return skipsWeights ? skippingWeights(schedule) : skippingOperands(schedule)
  }

  private func skippingOperands(_ schedule: PassSchedule) -> PassRun {
    var random = SeededRandom(seed: 2009_00748)
    let cost = LookaheadSchedule.drawnCost(density: 1 - operandSparsity, random: &random)
    let array = hardware.array
    let timing = schedule.pacedTiming(hardware) { item in
      let group = schedule.groups[item.group]
      let plan = group.plans[item.order]
      var entries = 0
      for (tileClass, count) in schedule.orders[group.part][item.order].counts.enumerated() {
        let perWindow = plan.sets[plan.setOfClass[tileClass]].entries
        let windows = pass == .weightGradient ? item.windows : perWindow.indices
        entries += count * windows.reduce(0) { $0 + perWindow[$1] }
      }
      let cycles = ceilingDivision(entries * cost.entries, cost.of * array.slots)
      return [Int](repeating: cycles, count: group.rows.count)
    }
    var activity = skippingActivity(schedule, timing: timing)
    activity.networkMoves = activity.vectorsTaken
    return PassRun(
      timing: timing, activity: activity, maskBits: 0, storedWeights: layer.mask.shape.count,
      restart: schedule.restart(denseHardware))
  }

  private func skippingWeights(_ schedule: PassSchedule) -> PassRun {
    let array = hardware.array
    let streams = parts.map { KeptStreams($0) }
    var known: [KeptStreams.Key: (costs: [Int], needed: Int)] = [:]
    var taken = 0
    let timing = schedule.pacedTiming(hardware) { item in
      let group = schedule.groups[item.group]
      let order = schedule.orders[group.part][item.order]
      var costs = [Int](repeating: 0, count: group.rows.count)
      for (tileClass, count) in zip(order.classes, order.counts) {
        let active = streams[group.part].activeTaps(tileClass)
        let key = KeptStreams.Key(group: item.group, active: active)
        let stream = known[key] ?? streams[group.part].cost(of: group.rows, active: active)
        known[key] = stream
        for row in costs.indices { costs[row] += count * stream.costs[row] }
        taken += count * stream.needed
      }
      return costs.map { ceilingDivision($0, array.slots) }
    }
    var activity = schedule.activity(
      denseHardware, inputSparsity: layer.inputSparsity, gradientSparsity: layer.gradientSparsity)
    activity.effectualMACs = effectualMACs
    activity.denseMACs = denseMACs
    activity.executedMACs = effectualMACs
    activity.zeroShare = zeroShare(
      of: effectualMACs, notZero: Double(effectualMACs) * nonZeroShare)
    activity.issuedMultiplierCycles = timing.issue * array.lanes * array.slots
    activity.vectorsTaken = taken
    activity.networkMoves = taken
    activity.maskBits = 0
    return PassRun(
      timing: timing, activity: activity, maskBits: 0, storedWeights: layer.mask.shape.count,
      restart: schedule.restart(denseHardware))
  }
}

/// The kept weights of a part's rows as streams of steps of 16 lanes.
private struct KeptStreams {
  struct Key: Hashable {
    let group: Int
    let active: [Bool]
  }

  let part: LoweredPart

  init(_ part: LoweredPart) { self.part = part }

  /// Taps through which a tile reads any value.
  func activeTaps(_ tileClass: TileClass) -> [Bool] {
    (0..<part.tapCount).map {
      tileClass.lanes(row: $0 / part.kernelColumns, column: $0 % part.kernelColumns) > 0
    }
  }

  /// The cost of a tile for each row of a group, in entries, and the entries that all of them need.
  func cost(of rows: [Int], active: [Bool]) -> (costs: [Int], needed: Int) {
    // Rows of several groups of a convolution meet on the planes that any of them reads.
    let places = places(of: rows, active: active)
    let length = places.reduce(0) { $0 + $1.nonzeroBitCount }
    var costs: [Int] = []
    var needed = 0
    for start in stride(from: 0, to: rows.count, by: LookaheadSchedule.rowsInStep) {
      let set = rows[start..<min(start + LookaheadSchedule.rowsInStep, rows.count)]
      let streams = set.map { row in
        let stream = stream(row, places: places)
        needed += stream.reduce(0) { $0 + $1.nonzeroBitCount }
        return stream
      }
      let cost = LookaheadSchedule.cost(streams, length: length)
      costs += [Int](repeating: cost, count: set.count)
    }
    return (costs, needed)
  }

  /// The entries that stream past a group of rows: all that they can read, in words.
  private func places(of rows: [Int], active: [Bool]) -> [UInt64] {
    var places = [UInt64](repeating: 0, count: part.wordsPerRow)
    for reached in Set(rows.map { part.reachedEntries($0) }) {
      for entry in reached where active[entry % active.count] {
        places[entry >> 6] |= 1 << UInt64(entry & 63)
      }
    }
    return places
  }

  /// A row's mask at some places, packed into steps.
  private func stream(_ row: Int, places: [UInt64]) -> [UInt16] {
    let lanes = LookaheadSchedule.lanes
    var steps: [UInt16] = []
    var step: UInt16 = 0
    var lane = 0
    for (index, word) in part.mask(row).enumerated() {
      var rest = places[index]
      if rest == .max && lane == 0 {
        for shift in Swift.stride(from: 0, to: 64, by: lanes) {
          steps.append(UInt16(truncatingIfNeeded: word >> UInt64(shift)))
        }
        continue
      }
      while rest != 0 {
        let bit = rest.trailingZeroBitCount
        step |= UInt16(truncatingIfNeeded: word >> UInt64(bit) & 1) << UInt16(lane)
        lane += 1
        if lane == lanes {
          steps.append(step)
          (step, lane) = (0, 0)
        }
        rest &= rest - 1
      }
    }
    if lane > 0 { steps.append(step) }
    return steps
  }
}
