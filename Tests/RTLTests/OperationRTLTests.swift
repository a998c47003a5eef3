// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Testing

@testable import Processor
@testable import RTL

/// Convolutions in blocks of images through the RTL of the machine with its block loop: maps stream in from
/// the DRAM while the array works on the block before and the results of the one before that stream out.
@Suite(.needsVerilator) struct OperationRTLTests {
  private static let format = HardwareDescription.OperandFormat.bf16

  private static let machine = Bench.wholeMachine(cores: 2)

  @Test("forward passes and input gradients in blocks: cycles, what is written, sums")
  func operations() throws {
    var random = SeededRandom(seed: 5, stream: 337)
    var text = ""
    var checked = 0
    for number in 0..<6 {
      let (lines, checks) = try operation(number, &random)
      text += lines
      checked += checks
    }
    let bench = try RTLBench(
      "tb_swpu_operation", hardware: Bench.hardware, package: Self.machine.rtlPackage(),
      kept: Bench.kept)
    defer { bench.remove() }
    let outcome = try bench.run(
      vectors: ["operations.txt": text + "0\n"], argument: "operations.txt")
    #expect(outcome == Bench.Outcome(checked: checked, differing: 0))
    // The array bounds some phases and streams others.
    let bound = outcome.output.split(separator: "\n").compactMap { line in
      line.hasPrefix("cycles ") ? Int(line.split(separator: " ").last!) : nil
    }
    #expect(bound.count == 1 && bound[0] > 3 && bound[0] < 17)
  }

  /// An operation as the bench reads it, and how many values it compares.
  private func operation(_ number: Int, _ random: inout SeededRandom) throws -> (String, Int) {
    let (machine, format) = (Self.machine, Self.format)
    let lanes = machine.stream.elementsPerCycle
    let isForward = number % 3 != 2
    let kernel = 1 + 2 * random.below(2)
    // With a stride of 2 the map that is read and the one that is given have sizes of their own.
    let mapStride = 1 + number % 2
    let geometry = try #require(
      ConvolutionGeometry(
        input: MapShape(channels: 2 + random.below(5), height: 4, width: 4 + 4 * random.below(2)),
        filters: 2 + random.below(5), rows: kernel, columns: kernel, stride: mapStride,
        paddingRows: kernel / 2, paddingColumns: kernel / 2))
    let shape = FilterShape(
      filters: geometry.filters, channels: geometry.input.channels, rows: kernel, columns: kernel)
    let mask = LayerMask(
      shape: shape, elements: Bits(count: shape.count) { _ in random.uniform() < 0.4 })
    let weights = (0..<shape.count).map { _ in format.rounded(random.normal()) }
    let pass: Pass = isForward ? .forward : .inputGradient
    let (read, given) =
      isForward ? (geometry.input, geometry.output) : (geometry.output, geometry.input)
    let hasPairs = !isForward || random.below(2) == 0
    let packs = random.below(2) == 0
    // From a twentieth of a word in a cycle to half of one.
    let rate = (1 + random.below(20)) * lanes * 16 * 65536 / 40

    let parts = LoweredPart.lower(geometry, mask: mask, pass: pass)
    let masks = parts.flatMap { part in (0..<part.rows).flatMap { part.mask($0) } }
    let ordered = parts.flatMap { part in
      (0..<part.rows).flatMap { row in
        (0..<part.entries).filter { part.needs(row: row, entry: $0) }.map {
          format.encode(weights[part.weight(row: row, entry: $0, geometry)])
        }
      }
    }
    let factors = (0..<read.channels).map { _ in
      (scale: random.normal(), shift: random.normal(), slope: random.normal())
    }
    let centers = (0..<given.channels).map { _ in random.normal() }

    let blocks = (0..<2 + random.below(3)).map { _ in 1 + random.below(3) }
    var sums = [[[Float]]](
      repeating: [[Float]](repeating: [Float](repeating: 0, count: lanes), count: 2),
      count: given.channels)
    var loads: [(halves: [UInt16], records: [Int])] = []
    var written: [[UInt16]] = []
    var longest: [Int] = []
    for images in blocks {
      var halves: [UInt16] = []
      var records: [Int] = []
      var values = [Float](repeating: 0, count: images * read.count)
      for channel in 0..<read.channels {
        for image in 0..<images {
          for first in stride(from: 0, to: read.pixels, by: lanes) {
            let raw = codes(lanes, &random)
            let other = codes(lanes, &random)
            for (word, isPacked) in [(raw, false), (other, packs)].prefix(hasPairs ? 2 : 1) {
              let record = Self.record(word, isPacked: isPacked)
              halves += record
              records.append(record.count)
            }
            for lane in 0..<lanes {
              let (y, x) = (format.decode(raw[lane]), format.decode(other[lane]))
              let factor = factors[channel]
              values[(image * read.channels + channel) * read.pixels + first + lane] =
                isForward
                ? StreamUnit.value(
                  y, scale: factor.scale, shift: factor.shift, shortcut: hasPairs ? x : nil,
                  activates: true, format)
                : format.rounded(
                  (-factor.shift).addingProduct(factor.scale, x).addingProduct(-factor.slope, y))
            }
          }
        }
      }
      loads.append((halves, records))
      let operands: PassOperands =
        isForward
        ? .forward(input: values, weights: weights)
        : .inputGradient(outputGradient: values, weights: weights)
      let results = ValuePass.run(
        geometry, mask: mask, images: images, hardware: machine, operands: operands
      ).values
      longest.append(
        PassSchedule(geometry, mask: mask, pass: pass, images: images, hardware: machine)
          .fastTiming(machine).cycles)
      var block: [UInt16] = []
      for channel in 0..<given.channels {
        for image in 0..<images {
          for first in stride(from: 0, to: given.pixels, by: lanes) {
            let word = (0..<lanes).map { lane -> UInt16 in
              let result = results[
                (image * given.channels + channel) * given.pixels + first + lane]
              let rounded = format.rounded(result)
              let term = isForward ? rounded - centers[channel] : rounded
              sums[channel][0][lane] += term
              // The sums of gradients meet no raw output here.
              sums[channel][1][lane] = sums[channel][1][lane].addingProduct(
                term, isForward ? term : 0)
              return format.encode(rounded)
            }
            block += Self.record(word, isPacked: packs)
          }
        }
      }
      written.append(block)
    }

    func flag(_ flag: Bool) -> String { flag ? "1" : "0" }
    func bits(_ value: Float) -> String { hex(value.bitPattern) }
    let flags =
      (hasPairs ? 0xF8 : 0xF0) | (packs ? 3 : 0)
    var lines = [["1", hex(blocks.count), hex(flags), hex(rate)]]
    lines.append(
      [
        Pass.allCases.firstIndex(of: pass) ?? 0, 0, geometry.input.channels, geometry.filters,
        geometry.input.channels, geometry.filters, geometry.input.height, geometry.input.width,
        geometry.output.height, geometry.output.width, kernel, kernel, mapStride, kernel / 2,
        kernel / 2, 0,
      ].map { hex($0) })
    lines.append([hex(read.channels)])
    for factor in factors {
      lines.append([
        flag(!isForward), flag(isForward && hasPairs), "1", bits(factor.scale), bits(factor.shift),
        bits(factor.slope),
      ])
    }
    lines.append([hex(given.channels)])
    for center in centers { lines.append([flag(!isForward), bits(center)]) }
    lines.append([hex(ordered.count), hex(masks.count)])
    lines.append(ordered.map { hex($0) })
    lines.append(masks.map { hex($0) })
    for (index, images) in blocks.enumerated() {
      let words = images * given.pixels / lanes
      lines.append(
        [
          images, loads[index].halves.count, loads[index].records.count,
          images * read.pixels / lanes, given.channels * words, words, longest[index],
        ].map { hex($0) })
      lines.append(loads[index].halves.map { hex($0) })
    }
    for phase in 0..<blocks.count + 3 {
      func at<Value>(_ values: [Value], _ stage: Int) -> Value? {
        values.indices.contains(phase - stage) ? values[phase - stage] : nil
      }
      lines.append([
        hex(
          Self.streams(
            records: at(loads, 0)?.records ?? [],
            storeWords: (at(blocks, 2) ?? 0) * given.count / lanes,
            written: at(written, 3)?.count ?? 0, rate: rate, lanes: lanes))
      ])
    }
    for block in written { lines.append([hex(block.count)] + block.map { hex($0) }) }
    lines.append([hex(given.channels)])
    for channel in sums {
      for lane in channel {
        lines.append([HexNumber(lane.map { UInt64($0.bitPattern) }, width: 32).text])
      }
    }
    let checks =
      blocks.count + 1 + blocks.count + 3 + 2 + written.reduce(0) { $0 + 1 + $1.count }
      + 2 * given.channels
    return (lines.map { $0.joined(separator: " ") + "\n" }.joined(), checks)
  }

  private func codes(_ lanes: Int, _ random: inout SeededRandom) -> [UInt16] {
    (0..<lanes).map { _ in random.below(2) == 0 ? 0 : Self.format.encode(random.normal()) }
  }

  private static func record(_ word: [UInt16], isPacked: Bool) -> [UInt16] {
    if !isPacked { return word }
    let packed = PackedZeros(word)
    return [UInt16(truncatingIfNeeded: packed.bitmap[0])] + packed.codes
  }

  /// Cycles of the DRAM and the streams in a phase: reads before writes, a word a cycle behind its last half,
  /// twelve cycles from a word to its memory.
  private static func streams(
    records: [Int], storeWords: Int, written: Int, rate: Int, lanes: Int
  ) -> Int {
    func cycles(halves: Int) -> Int { ((halves << 20) + rate - 1) / rate }
    var (arrived, taken) = (0, -1)
    for record in records {
      arrived += record
      taken = max(taken + 1, cycles(halves: arrived))
    }
    return max(
      cycles(halves: arrived + written), records.isEmpty ? 0 : taken + 13,
      storeWords == 0 ? 0 : storeWords + 12)
  }
}
