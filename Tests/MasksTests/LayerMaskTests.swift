// SPDX-License-Identifier: Apache-2.0
import Files
import MaskSamples
import Tensor
import Testing

@testable import Masks

@Suite struct LayerMaskTests {
  /// A mask of random lines and shapes, or of random elements.
  private func random(_ random: inout SeededRandom, _ shape: FilterShape) -> LayerMask {
    let side = [2, 4][random.below(2)]
    if random.below(3) == 0 {
      let elements = Bits(count: shape.count) { _ in random.below(3) == 0 }
      return LayerMask(shape: shape, blockSide: side, elements: elements)
    }
    let dense = LayerMask(dense: shape, blockSide: side)
    let lines = Bits(count: dense.lines.count) { _ in random.below(2) == 0 }
    let shapes = Bits(count: dense.shapes.count) { _ in random.below(3) > 0 }
    return LayerMask(shape: shape, blockSide: side, lines: lines, shapes: shapes)
  }

  @Test(arguments: layers)
  func denseKeepsEverything(shape: FilterShape) {
    let mask = LayerMask(dense: shape)
    #expect(mask.keptElements == shape.count)
    #expect(mask.density == 1 && mask.sparsity == 0)
    #expect(mask.countedElements == shape.count)
    #expect(mask.keptLines == mask.lines.count && mask.keptShapes == mask.shapes.count)
    #expect(mask.invariantViolations().isEmpty)
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func countsAgreeWithSingleWeights(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shape = random.layer()
    let mask = self.random(&random, shape)
    #expect(mask.invariantViolations() == [])
    #expect(mask.keptElements == mask.countedElements)
    let patterns = mask.tapPatterns()
    let bits = mask.elementBits
    for p in shape.places {
      let keeps = mask.keeps(filter: p.k, channel: p.c, row: p.r, column: p.s)
      let taps = mask.taps(filter: p.k, channel: p.c, row: p.r)
      #expect(taps >> UInt64(p.s) & 1 == (keeps ? 1 : 0))
      #expect(UInt64(patterns[p.index / shape.columns]) == taps)
      #expect(bits[p.index] == keeps)
      if keeps {
        #expect(mask.lines[mask.lineIndex(filter: p.k, channel: p.c, row: p.r)])
        #expect(mask.shapes[(p.c * shape.rows + p.r) * shape.columns + p.s])
      }
    }
    let perFilter = mask.linesPerFilter()
    for filter in 0..<shape.filters {
      var lines: Set<Int> = []
      for channel in 0..<shape.channels {
        for row in 0..<shape.rows {
          let line = mask.lineIndex(filter: filter, channel: channel, row: row)
          if mask.lines[line] { lines.insert(line) }
        }
      }
      #expect(perFilter[filter] == lines.count)
    }
  }

  /// Backpropagation reads (k,c,r,s) at (c,k,R-1-r,S-1-s): lines must stay lines, so a mask carried
  /// over line by line keeps the same weights.
  @Test(arguments: 0..<30 as Range<UInt64>)
  func transposedLinesKeepTheSameWeights(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    let shape = random.layer()
    let dense = LayerMask(dense: shape)
    let mask = LayerMask(
      shape: shape, lines: Bits(count: dense.lines.count) { _ in random.below(2) == 0 },
      shapes: dense.shapes)
    let turned = FilterShape(
      filters: shape.channels, channels: shape.filters, rows: shape.rows, columns: shape.columns)
    var lines = Bits(count: LayerMask(dense: turned).lines.count)
    let other = LayerMask(dense: turned)
    for p in shape.places where mask.keeps(filter: p.k, channel: p.c, row: p.r, column: p.s) {
      lines[other.lineIndex(filter: p.c, channel: p.k, row: shape.rows - 1 - p.r)] = true
    }
    let transposed = LayerMask(shape: turned, lines: lines, shapes: other.shapes)
    #expect(transposed.keptElements == mask.keptElements)
    #expect(transposed.keptLines == mask.keptLines)
    for p in shape.places {
      #expect(
        mask.keeps(filter: p.k, channel: p.c, row: p.r, column: p.s)
          == transposed.keeps(
            filter: p.c, channel: p.k, row: shape.rows - 1 - p.r, column: shape.columns - 1 - p.s))
    }
  }

  @Test func violationsAreFound() {
    let shape = FilterShape(filters: 2, channels: 1, rows: 2, columns: 3)
    let dense = LayerMask(dense: shape)
    func violations(lines: Bits, shapes: Bits, elements: Bits? = nil) -> [String] {
      LayerMask(unchecked: shape, blockSide: 4, lines: lines, shapes: shapes, elements: elements)
        .invariantViolations()
    }
    var none = dense.shapes
    for place in 0..<3 { none[place] = false }
    #expect(violations(lines: dense.lines, shapes: none) == ["kept lines without kept shapes"])
    #expect(violations(lines: Bits(count: 3), shapes: dense.shapes).count == 1)
    #expect(
      violations(lines: Bits(count: 4, uncheckedWords: [0xFF]), shapes: dense.shapes)
        == ["line bits beyond the last"])
    #expect(
      violations(
        lines: Bits(count: 4), shapes: dense.shapes, elements: Bits(count: 12, repeating: true)
      ).contains("elements outside kept lines"))
    #expect(
      violations(lines: dense.lines, shapes: dense.shapes, elements: Bits(count: 12))
        == ["kept lines without elements", "kept shapes without elements"])
    // The public way clears what keeps nothing instead.
    let cleared = LayerMask(shape: shape, lines: dense.lines, shapes: none)
    #expect(cleared.keptLines == 2 && cleared.invariantViolations().isEmpty)
  }

  @Test(arguments: 0..<30 as Range<UInt64>)
  func codingRoundTripsAndRejectsTheRest(seed: UInt64) throws {
    var random = SeededRandom(seed: seed)
    let mask = self.random(&random, random.layer())
    let bytes = mask.encoded()
    #expect(try LayerMask(decoding: bytes, file: "f", field: "m") == mask)
    for length in bytes.indices {
      #expect(throws: InputError.self) {
        try LayerMask(decoding: Array(bytes[..<length]), file: "f", field: "m")
      }
    }
    #expect(throws: InputError.self) {
      try LayerMask(decoding: bytes + [0], file: "f", field: "m")
    }
    // A flipped bit is an error or another mask that keeps its invariants, never a crash.
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= UInt8(1 << random.below(8))
      if let other = try? LayerMask(decoding: damaged, file: "f", field: "m") {
        #expect(other.invariantViolations().isEmpty && other != mask)
      }
    }
  }

  @Test func granularityIsRecognizedFromTheBits() {
    let shape = FilterShape(filters: 2, channels: 2, rows: 1, columns: 3)
    let dense = LayerMask(dense: shape)
    #expect(dense.recognizedGranularity == .dense)
    var lines = dense.lines
    lines[0] = false
    #expect(
      LayerMask(shape: shape, lines: lines, shapes: dense.shapes).recognizedGranularity
        == .subStructured)
    var elements = Bits(count: shape.count, repeating: true)
    elements[1] = false
    #expect(LayerMask(shape: shape, elements: elements).recognizedGranularity == .unstructured)
  }

  @Test func structureIsRecognizedFromSingleWeights() {
    for seed in 0..<60 as Range<UInt64> {
      var random = SeededRandom(seed: seed)
      let mask = self.random(&random, random.layer())
      let bits = mask.elementBits
      let found = LayerMask(recognizing: bits, shape: mask.shape, blockSide: mask.blockSide)
      #expect(found.elementBits == bits, "seed \(seed)")
      #expect(found.invariantViolations() == [], "seed \(seed)")
      // Lines and shapes are found where there were some; scattered weights may happen to have them.
      if mask.elements == nil { #expect(found.elements == nil, "seed \(seed)") }
      #expect(
        (found.recognizedGranularity == .dense) == (bits.popcount == bits.count), "seed \(seed)")
    }
  }

  @Test func hostileSizesAreNamed() throws {
    var bytes = [UInt8](repeating: 0, count: 24)
    for index in stride(from: 0, to: 16, by: 4) { bytes[index] = 1 }
    bytes[2] = 255
    bytes[6] = 255
    bytes[16] = 4
    let error = try #require(throws: InputError.self) {
      try LayerMask(decoding: bytes, file: "run.mask", field: "conv1")
    }
    #expect(error.file == "run.mask")
    #expect(error.field == "conv1 lines")
    #expect(error.value == "0 bytes left")
  }
}
