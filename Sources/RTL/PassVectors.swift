// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Tensor

/// A pass of a layer as `tb_swpu_core` reads it: every item of every core, with its inputs and the
/// outputs that the model expects.
struct PassVectors {
  /// Lines of the file.
  private(set) var text = ""
  /// Results of all items.
  private(set) var results = 0
  private(set) var items = 0
  /// Cycles of all items, fill included.
  private(set) var cycles = 0

  private let hardware: HardwareDescription
  private let geometry: ConvolutionGeometry
  private let images: Int
  private let source: CodedOperands
  private let other: CodedOperands
  private let values: [Float]

  /// Largest sizes of `swpu_types_pkg`.
  static let kernelSize = 7
  static let rowWords = 128
  static let positionBits = 8
  /// Places of a listed line.
  static let columnPlaces = 8

  /// The items of a pass.
  init(_ work: RandomPass, hardware: HardwareDescription) throws(RTLError) {
    self.hardware = hardware
    geometry = work.geometry
    images = work.images
    let sides = work.operands.sides
    source = CodedOperands(sides.source, format: hardware.array.operands)
    other = CodedOperands(sides.other, format: hardware.array.operands)
    values =
      ValuePass.run(
        work.geometry, mask: work.mask, images: work.images, hardware: hardware,
        operands: work.operands
      ).values
    let schedule = PassSchedule(
      work.geometry, mask: work.mask, pass: work.operands.pass, images: work.images,
      hardware: hardware)
    for part in schedule.parts
    where max(part.kernelRows, part.kernelColumns) > Self.kernelSize
      || part.wordsPerRow > Self.rowWords
    {
      throw RTLError(
        "a layer of \(part.entries) entries, kernels \(part.kernelRows)x\(part.kernelColumns); the "
          + "RTL takes \(64 * Self.rowWords) entries, kernels up to 7x7")
    }
    var coreCycles: [Int] = []
    for list in schedule.cores {
      let before = cycles
      for item in list { append(item, schedule) }
      coreCycles.append(cycles - before)
    }
    // The items that the bench compares sum to the fast level's figures of the whole pass.
    precondition(
      coreCycles == schedule.fastTiming(hardware).coreCycles, "the model's levels differ")
  }

  private mutating func append(_ item: PassSchedule.Item, _ schedule: PassSchedule) {
    let group = schedule.groups[item.group]
    let part = schedule.parts[group.part]
    let tiling = Tiling(part, images: images, lanes: hardware.array.lanes)
    let tiles = item.bands.flatMap { band in
      (0..<tiling.tilesPerBand).map {
        ItemTile(
          tiling.tile(band: band, column: $0), part: part, tiling, geometry,
          hardwareLanes: hardware.array.lanes)
      }
    }
    var core = SteppedCore(hardware)
    core.run(item, of: schedule)
    items += 1
    cycles += core.cycles

    let isGradient = part.pass == .weightGradient
    var first = 0
    let order = group.order
    let results: [String]
    if isGradient {
      let anywhere = (0..<part.tapCount).map { tap in tiles.contains { $0.lanes.active[tap] } }
      let plan = ControllerWindows(
        part, group: group.rows, order: group.order, active: anywhere,
        network: CompressNetwork(lanes: hardware.array.window), detects: true)
      if item.windows.lowerBound > 0 {
        let entry = plan.windows[item.windows.lowerBound].entries[0]
        first = (0..<order.places).first { order.entry($0) == entry } ?? 0
      }
      results = gradients(plan.windows[item.windows], part, group.rows)
    } else {
      results = outputs(tiles, part, group.rows)
    }
    text += description(
      part, group.rows, order, tiles, first: first, windows: item.windows.count)
    let runs = tiles.map { $0.mostRuns(hardware.memory.portElements) }.max() ?? 1
    text += "\(tiles.count) \(part.planes * part.kernelRows) \(runs) \(core.cycles) "
    text += "\(core.activity.sourceAccesses) \(core.activity.gradientAccesses) \(results.count)\n"
    for row in group.rows { text += part.mask(row).map { hex($0) + "\n" }.joined() }
    text += list(order, part, group.rows)
    for row in group.rows { text += weights(row, part) }
    let wanted = (0..<part.entries).filter { entry in
      group.rows.contains { part.needs(row: $0, entry: entry) }
    }
    let lines = Set(wanted.map { $0 / part.kernelColumns }).sorted()
    for tile in tiles {
      text += tile.text(lines: lines, part, source: source, memory: hardware.memory)
      if isGradient { text += gradientRuns(tile, group.rows, part) }
    }
    text += results.joined()
  }

  /// The kind of item, and for the weight gradient at which place it starts and which taps read when.
  private func description(
    _ part: LoweredPart, _ rows: [Int], _ order: LineOrder, _ tiles: [ItemTile], first: Int,
    windows: Int
  ) -> String {
    let word = first & ~63
    let line = word / part.kernelColumns
    let isListed = order.list != nil
    let start =
      isListed
      ? (
        word: first / part.kernelColumns / LineOrder.linesPerScan,
        place: first / part.kernelColumns % LineOrder.linesPerScan * Self.columnPlaces
          + first % part.kernelColumns
      ) : (word: first >> 6, place: first & 63)
    let lastWord = isListed ? (order.lines - 1) / LineOrder.linesPerScan : part.wordsPerRow - 1
    var anywhere = HexNumber()
    var last = HexNumber()
    for row in 0..<Self.kernelSize {
      for column in 0..<Self.kernelSize {
        let isTap = row < part.kernelRows && column < part.kernelColumns
        let tile =
          isTap
          ? tiles.lastIndex { $0.lanes.active[row * part.kernelColumns + column] } : nil
        anywhere.append(tile == nil ? 0 : 1, width: 1)
        last.append(UInt64(tile ?? 0), width: 16)
      }
    }
    let fields: [Int] = [
      part.pass == .weightGradient ? 1 : 0, 1 << rows.count - 1, part.kernelRows - 1,
      part.kernelColumns - 1, part.wordsPerRow - 1, lastWord, start.word, start.place, line,
      line % part.kernelRows, word % part.kernelColumns, max(0, windows - 1),
    ]
    return (fields.map { hex($0) } + [anywhere.text, last.text]).joined(separator: " ") + "\n"
  }

  /// The lines of a list with what each row needs of them, filled up to whole words of the scan.
  private func list(_ order: LineOrder, _ part: LoweredPart, _ rows: [Int]) -> String {
    guard let list = order.list else { return "0\n" }
    let columns = part.kernelColumns
    var lines = list.map { line in
      var needed = HexNumber()
      for row in rows {
        for column in 0..<Self.kernelSize {
          let isNeeded =
            column < columns && part.needs(row: row, entry: Int(line) * columns + column)
          needed.append(isNeeded ? 1 : 0, width: 1)
        }
      }
      return [
        hex(Int(line) * columns), hex(line), hex(Int(line) % part.kernelRows), needed.text,
      ].joined(separator: " ") + "\n"
    }
    while lines.count % LineOrder.linesPerScan != 0 { lines.append("0 0 0 0\n") }
    return "\(lines.count)\n" + lines.joined()
  }

  /// The kept weights of a row in the order of its entries; none in the weight-gradient pass.
  private func weights(_ row: Int, _ part: LoweredPart) -> String {
    if part.pass == .weightGradient { return "0\n" }
    let kept = (0..<part.entries).filter { part.needs(row: row, entry: $0) }
    return "\(kept.count)\n"
      + kept.map { hex(other.codes[part.weight(row: row, entry: $0, geometry)]) + "\n" }.joined()
  }

  /// Values of a plane of the map that tiles write, or whose gradients they multiply by.
  private func planeSize(_ part: LoweredPart) -> Int {
    part.pass == .inputGradient ? geometry.input.pixels : geometry.output.pixels
  }

  private func gradientRuns(_ tile: ItemTile, _ rows: [Int], _ part: LoweredPart) -> String {
    rows.map { row in
      let codes = tile.lanes.targets.indices.map { lane in
        other.codes[
          (tile.lanes.images[lane] * part.rows + row) * planeSize(part) + tile.lanes.targets[lane]]
      }
      return runsText(codes, elements: hardware.memory.portElements)
    }.joined()
  }

  /// The results of the tiles in which any row needs any entry.
  private mutating func outputs(_ tiles: [ItemTile], _ part: LoweredPart, _ rows: [Int])
    -> [String]
  {
    var lines: [String] = []
    for tile in tiles {
      let hasWork = (0..<part.entries).contains { entry in
        tile.lanes.active[entry % part.tapCount]
          && rows.contains { part.needs(row: $0, entry: entry) }
      }
      if !hasWork { continue }
      var line = "\(lines.count)\n\(hex(UInt64(1) << UInt64(tile.lanes.targets.count) - 1))\n"
      for row in rows {
        let results = tile.lanes.targets.indices.map { lane in
          values[
            (tile.lanes.images[lane] * part.rows + row) * planeSize(part)
              + tile.lanes.targets[lane]]
        }
        line += HexNumber(results.map { UInt64($0.bitPattern) }, width: 32).text + "\n"
        self.results += results.count
      }
      lines.append(line)
    }
    return lines
  }

  /// The results of some fixed windows, at the lanes of their entries.
  private mutating func gradients(
    _ windows: ArraySlice<ControllerWindows.Window>, _ part: LoweredPart, _ rows: [Int]
  ) -> [String] {
    windows.enumerated().map { number, window in
      var line = "\(number)\n"
      for (index, row) in rows.enumerated() {
        let needed = window.settings[index].occupied[0]
        let results = window.entries.enumerated().map { lane, entry in
          needed >> UInt64(lane) & 1 == 0
            ? 0 : values[part.weight(row: row, entry: entry, geometry)]
        }
        self.results += needed.nonzeroBitCount
        line += "\(hex(needed)) "
        line += HexNumber(results.map { UInt64($0.bitPattern) }, width: 32).text + "\n"
      }
      return line
    }
  }
}

/// Elements as a memory gives them: run by run, a line each.
private func runsText(_ codes: [UInt16], elements: Int) -> String {
  stride(from: 0, to: codes.count, by: elements).map { first in
    let run = codes[first..<min(codes.count, first + elements)]
    return HexNumber(run.map { UInt64($0) }, width: 16).text + "\n"
  }.joined()
}

/// A tile as the core's memories know it.
private struct ItemTile {
  let lanes: TileLanes
  private let tile: Tiling.Tile
  private let tileClass: TileClass
  /// Source columns that the tile spans.
  private let span: Range<Int>
  /// Output rows that read inside the map, for each kernel row.
  private let rowsInside: [[Int]]
  /// Lanes of a row, more perhaps than the tile's.
  private let hardwareLanes: Int

  init(
    _ tile: Tiling.Tile, part: LoweredPart, _ tiling: Tiling, _ geometry: ConvolutionGeometry,
    hardwareLanes: Int
  ) {
    self.hardwareLanes = hardwareLanes
    lanes = TileLanes(tile, part: part, geometry: geometry)
    self.tile = tile
    tileClass = TileClass(tile, tiling)
    span = part.columnAxis.span(tile.columns)
    rowsInside = (0..<part.kernelRows).map { tap in
      tile.rows.filter { part.rowAxis.read($0, tap: tap) != nil }
    }
  }

  /// Runs of the line, or of the output gradients, that takes most.
  func mostRuns(_ elements: Int) -> Int {
    let lines = rowsInside.indices.map { tileClass.accesses(row: $0, portElements: elements) }
    return max(lines.max() ?? 0, ceilingDivision(tileClass.outputs, elements))
  }

  /// The tile's description and the lines of its source.
  func text(
    lines: [Int], _ part: LoweredPart, source: CodedOperands,
    memory: HardwareDescription.Memory
  ) -> String {
    var text = "\(places(part)) "
    let elements = memory.portElements
    let runBits = PassVectors.positionBits - elements.trailingZeroBitCount + 1
    text +=
      HexNumber(
        rowsInside.indices.map { UInt64(tileClass.accesses(row: $0, portElements: elements)) },
        width: runBits
      ).text
    let read = lines.filter { tileClass.reads(row: $0 % part.kernelRows) }
    text += " \(hex(ceilingDivision(tileClass.outputs, elements))) \(read.count)\n"
    for line in read {
      let (plane, tap) = (line / part.kernelRows, line % part.kernelRows)
      let codes = tile.images.flatMap { image in
        rowsInside[tap].flatMap { row in
          span.map { column in
            let place = (part.rowAxis.read(row, tap: tap) ?? 0) * part.columnAxis.source + column
            let pixels = part.rowAxis.source * part.columnAxis.source
            return source.codes[(image * part.planes + plane) * pixels + place]
          }
        }
      }
      text += "\(line) \(ceilingDivision(codes.count, elements))\n"
      text += runsText(codes, elements: elements)
    }
    return text
  }

  /// Where each lane reads through each kernel row and column: an element of the line's source is its
  /// image, its row among those inside, and its column in the span.
  private func places(_ part: LoweredPart) -> String {
    let outputs = tile.images.flatMap { image in
      tile.rows.flatMap { row in tile.columns.map { (image, row, $0) } }
    }
    func field(_ position: Int?) -> UInt64 {
      guard let position else { return 0 }
      precondition(position < 1 << PassVectors.positionBits, "a line of too many elements")
      return UInt64(position) | 1 << UInt64(PassVectors.positionBits)
    }
    var rows = HexNumber()
    for inside in rowsInside {
      for lane in 0..<hardwareLanes {
        guard lane < outputs.count, let place = inside.firstIndex(of: outputs[lane].1) else {
          rows.append(0, width: PassVectors.positionBits + 1)
          continue
        }
        let image = outputs[lane].0 - tile.images.lowerBound
        rows.append(
          field((image * inside.count + place) * span.count), width: PassVectors.positionBits + 1)
      }
    }
    var columns = HexNumber()
    for tap in 0..<part.kernelColumns {
      for lane in 0..<hardwareLanes {
        let source =
          lane < outputs.count ? part.columnAxis.read(outputs[lane].2, tap: tap) : nil
        columns.append(
          field(source.map { $0 - span.lowerBound }), width: PassVectors.positionBits + 1)
      }
    }
    return "\(rows.text) \(columns.text)"
  }
}
