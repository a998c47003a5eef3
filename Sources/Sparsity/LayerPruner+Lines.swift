extension LayerPruner {
  /// A choice of lines under given shapes, in which the weights kept come as close to the target as
  /// one line allows. Every filter keeps a line.
  func updateLines(
    _ mask: LayerMask, shapes: Bits, _ weights: [Float], _ gradient: [Float], _ change: Change
  ) -> LayerMask {
    // Everything that the shapes leave.
    let available = LayerMask(dense: shape, blockSide: mask.blockSide).withShapes(shapes)
    let before = mask.withShapes(shapes)
    let weight = Saliency(lines: available, values: weights, counted: before)
    let growth = Saliency(lines: available, values: gradient, counted: available)
    let sizes = growth.counts
    let target = change.density * Double(shape.count)

    let outputs = available.linesPerFilter().count
    let each = available.lines.count / outputs
    /// The lines of a filter (row of blocks), best first: those to retain, then those to grow.
    func order(_ output: Int, retained: Int) -> [Int] {
      let lines = (output * each..<(output + 1) * each).filter { available.lines[$0] }
      let kept = ranked(lines.filter { before.lines[$0] }, by: weight.mean).prefix(retained)
      var isKept = Set<Int>(minimumCapacity: kept.count)
      for line in kept { isKept.insert(line) }
      return kept + ranked(lines.filter { !isKept.contains($0) }, by: growth.mean)
    }
    let lines =
      configuration.balanced
      ? balancedLines(
        outputs: outputs, each: each, sizes: sizes, target: target,
        growFraction: change.growFraction, order: order)
      : rankedLines(
        available: available, before: before, weight: weight, growth: growth, each: each,
        target: target, growFraction: change.growFraction)
    return LayerMask(
      shape: shape, blockSide: mask.blockSide, lines: lines, shapes: shapes, elements: nil
    ).withoutEmptyLines()
  }

  /// The best lines of the layer, after the best one of each filter.
  private func rankedLines(
    available: LayerMask, before: LayerMask, weight: Saliency, growth: Saliency, each: Int,
    target: Double, growFraction: Double
  ) -> Bits {
    let sizes = growth.counts
    var chosen = Bits(count: sizes.count)
    var total = 0.0

    /// Takes lines in order while that brings the total closer to a limit.
    func fill(_ lines: [Int], limit: Double) {
      for line in lines where !chosen[line] {
        let size = Double(sizes[line])
        if total + size / 2 > limit { return }
        chosen[line] = true
        total += size
      }
    }

    let keptLines = ranked(
      (0..<sizes.count).filter { before.lines[$0] && sizes[$0] > 0 }, by: weight.mean)
    let allLines = ranked((0..<sizes.count).filter { sizes[$0] > 0 }, by: growth.mean)
    // The floor: the best kept line of each filter, else its best one to grow.
    var hasLine = [Bool](repeating: false, count: sizes.count / each)
    for line in keptLines + allLines where !hasLine[line / each] {
      hasLine[line / each] = true
      chosen[line] = true
      total += Double(sizes[line])
    }
    fill(keptLines, limit: target * (1 - growFraction))
    fill(allLines, limit: target)
    return chosen
  }

  /// The same number of lines in every filter (constant fan-in, Lasby et al. 2024), give or take one
  /// where the target asks for it.
  private func balancedLines(
    outputs: Int, each: Int, sizes: [Int32], target: Double, growFraction: Double,
    order: (Int, Int) -> [Int]
  ) -> Bits {
    // All lines of a filter together keep this much on average.
    let available = sizes.count { $0 > 0 }
    let mean = Double(sizes.reduce(0) { $0 + Int($1) }) / Double(max(available, 1))
    var fewest = each
    for output in 0..<outputs {
      fewest = min(fewest, sizes[output * each..<(output + 1) * each].count { $0 > 0 })
    }
    let guess = Int((target / mean / Double(outputs)).rounded())
    let lines = min(max(1, guess), max(1, fewest))
    let retained = max(1, lines - Int((Double(lines) * growFraction).rounded()))
    let orders = (0..<outputs).map { order($0, retained) }

    // The guess is off where lines keep different numbers of taps: correct it for all filters at
    // once, and then by one line in as many filters as it takes.
    func total(_ count: Int) -> Int {
      orders.reduce(0) { $0 + $1.prefix(count).reduce(0) { $0 + Int(sizes[$1]) } }
    }
    var count = lines
    while count > 1, Double(total(count)) > target { count -= 1 }
    while count < fewest, Double(total(count + 1)) <= target { count += 1 }
    var sum = Double(total(count))
    var chosen = Bits(count: sizes.count)
    for lines in orders {
      for line in lines.prefix(count) { chosen[line] = true }
    }
    if count < fewest {
      for lines in orders where sum + Double(sizes[lines[count]]) / 2 <= target {
        chosen[lines[count]] = true
        sum += Double(sizes[lines[count]])
      }
    }
    return chosen
  }
}
