// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

extension LoweredPart {
  /// A pass of a layer as parts: one, or for a strided input gradient one for each sub-pixel phase
  /// that any tap reaches. Inserted zeros are never multiplied.
  ///
  /// With stride σ, dilation δ and padding π before the map, the gradient of input row σ·i + a
  /// gathers, of the kernel rows r with (a + π - δ·r) divisible by σ, output rows
  /// i + (a + π - δ·r)/σ: a convolution of stride 1 with a subset of the taps. Columns likewise.
  public static func lower(_ geometry: ConvolutionGeometry, mask: LayerMask, pass: Pass)
    -> [LoweredPart]
  {
    switch pass {
    case .forward, .weightGradient: [outputMajor(geometry, mask: mask, pass: pass)]
    case .inputGradient: inputGradient(geometry, mask: mask)
    }
  }

  private static func outputMajor(_ geometry: ConvolutionGeometry, mask: LayerMask, pass: Pass)
    -> LoweredPart
  {
    let taps = geometry.rows * geometry.columns
    let entries = geometry.input.channels * taps
    let wordsPerRow = (entries + 63) / 64
    var words = [UInt64](repeating: 0, count: geometry.filters * wordsPerRow)
    let perFilter = geometry.channelsPerGroup * taps
    let filtersPerGroup = geometry.filters / geometry.groups
    let kept = mask.elementBits
    for filter in 0..<geometry.filters {
      // A group's channels are a run of the source planes.
      let first = filter / filtersPerGroup * perFilter
      var done = 0
      while done < perFilter {
        let place = first + done
        let length = min(64 - place & 63, perFilter - done)
        words[filter * wordsPerRow + place >> 6] |=
          kept.bits(from: filter * perFilter + done, length: length) << UInt64(place & 63)
        done += length
      }
    }
    return LoweredPart(
      pass: pass, rows: geometry.filters, planes: geometry.input.channels,
      rowAxis: Axis(
        outputs: geometry.output.height, source: geometry.input.height,
        step: geometry.vertical.stride,
        offsets: (0..<geometry.rows).map(geometry.vertical.offset)),
      columnAxis: Axis(
        outputs: geometry.output.width, source: geometry.input.width,
        step: geometry.horizontal.stride,
        offsets: (0..<geometry.columns).map(geometry.horizontal.offset)),
      taps: (0..<taps).map { ($0 / geometry.columns, $0 % geometry.columns) }, words: words,
      groups: geometry.groups)
  }

  private static func inputGradient(_ geometry: ConvolutionGeometry, mask: LayerMask)
    -> [LoweredPart]
  {
    let rowPhases = phases(
      geometry.vertical, size: geometry.input.height, source: geometry.output.height)
    let columnPhases = phases(
      geometry.horizontal, size: geometry.input.width, source: geometry.output.width)
    let kept = mask.elementBits
    return rowPhases.flatMap { rows in
      columnPhases.map { columns in
        inputGradientPart(geometry, kept: kept, rows: rows, columns: columns)
      }
    }
  }

  /// One phase of one direction, with the kernel index behind each offset.
  private struct Phase {
    var axis: Axis
    var kernel: [Int]
  }

  private static func phases(_ window: WindowAxis, size: Int, source: Int) -> [Phase] {
    (0..<min(window.stride, size)).compactMap { phase in
      // Descending kernel indices are ascending offsets.
      let taps = (0..<window.kernel).reversed().filter {
        (phase - window.offset($0)) % window.stride == 0
      }
      if taps.isEmpty { return nil }
      return Phase(
        axis: Axis(
          outputs: (size - phase + window.stride - 1) / window.stride, source: source, step: 1,
          offsets: taps.map { (phase - window.offset($0)) / window.stride }),
        kernel: taps)
    }
  }

  private static func inputGradientPart(
    _ geometry: ConvolutionGeometry, kept: Bits, rows: Phase, columns: Phase
  ) -> LoweredPart {
    let taps = rows.kernel.flatMap { row in columns.kernel.map { (row: row, column: $0) } }
    let entries = geometry.filters * taps.count
    let wordsPerRow = (entries + 63) / 64
    var words = [UInt64](repeating: 0, count: geometry.input.channels * wordsPerRow)
    // The index of a kernel position among the part's taps; -1 for positions of other phases.
    var place = [Int](repeating: -1, count: geometry.rows * geometry.columns)
    for (index, tap) in taps.enumerated() { place[tap.row * geometry.columns + tap.column] = index }
    let area = geometry.rows * geometry.columns
    let perFilter = geometry.channelsPerGroup * area
    let filtersPerGroup = geometry.filters / geometry.groups
    for element in kept.setBits {
      let filter = element / perFilter
      let inFilter = element % perFilter
      let tap = place[inFilter % area]
      if tap < 0 { continue }
      let channel = filter / filtersPerGroup * geometry.channelsPerGroup + inFilter / area
      let entry = filter * taps.count + tap
      words[channel * wordsPerRow + entry >> 6] |= 1 << UInt64(entry & 63)
    }
    return LoweredPart(
      pass: .inputGradient, rows: geometry.input.channels, planes: geometry.filters,
      rowAxis: rows.axis, columnAxis: columns.axis, taps: taps, words: words,
      groups: geometry.groups)
  }
}
