// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor

@Suite struct ValuePassTests {
  @Test("values equal the reference in every bit", arguments: Pass.allCases)
  func bits(pass: Pass) {
    var kinds = (nan: 0, infinite: 0, subnormal: 0)
    for seed in 0..<70 as Range<UInt64> {
      let value = ValueCase(seed: seed)
      let run = value.run(pass)
      let difference = run.firstDifference(from: value.reference(pass))
      #expect(difference == nil, "seed \(seed)")
      kinds.nan += run.values.count { $0.isNaN }
      kinds.infinite += run.values.count { $0.isInfinite }
      kinds.subnormal += run.values.count { $0.isSubnormal }
    }
    #expect(kinds.nan > 0 && kinds.infinite > 0 && kinds.subnormal > 0)
  }

  /// The timing levels' figures of the same pass.
  private func counts(_ value: ValueCase, _ pass: Pass) -> (issue: Int, taken: Int, moves: Int) {
    let hardware = value.random.hardware
    let schedule = PassSchedule(
      value.random.geometry, mask: value.random.mask, pass: pass, images: value.random.images,
      hardware: hardware)
    var taken = 0
    var moves = 0
    for item in schedule.cores.joined() {
      let group = schedule.groups[item.group]
      let plan = group.plans[item.order]
      let order = schedule.orders[group.part][item.order]
      for (index, count) in order.counts.enumerated() {
        let set = plan.sets[plan.setOfClass[index]]
        for window in pass == .weightGradient ? item.windows : 0..<set.windows {
          let needed = set.needed[window * plan.rowCount..<(window + 1) * plan.rowCount]
          taken +=
            count
            * (hardware.techniques.compress
              ? needed.reduce(0) { $0 + Int($1) } : set.entries[window] * plan.rowCount)
          moves += count * set.moves[window]
        }
      }
    }
    return (schedule.fastTiming(hardware).issue, taken, moves)
  }

  @Test("issues, vectors, moves and products equal the timing levels'", arguments: Pass.allCases)
  func agreement(pass: Pass) {
    for seed in 100..<150 as Range<UInt64> {
      let value = ValueCase(seed: seed)
      let found = value.run(pass).counts
      let expected = counts(value, pass)
      #expect(found.issues == expected.issue, "seed \(seed)")
      #expect(found.vectorsTaken == expected.taken, "seed \(seed)")
      #expect(found.compressMoves == expected.moves, "seed \(seed)")
      let array = value.random.hardware.array
      let bits = array.lanes * array.operands.bits
      #expect(found.toggledBits.moved <= expected.moves * bits, "seed \(seed)")
      if !value.random.hardware.techniques.compress {
        #expect(found.toggledBits == StageToggles(), "seed \(seed)")
      }
      let products = LoweredPart.lower(
        value.random.geometry, mask: value.random.mask, pass: pass
      ).reduce(0) { $0 + $1.products(images: value.random.images) }
      #expect(found.products + found.gatedProducts == products, "seed \(seed)")
    }
  }

  /// Without padding a row packs a window the same way in each tile, and expands it once.
  @Test func gradientsGoBackThroughTheSwitchesTheyCameBy() {
    var moves = 0
    for seed in 300..<420 as Range<UInt64> {
      let value = ValueCase(seed: seed)
      let (geometry, hardware) = (value.random.geometry, value.random.hardware)
      if geometry.rows * geometry.columns > 1 { continue }
      let part = LoweredPart.lower(geometry, mask: value.random.mask, pass: .weightGradient)[0]
      let tiling = Tiling(part, images: value.random.images, lanes: hardware.array.lanes)
      let counts = value.run(.weightGradient).counts
      #expect(
        counts.compressMoves == counts.expandMoves * tiling.bands * tiling.tilesPerBand,
        "seed \(seed)")
      moves += counts.expandMoves
    }
    #expect(moves > 0)
  }

  /// The order of sums on a case small enough to write down: one row, one lane, A = 2, L = 1.
  @Test func interleavedSums() throws {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 4, height: 1, width: 1), filters: 1, rows: 1, columns: 1))
    let shape = FilterShape(filters: 1, channels: 4, rows: 1, columns: 1)
    var elements = Bits(count: 4, repeating: true)
    func forward(_ slots: Int) -> Float {
      var hardware = HardwareDescription.small
      hardware.array.slots = slots
      let run = ValuePass.run(
        geometry, mask: LayerMask(shape: shape, elements: elements), images: 1,
        hardware: hardware,
        operands: .forward(input: [0x1p12, 1, 1, 1], weights: [0x1p12, 1, 1, 1]))
      return run.values[0]
    }
    // p0 = 2^24 + 1 = 2^24, p1 = 1 + 1.
    #expect(forward(1) == 0x1p24 + 2)
    // Cycle 0: p0 = 2^24, p1 = 1; cycle 1: p2 = 1, p3 = 1; added from the left.
    #expect(forward(2) == 0x1p24)
    // Entries 0 and 2, 3 alternate: p0 = 2^24 + 1, p1 = 1.
    elements[1] = false
    #expect(forward(1) == 0x1p24)
  }

  /// The turn of a weight gradient's sums: 1x3 maps of one lane, so three tiles; A = 2.
  @Test func weightGradientTurns() throws {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 1, height: 1, width: 4), filters: 1, rows: 1, columns: 1))
    var hardware = HardwareDescription.small
    hardware.array.lanes = 1
    let run = ValuePass.run(
      geometry,
      mask: LayerMask(dense: FilterShape(filters: 1, channels: 1, rows: 1, columns: 1)),
      images: 1, hardware: hardware,
      operands: .weightGradient(input: [0x1p12, 1, 1, 1], outputGradient: [0x1p12, 1, 1, 1]))
    #expect(run.values == [0x1p24 + 2])
  }

  /// Tiles in which a row takes nothing are not counted: tap 0 reads padding in the first column, where
  /// the other filter still takes tap 1.
  @Test func tilesThatARowSitsOutTakeNoTurn() throws {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 1, height: 2, width: 3), filters: 2, rows: 1, columns: 3,
        paddingColumns: 1))
    var hardware = HardwareDescription.small
    hardware.array.lanes = 1
    let run = ValuePass.run(
      geometry,
      mask: LayerMask(
        shape: FilterShape(filters: 2, channels: 1, rows: 1, columns: 3),
        elements: Bits(count: 6) { $0 == 0 || $0 == 4 }),
      images: 1, hardware: hardware,
      operands: .weightGradient(
        input: [0x1p24, 1, 0, -0x1p24, 1, 0], outputGradient: [Float](repeating: 1, count: 12)))
    // p0 = 2^24 - 2^24, p1 = 1 + 1; with turns for all tiles 1 - 2^24 and 2^24 + 1 = 2^24.
    #expect(run.values[0] == 2)
  }

  @Test func gatingDecidesWhatInfinityTimesZeroIs() throws {
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 1, height: 1, width: 1), filters: 1, rows: 1, columns: 1))
    var hardware = HardwareDescription.small
    for gates in [true, false] {
      hardware.techniques.gateZeroOperands = gates
      let run = ValuePass.run(
        geometry,
        mask: LayerMask(dense: FilterShape(filters: 1, channels: 1, rows: 1, columns: 1)),
        images: 1, hardware: hardware, operands: .forward(input: [.infinity], weights: [0]))
      #expect(run.values[0].bitPattern == (gates ? 0 : 0x7FC0_0000))
      #expect(run.counts.products == (gates ? 0 : 1))
      #expect(run.counts.gatedProducts == (gates ? 1 : 0))
    }
  }

  @Test func checksumSeesEveryBit() {
    let value = ValueCase(seed: 3, values: .ordinary)
    let run = value.run(.forward)
    var other = run
    #expect(run.valueChecksum == other.valueChecksum)
    other.values[0] = Float(bitPattern: other.values[0].bitPattern ^ 1)
    #expect(run.valueChecksum != other.valueChecksum)
    #expect(other.firstDifference(from: run.values) == 0)
  }
}
