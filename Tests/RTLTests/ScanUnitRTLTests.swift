import Sparsity
import Tensor
import Testing

@testable import Processor

@Suite(.needsVerilator) struct ScanUnitRTLTests {
  /// Words of a row's mask in the bench at most.
  private static let rowWords = 16

  /// The windows of a tile as the bench reads them.
  private struct Windows {
    var text = ""
    var count = 0
  }

  /// A lowered layer with a random mask, of at most `rowWords` words a row.
  private func layer(_ random: inout SeededRandom) -> (part: LoweredPart, images: Int) {
    func pick<Choice>(_ choices: [Choice]) -> Choice { choices[random.below(choices.count)] }
    while true {
      let rows = pick([1, 1, 2, 3, 3, 3, 5])
      let columns = pick([rows, rows, 1])
      guard
        let geometry = ConvolutionGeometry(
          input: MapShape(
            channels: 1 + random.below(pick([8, 100])), height: 1 + random.below(6),
            width: 1 + random.below(6)),
          filters: 1 + random.below(40), rows: rows, columns: columns, stride: pick([1, 1, 2]),
          paddingRows: random.below(rows), paddingColumns: random.below(columns))
      else { continue }
      let shape = FilterShape(
        filters: geometry.filters, channels: geometry.input.channels, rows: rows, columns: columns)
      let density = pick([0, 0.02, 0.1, 0.3, 1])
      let mask = LayerMask(
        shape: shape,
        elements: Bits(count: shape.count) { _ in Double(random.uniform()) < density })
      let parts = LoweredPart.lower(
        geometry, mask: mask, pass: pick([.forward, .forward, .inputGradient]))
      guard !parts.isEmpty else { continue }
      let part = pick(parts)
      if part.wordsPerRow <= Self.rowWords { return (part, 1 + random.below(3)) }
    }
  }

  /// Whole windows, then words that no row needs: only behind those does it show which is the last.
  private func endsInEmptyWords() -> LoweredPart {
    let axis = Axis(outputs: 1, source: 1, step: 1, offsets: [0])
    return LoweredPart(
      pass: .forward, rows: 3, planes: 300, rowAxis: axis, columnAxis: axis, taps: [(0, 0)],
      words: [0xFFFF_FFFF, 0, 0, 0, 0, 0x0F, 0, 0, 0, 0, 0, 0, 0, 0, 0])
  }

  /// The windows that the controller packs of a group in a tile: what they hold from
  /// `ControllerWindows`, what each row does in them from the stepped `DetectController`.
  private func windows(
    _ part: LoweredPart, group: [Int], tileClass: TileClass, hardware: HardwareDescription
  ) -> Windows {
    let array = hardware.array
    let active = (0..<part.tapCount).map {
      tileClass.lanes(row: $0 / part.kernelColumns, column: $0 % part.kernelColumns) > 0
    }
    let plan = ControllerWindows(
      part, group: group, active: active, network: CompressNetwork(lanes: array.window),
      detects: true)
    var controller = DetectController(part, group: group, hardware: hardware)
    controller.open(
      SteppedTile(tileClass, part: part, memory: hardware.memory), run: 0..<part.entries)
    let countBits = array.window.trailingZeroBitCount + 1
    let absent = [UInt64](repeating: 0, count: array.rows - group.count)
    var windows = Windows()
    for window in plan.windows {
      guard let (stepped, isLast) = controller.nextWindow() else {
        Issue.record("the controller has a window less")
        break
      }
      let entries = window.entries.map { UInt64($0) }
      let lanes = entries + [UInt64](repeating: 0, count: array.window - entries.count)
      let needed = window.settings.map { $0.occupied[0] }
      let counts = stepped.issues.map { UInt64($0) }
      windows.text +=
        [
          isLast ? "1" : "0", hex(entries.count),
          HexNumber(lanes, width: (Self.rowWords * 64).trailingZeroBitCount).text,
          HexNumber(needed + absent, width: array.window).text,
          HexNumber(counts + absent, width: countBits).text,
        ].joined(separator: " ") + "\n"
      windows.count += 1
    }
    #expect(controller.nextWindow() == nil)
    return windows
  }

  /// A tile: the words, and the windows.
  private func tile(
    _ part: LoweredPart, group: [Int], tileClass: TileClass, hardware: HardwareDescription
  ) -> Windows {
    var lines = [hex(part.wordsPerRow)]
    for word in 0..<part.wordsPerRow {
      var inside: UInt64 = 0
      for entry in word * 64..<min(part.entries, word * 64 + 64) {
        let tap = entry % part.tapCount
        if tileClass.lanes(row: tap / part.kernelColumns, column: tap % part.kernelColumns) > 0 {
          inside |= 1 << UInt64(entry & 63)
        }
      }
      let masks = group.map { part.words[$0 * part.wordsPerRow + word] }
      let absent = [UInt64](repeating: 0, count: hardware.array.rows - group.count)
      lines.append("\(hex(inside)) \(HexNumber(masks + absent, width: 64).text)")
    }
    var tile = windows(part, group: group, tileClass: tileClass, hardware: hardware)
    lines.append(hex(tile.count))
    tile.text = lines.joined(separator: "\n") + "\n" + tile.text
    return tile
  }

  private func check(layers: Int) throws {
    var files: [String: String] = [:]
    var checked = 0
    for (rows, window, units) in [(4, 8, 2), (16, 32, 1)] {
      var hardware = HardwareDescription.small
      hardware.array.rows = rows
      hardware.array.window = window
      // One entry a cycle: the cycles of a row are the entries that it needs.
      hardware.array.slots = 1
      var random = SeededRandom(seed: 1, stream: 305)
      var text = ""
      for index in 0..<layers {
        let (part, images) = index == 0 ? (endsInEmptyWords(), 1) : layer(&random)
        let tiling = Tiling(part, images: images, lanes: hardware.array.lanes)
        let order = TileOrder(tiling, bands: 0..<tiling.bands)
        let groups = part.groups(of: rows, order: .hamming)
        let group = groups[random.below(groups.count)]
        for tileClass in order.classes.prefix(3) {
          let tile = tile(part, group: group, tileClass: tileClass, hardware: hardware)
          text += tile.text
          checked += units * tile.count
        }
      }
      files["scan\(rows).txt"] = text
    }
    let outcome = try Bench.run("tb_swpu_scan_unit", vectors: files)
    #expect(outcome == Bench.Outcome(checked: checked, differing: 0))
    #expect(checked > 10 * layers)
  }

  @Test("the windows of 30 layers' tiles, for 4 rows and windows of 8, and 16 and 32")
  func windows() throws { try check(layers: 30) }

  @Test("1,000 layers", .enabled(if: Bench.isSlow))
  func manyLayers() throws { try check(layers: 1000) }
}
