// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A pass of a layer on real values through the units of the machine, so that its results are those
/// of the hardware in every bit.
///
/// Operands are rounded to the machine's format. A group's entries are in the order of its lines, the
/// taps of a line ascending. In a window, a row takes its needed entries in that order, L a cycle;
/// with the compress technique off it steps through all entries of the window, and is idle for those
/// that it does not need. Its cycles are counted from 0 in each tile; a window starts a new cycle.
///
/// - Forward and input gradient: the product of slot l in the row's cycle i of the tile is added to
///   partial sum (i mod A)·L + l of each lane. At the end of the tile the L·A partial sums are added
///   from the first to the last, and the sum is rounded to the format of results.
/// - Weight gradient: the products of an entry in a tile are added by a balanced tree over the T
///   lanes (`treeSum`), and the sum is added to partial sum (n mod A) of the entry, where n counts
///   from 0 the tiles in which the row takes entries of this window. (Such tiles take a cycle at
///   least, so an adder of A stages is never asked for a sum that it is still computing.) After the
///   last tile the A partial sums are added from the first to the last, and the results go back to
///   mask order through the switches of the window of all tiles.
///
/// Lanes that read padding, lanes without an output, and, with zero operands gated, lanes with an
/// operand that is zero neither multiply nor add: infinity times zero is not computed. Outputs
/// without any product are +0, and every NaN is written as 0x7FC00000.
public struct ValuePass {
  private let geometry: ConvolutionGeometry
  private let hardware: HardwareDescription
  private let array: HardwareDescription.Array
  private let source: CodedOperands
  private let other: CodedOperands
  private let network: CompressNetwork
  private var run: ValueRun
  /// The networks of the rows of the core at work.
  private var wires: [NetworkWires] = []

  /// Runs a pass of a layer of a batch. The operands have the sizes of `geometry` and `images`.
  public static func run(
    _ geometry: ConvolutionGeometry, mask: LayerMask, images: Int, hardware: HardwareDescription,
    operands: PassOperands
  ) -> ValueRun {
    let schedule = PassSchedule(
      geometry, mask: mask, pass: operands.pass, images: images, hardware: hardware)
    var pass = ValuePass(geometry, images: images, hardware: hardware, operands: operands)
    for items in schedule.cores { pass.core(items, schedule, images: images) }
    return pass.run
  }

  private init(
    _ geometry: ConvolutionGeometry, images: Int, hardware: HardwareDescription,
    operands: PassOperands
  ) {
    let sizes = operands.sizes(geometry, images: images)
    let sides = operands.sides
    precondition(
      sides.source.count == sizes.source && sides.other.count == sizes.other,
      "\(operands.pass.rawValue) operands of \(sides.source.count) and \(sides.other.count) values "
        + "for a layer of \(sizes.source) and \(sizes.other)")
    self.geometry = geometry
    self.hardware = hardware
    array = hardware.array
    source = CodedOperands(sides.source, format: hardware.array.operands)
    other = CodedOperands(sides.other, format: hardware.array.operands)
    network = CompressNetwork(lanes: hardware.array.window)
    run = ValueRun(values: [Float](repeating: 0, count: sizes.result), counts: ValueCounts())
    run.counts.toggles = [StageToggles](repeating: StageToggles(), count: network.stages)
  }

  private mutating func core(_ items: [PassSchedule.Item], _ schedule: PassSchedule, images: Int) {
    let words = OperandBuffer.words(lanes: array.lanes, format: array.operands)
    wires = [NetworkWires](
      repeating: NetworkWires(network, words: words), count: array.rows)
    for item in items {
      let group = schedule.groups[item.group]
      let part = schedule.parts[group.part]
      let tiling = Tiling(part, images: images, lanes: array.lanes)
      let tiles = item.bands.flatMap { band in
        (0..<tiling.tilesPerBand).map {
          TileLanes(tiling.tile(band: band, column: $0), part: part, geometry: geometry)
        }
      }
      if schedule.pass == .weightGradient {
        weightGradient(
          part, group: group.rows, order: group.order, tiles: tiles, windows: item.windows)
      } else {
        map(part, group: group.rows, order: group.order, tiles: tiles)
      }
    }
    for row in wires {
      run.counts.toggles = zip(run.counts.toggles, row.toggles).map { $0 + $1 }
    }
  }

  /// Forward and input gradient: a value for each output of the tiles.
  private mutating func map(
    _ part: LoweredPart, group: [Int], order: LineOrder, tiles: [TileLanes]
  ) {
    var known: [[Bool]: ControllerWindows] = [:]
    let partials = array.slots * array.adderStages
    var sums = [PartialSums](
      repeating: PartialSums(results: array.lanes, count: partials), count: group.count)
    let planeSize = targetPixels(part)
    for tile in tiles {
      let plan = known[
        tile.active,
        default: ControllerWindows(
          part, group: group, order: order, active: tile.active, network: network,
          detects: hardware.techniques.detectBeforeLoad)]
      known[tile.active] = plan
      if plan.windows.isEmpty { continue }
      var cycles = [Int](repeating: 0, count: group.count)
      for window in plan.windows {
        let buffer = buffer(window.entries, tile, part)
        for (index, row) in group.enumerated() {
          let taken = take(window, row: index, buffer)
          for (position, lane) in taken.enumerated() {
            let entry = window.entries[lane]
            if !part.needs(row: row, entry: entry) { continue }
            let partial =
              (cycles[index] + position / array.slots) % array.adderStages * array.slots
              + position % array.slots
            let weight = other.values[part.weight(row: row, entry: entry, geometry)]
            for (target, value) in buffer.values[lane].enumerated() {
              if let product = multiply(weight, value) {
                sums[index].add(product, to: target, partial: partial)
              }
            }
          }
          cycles[index] += issue(taken.count)
        }
      }
      for (index, row) in group.enumerated() {
        for lane in tile.targets.indices {
          let place = (tile.images[lane] * part.rows + row) * planeSize + tile.targets[lane]
          run.values[place] = array.results.rounded(sums[index].take(lane))
        }
      }
    }
  }

  /// Weight gradient: a value for each needed entry of the windows.
  private mutating func weightGradient(
    _ part: LoweredPart, group: [Int], order: LineOrder, tiles: [TileLanes],
    windows: Range<Int>
  ) {
    let anywhere = (0..<part.tapCount).map { tap in tiles.contains { $0.active[tap] } }
    let plan = ControllerWindows(
      part, group: group, order: order, active: anywhere, network: network,
      detects: hardware.techniques.detectBeforeLoad)
    var known: [[Bool]: ControllerWindows] = [:]
    let planeSize = targetPixels(part)
    for number in windows {
      let whole = plan.windows[number]
      var sums = [PartialSums](
        repeating: PartialSums(results: network.lanes, count: array.adderStages),
        count: group.count)
      var turns = [Int](repeating: 0, count: group.count)
      // The places of a row's packed results: its needed entries of the window, in order.
      let packed = group.map { row in whole.entries.filter { part.needs(row: row, entry: $0) } }
      for tile in tiles {
        let active = known[
          tile.active,
          default: plan.only(tile.active, network: network, part: part, group: group)]
        known[tile.active] = active
        let window = active.windows[number]
        if window.entries.isEmpty { continue }
        let buffer = buffer(window.entries, tile, part)
        for (index, row) in group.enumerated() {
          let gradients = tile.targets.indices.map { lane in
            other.values[(tile.images[lane] * part.rows + row) * planeSize + tile.targets[lane]]
          }
          let taken = take(window, row: index, buffer)
          var result = 0
          for lane in taken {
            let entry = window.entries[lane]
            if !part.needs(row: row, entry: entry) { continue }
            while packed[index][result] != entry { result += 1 }
            var products = [Float?](repeating: nil, count: array.lanes)
            for (lane, value) in buffer.values[lane].enumerated() where value != nil {
              products[lane] = multiply(gradients[lane], value)
            }
            if let sum = treeSum(products) {
              sums[index].add(sum, to: result, partial: turns[index] % array.adderStages)
            }
          }
          if issue(taken.count) > 0 { turns[index] += 1 }
        }
      }
      for (index, row) in group.enumerated() {
        write(&sums[index], whole, packed: packed[index].count, index: index, row: row, part)
      }
    }
  }

  /// Adds up the packed results of a row and brings them to mask order.
  private mutating func write(
    _ sums: inout PartialSums, _ window: ControllerWindows.Window, packed: Int, index: Int,
    row: Int, _ part: LoweredPart
  ) {
    let settings = window.settings[index]
    var results: [Float?] = (0..<network.lanes).map { $0 < packed ? sums.take($0) : nil }
    // With the network switched off each result is already at the lane of its entry.
    if hardware.techniques.compress { run.counts.expandMoves += settings.moves }
    results = network.expand(results, settings)
    for (lane, entry) in window.entries.enumerated() {
      if let value = results[lane] {
        run.values[part.weight(row: row, entry: entry, geometry)] = value
      }
    }
  }

  private func buffer(_ entries: [Int], _ tile: TileLanes, _ part: LoweredPart) -> OperandBuffer {
    OperandBuffer(
      entries: entries, tile, part: part, source: source, lanes: array.lanes,
      format: array.operands)
  }

  /// The lanes that a row takes of a window, in order: those that its network packs to the front, or
  /// all.
  private mutating func take(
    _ window: ControllerWindows.Window, row: Int, _ buffer: OperandBuffer
  ) -> [Int] {
    if !hardware.techniques.compress { return Array(window.entries.indices) }
    let settings = window.settings[row]
    run.counts.compressMoves += settings.moves
    return wires[row].compress(buffer.bits, settings)
  }

  /// Counts the cycles that a row takes for so many vectors of a window.
  private mutating func issue(_ vectors: Int) -> Int {
    let cycles = ceilingDivision(vectors, array.slots)
    run.counts.issues += cycles
    run.counts.vectorsTaken += vectors
    return cycles
  }

  /// A product, if the multiplier makes it.
  private mutating func multiply(_ factor: Float, _ value: Float?) -> Float? {
    guard let value else { return nil }
    if hardware.techniques.gateZeroOperands && (factor == 0 || value == 0) {
      run.counts.gatedProducts += 1
      return nil
    }
    run.counts.products += 1
    return factor * value
  }

  /// Values of a plane of the map that the targets of tiles point into.
  private func targetPixels(_ part: LoweredPart) -> Int {
    part.pass == .inputGradient ? geometry.input.pixels : geometry.output.pixels
  }
}
