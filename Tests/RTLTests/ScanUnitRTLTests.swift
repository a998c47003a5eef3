// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor
@testable import RTL

@Suite(.needsVerilator) struct ScanUnitRTLTests {
  /// Words of a row's mask in the bench at most.
  private static let rowWords = 16
  /// Bits of the numbers of entries and lines.
  private static let entryBits = 13

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
  /// `ControllerWindows`, the cycles of the scan from the stepped `DetectController`.
  private func windows(
    _ part: LoweredPart, group: [Int], tileClass: TileClass, hardware: HardwareDescription
  ) -> Windows {
    let array = hardware.array
    let active = (0..<part.tapCount).map {
      tileClass.lanes(row: $0 / part.kernelColumns, column: $0 % part.kernelColumns) > 0
    }
    let plan = ControllerWindows(
      part, group: group, order: LineOrder(natural: part), active: active,
      network: CompressNetwork(lanes: array.window),
      detects: true)
    var controller = DetectController(
      part, group: group, order: LineOrder(natural: part), hardware: hardware)
    controller.open(
      SteppedTile(tileClass, part: part, memory: hardware.memory), run: 0..<part.entries)
    let absent = [UInt64](repeating: 0, count: array.rows - group.count)
    var windows = Windows()
    for window in plan.windows {
      guard let (stepped, isLast) = controller.nextWindow() else {
        Issue.record("the controller has a window less")
        break
      }
      let lanes = window.entries + [Int](repeating: 0, count: array.window - window.entries.count)
      func field(_ value: (Int) -> Int, width: Int) -> String {
        HexNumber(lanes.map { UInt64(value($0)) }, width: width).text
      }
      let needed = window.settings.map { $0.occupied[0] }
      windows.text +=
        [
          isLast ? "1" : "0", hex(window.entries.count), hex(stepped.scanCycles),
          field({ $0 }, width: Self.entryBits),
          field({ $0 / part.kernelColumns }, width: Self.entryBits),
          field({ $0 / part.kernelColumns % part.kernelRows }, width: 3),
          field({ $0 % part.kernelColumns }, width: 3),
          HexNumber(needed + absent, width: array.window).text,
        ].joined(separator: " ") + "\n"
      windows.count += 1
    }
    #expect(controller.nextWindow() == nil)
    return windows
  }

  /// A tile: kernel, active taps, words, and the windows.
  private func tile(
    _ part: LoweredPart, group: [Int], tileClass: TileClass, hardware: HardwareDescription
  ) -> Windows {
    var active = HexNumber()
    for row in 0..<PassVectors.kernelSize {
      for column in 0..<PassVectors.kernelSize {
        let isTap = row < part.kernelRows && column < part.kernelColumns
        active.append(
          isTap && tileClass.lanes(row: row, column: column) > 0 ? 1 : 0, width: 1)
      }
    }
    var lines = [
      [
        hex(part.wordsPerRow - 1), hex(part.kernelRows - 1), hex(part.kernelColumns - 1),
        active.text,
      ].joined(separator: " ")
    ]
    for word in 0..<part.wordsPerRow {
      let masks = group.map { part.words[$0 * part.wordsPerRow + word] }
      let absent = [UInt64](repeating: 0, count: hardware.array.rows - group.count)
      lines.append(HexNumber(masks + absent, width: 64).text)
    }
    var tile = windows(part, group: group, tileClass: tileClass, hardware: hardware)
    lines.append(hex(tile.count))
    tile.text = lines.joined(separator: "\n") + "\n" + tile.text
    return tile
  }

  private func check(_ array: HardwareDescription.Array, layers: Int) throws {
    var hardware = HardwareDescription.small
    hardware.array = array
    var random = SeededRandom(seed: 1, stream: 305)
    var text = ""
    var windows = 0
    for index in 0..<layers {
      let (part, images) = index == 0 ? (endsInEmptyWords(), 1) : layer(&random)
      let tiling = Tiling(part, images: images, lanes: array.lanes)
      let order = TileOrder(tiling, bands: 0..<tiling.bands)
      let groups = part.groups(of: array.rows, order: .hamming)
      let group = groups[random.below(groups.count)]
      for tileClass in order.classes.prefix(3) {
        let tile = tile(part, group: group, tileClass: tileClass, hardware: hardware)
        text += tile.text
        windows += tile.count
      }
    }
    let bench = try RTLBench(
      "tb_swpu_scan_unit", hardware: Bench.hardware, package: hardware.rtlPackage(),
      kept: Bench.kept)
    defer { bench.remove() }
    let outcome = try bench.run(vectors: ["scan.txt": text], argument: "scan.txt")
    #expect(outcome == Bench.Outcome(checked: windows, differing: 0))
    #expect(windows > 3 * layers)
  }

  private static let rowsOf16: HardwareDescription.Array = {
    var array = HardwareDescription.small.array
    array.rows = 16
    array.window = 32
    return array
  }()

  @Test("the windows of 30 layers' tiles, and the cycles that find them")
  func windows() throws { try check(HardwareDescription.small.array, layers: 30) }

  @Test("1,000 layers for 4 rows and windows of 8, and for 16 and 32", .enabled(if: Bench.isSlow))
  func manyLayers() throws {
    try check(HardwareDescription.small.array, layers: 1000)
    try check(Self.rowsOf16, layers: 1000)
  }
}
