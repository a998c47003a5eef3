// SPDX-License-Identifier: Apache-2.0
extension PassSchedule {
  /// What happens in the pass, from the plans of the groups and the number of tiles of each class.
  ///
  /// A group whose fixed windows of the weight-gradient pass hold no entry is not run and counts
  /// nothing; with compression off, a row takes every vector but writes only what it keeps.
  ///
  /// - Parameters:
  ///   - inputSparsity: fraction of the layer's input that is zero.
  ///   - gradientSparsity: fraction of its output's gradient that is zero.
  package func activity(
    _ hardware: HardwareDescription, inputSparsity: Double, gradientSparsity: Double
  ) -> PassActivity {
    let array = hardware.array
    var activity = PassActivity()
    for part in parts {
      activity.effectualMACs += part.products(images: images)
      activity.denseMACs += part.denseProducts(images: images)
    }
    activity.executedMACs =
      hardware.techniques.compress ? activity.effectualMACs : everyEmittedProduct
    activity.zeroShare =
      switch pass {
      case .forward: inputSparsity
      case .inputGradient: gradientSparsity
      case .weightGradient: 1 - (1 - inputSparsity) * (1 - gradientSparsity)
      }

    let readsMasks = hardware.techniques.detectBeforeLoad || hardware.techniques.compress
    for (group, order, items) in uses {
      let plan = groups[group].plans[order]
      let tiles = orders[groups[group].part][order]
      for (tileClass, count) in zip(tiles.classes.indices, tiles.counts) {
        activity.add(
          plan, tileClass, outputs: tiles.classes[tileClass].outputs, times: count * items,
          hardware)
      }
      let scans = pass == .weightGradient ? 1 : tiles.tileCount * items
      if readsMasks { activity.maskBits += plan.scannedBits * scans }
      activity.networkMoves += plan.ownMoves.reduce(0, +)
      for gradients in plan.ownEntries.joined() {
        activity.resultsWritten += gradients
        activity.extraAdditions += gradients * (array.adderStages - 1)
      }
    }
    if pass != .weightGradient { activity.weightsRead = activity.vectorsTaken }
    return activity
  }

  /// Products inside the map when every row takes every entry that is emitted.
  private var everyEmittedProduct: Int {
    groups.reduce(0) { sum, group in
      let perRow = zip(group.emittedPerTap, parts[group.part].outputsInside)
        .reduce(0) { $0 + $1.0 * $1.1 }
      return sum + group.rows.count * perRow * images
    }
  }

  /// Each group with each of its tile orders, and how many items run it; in the weight-gradient pass
  /// the items of a group share its windows, and count as one.
  private var uses: [(group: Int, order: Int, items: Int)] {
    var counts = groups.map { [Int](repeating: 0, count: $0.plans.count) }
    for item in cores.joined() {
      if pass == .weightGradient {
        counts[item.group][item.order] = 1
      } else {
        counts[item.group][item.order] += 1
      }
    }
    return counts.indices.flatMap { group in
      counts[group].indices.map { (group, $0, counts[group][$0]) }
    }.filter { $0.items > 0 }
  }
}

extension PassActivity {
  /// Adds what happens in `times` tiles of a class.
  fileprivate mutating func add(
    _ plan: WindowPlan, _ tileClass: Int, outputs: Int, times: Int,
    _ hardware: HardwareDescription
  ) {
    let array = hardware.array
    let set = plan.sets[plan.setOfClass[tileClass]]
    let vectors = set.entries.reduce(0, +)
    let needed = set.needed.reduce(0) { $0 + Int($1) }
    let issues = set.issues.reduce(0) { $0 + Int($1) }
    issuedMultiplierCycles += issues * array.lanes * array.slots * times
    windows += set.entries.count { $0 > 0 } * times
    vectorsLoaded += vectors * times
    vectorsTaken += (hardware.techniques.compress ? needed : vectors * plan.rowCount) * times
    networkMoves += set.moves.reduce(0, +) * times
    sourceAccesses += plan.sourceAccesses[tileClass].reduce(0, +) * times
    gradientAccesses += plan.gradientAccesses[tileClass].reduce(0, +) * times
    linesRead += set.lines.joined().reduce(0, +) * times
    linesSkipped += set.skippedLines * times
    // Fixed windows write once all tiles are through.
    if plan.ownEntries.isEmpty, set.windows > 0 {
      resultsWritten += plan.rowCount * outputs * times
      extraAdditions += plan.rowCount * outputs * (array.slots * array.adderStages - 1) * times
    }
  }
}
