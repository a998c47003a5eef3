// SPDX-License-Identifier: Apache-2.0
import Tensor
import Testing

@testable import Processor
@testable import RTL

/// Operations in blocks through the RTL of the block loop and its streams: every phase's cycles and where
/// they went, every half that the DRAM gets, and the sums of every channel.
@Suite(.needsVerilator) struct BlockLoopRTLTests {
  private func check(lanes: Int, operations: Int, seed: UInt64) throws {
    var machine = HardwareDescription.small
    machine.stream.elementsPerCycle = lanes
    var cases = BlockOperations(lanes: lanes, seed: seed)
    for _ in 0..<operations { cases.add() }
    let bench = try RTLBench(
      "tb_swpu_block_loop", hardware: Bench.hardware, package: machine.rtlPackage(),
      kept: Bench.kept)
    defer { bench.remove() }
    let outcome = try bench.run(
      vectors: ["operations.txt": cases.text + "0\n"], argument: "operations.txt")
    #expect(outcome == Bench.Outcome(checked: cases.checked, differing: 0))
    // Of operations of equal blocks without packed zeros the model's two levels count the cycles.
    #expect(cases.asModelled > operations / 5)
    #expect(cases.throttled < operations / 5)
  }

  @Test("60 operations of up to six blocks: phases, stalls, what is written, sums")
  func operations() throws { try check(lanes: 8, operations: 60, seed: 1) }

  @Test("2,000 operations, and words of 4 and 32", .enabled(if: Bench.isSlow))
  func manyOperations() throws {
    try check(lanes: 16, operations: 2000, seed: 2)
    try check(lanes: 4, operations: 500, seed: 3)
    try check(lanes: 32, operations: 500, seed: 4)
  }
}

/// Random operations as the bench reads them, with what it has to find.
private struct BlockOperations {
  private let lanes: Int
  private var random: SeededRandom
  private let format = HardwareDescription.OperandFormat.bf16
  private(set) var text = ""
  private(set) var checked = 0
  /// Operations whose cycles the model counts too, and those in which a full reader held the DRAM up.
  private(set) var asModelled = 0
  private(set) var throttled = 0

  init(lanes: Int, seed: UInt64) {
    self.lanes = lanes
    random = SeededRandom(seed: seed, stream: 331)
  }

  /// A block: the halves of each word that is read, and the words that it gives.
  private struct Block {
    var records: [[UInt16]] = []
    var values: [[UInt16]] = []
    var loadChannelWords = 0
    var storeWords = 0
    var storeChannelWords = 0
    var compute = 0
    var written: [UInt16] = []
  }

  private struct Operation {
    var loads, computes, gives, stores: Bool
    var hasPairs, rawPacked, otherPacked, resultsPacked: Bool
    var areEqual: Bool
  }

  private mutating func flag(_ share: Int = 50) -> Bool { random.below(100) < share }

  private mutating func line(_ fields: [String]) { text += fields.joined(separator: " ") + "\n" }

  private func bits(_ value: Float) -> String { hex(value.bitPattern) }

  private func word(_ codes: [UInt16]) -> String {
    HexNumber(codes.map { UInt64($0) }, width: 16).text
  }

  private mutating func codes(zeros: Int) -> [UInt16] {
    (0..<lanes).map { _ in flag(zeros) ? 0 : format.encode(random.normal()) }
  }

  /// A word in the DRAM: its values, or a bitmap and those that are not zero.
  private func record(_ values: [UInt16], isPacked: Bool) -> [UInt16] {
    if !isPacked { return values }
    let packed = PackedZeros(values)
    let bitmap = (0..<(lanes + 15) / 16).map {
      UInt16(truncatingIfNeeded: packed.bitmap[0] >> UInt64(16 * $0))
    }
    return bitmap + packed.codes
  }

  /// What the load stream makes of the words of a value.
  private func value(_ channel: StreamIn, raw: UInt16, other: UInt16) -> UInt16 {
    let (y, x) = (format.decode(raw), format.decode(other))
    if channel.isGradient {
      return format.encode(
        format.rounded(
          (-channel.shift).addingProduct(channel.scale, x)
            .addingProduct(-channel.slope, y)))
    }
    return format.encode(
      StreamUnit.value(
        y, scale: channel.scale, shift: channel.shift, shortcut: channel.hasShortcut ? x : nil,
        activates: channel.activates, format))
  }

  private struct StreamIn {
    var isGradient, hasShortcut, activates: Bool
    var scale, shift, slope: Float
  }

  private struct StreamOut {
    var isGradient, hasOther, activates: Bool
    var center: Float
  }

  /// Words of a block that give the same results for each block where all are equal.
  private mutating func block(_ operation: Operation, like first: Block?, channels: (Int, Int))
    -> Block
  {
    var block = Block()
    block.loadChannelWords = first?.loadChannelWords ?? 1 + random.below(4)
    block.storeChannelWords = first?.storeChannelWords ?? 1 + random.below(5)
    block.compute = operation.computes ? first?.compute ?? 1 + random.below(flag() ? 30 : 200) : 0
    block.storeWords = operation.gives ? channels.1 * block.storeChannelWords : 0
    return block
  }

  mutating func add() {
    let count = 1 + random.below(6)
    let areEqual = flag(60)
    let packs = !areEqual && flag(70)
    let gives = flag(90)
    var operation = Operation(
      loads: flag(92), computes: flag(90), gives: gives, stores: gives && flag(85),
      hasPairs: flag(), rawPacked: packs && flag(), otherPacked: packs && flag(),
      resultsPacked: packs && flag(), areEqual: areEqual)
    if !operation.loads && !operation.gives { operation.computes = true }
    // From a twentieth of a word to a whole one in a cycle.
    let bitsPerCycle =
      (Int(random.uniform() * 65536) + 4000) * lanes * 16 / 70000 * 65536
      + random.below(65536)
    let rate = DRAMRate(bitsPerCycle: min(bitsPerCycle, lanes * 16 << 16))
    let zeros = [20, 50, 80][random.below(3)]

    let isGradient = operation.hasPairs && flag()
    let loadChannels = (0..<1 + random.below(3)).map { _ in
      StreamIn(
        isGradient: isGradient, hasShortcut: operation.hasPairs && !isGradient,
        activates: flag(), scale: random.normal(), shift: random.normal(), slope: random.normal())
    }
    let givesGradients = flag()
    let storeChannels = (0..<1 + random.below(3)).map { _ in
      StreamOut(
        isGradient: givesGradients, hasOther: flag(), activates: flag(), center: random.normal())
    }
    let side = (0..<16).map { _ in
      (other: codes(zeros: 0), value: codes(zeros: 50), raw: codes(zeros: 0))
    }

    var blocks: [Block] = []
    // Sums of each channel's lanes, over all blocks.
    var sums = storeChannels.map { _ in
      [[Float]](repeating: [Float](repeating: 0, count: lanes), count: 2)
    }
    for _ in 0..<count {
      var block = block(
        operation, like: areEqual ? blocks.first : nil,
        channels: (loadChannels.count, storeChannels.count))
      if operation.loads {
        for channel in loadChannels {
          for _ in 0..<block.loadChannelWords {
            let raw = codes(zeros: zeros)
            let other = codes(zeros: zeros)
            block.records.append(record(raw, isPacked: operation.rawPacked))
            if operation.hasPairs {
              block.records.append(record(other, isPacked: operation.otherPacked))
            }
            block.values.append(
              (0..<lanes).map { value(channel, raw: raw[$0], other: other[$0]) })
          }
        }
      }
      for number in 0..<block.storeWords {
        let channel = number / block.storeChannelWords
        let form = storeChannels[channel]
        let values = (0..<lanes).map { lane -> UInt16 in
          let made =
            operation.loads
            ? block.values[number % block.values.count][lane]
            : 0x3F80 + UInt16(number * 3 + lane)
          let result = Float(
            bitPattern: UInt32(made) << 16 | (made == 0 ? 0 : UInt32(number * lanes + lane)))
          let (other, raw) = (side[number].other[lane], format.decode(side[number].raw[lane]))
          if !form.isGradient {
            let rounded = format.rounded(result)
            let difference = rounded - form.center
            sums[channel][0][lane] += difference
            sums[channel][1][lane] = sums[channel][1][lane].addingProduct(difference, difference)
            return format.encode(rounded)
          }
          let gradient = StreamUnit.valueGradient(
            [result] + (form.hasOther ? [format.decode(other)] : []),
            passes: !form.activates || format.decode(side[number].value[lane]) > 0, format)
          sums[channel][0][lane] += gradient
          sums[channel][1][lane] = sums[channel][1][lane].addingProduct(gradient, raw)
          return format.encode(gradient)
        }
        block.written += record(values, isPacked: operation.resultsPacked)
      }
      blocks.append(block)
    }

    let (phases, timing) = cycles(operation, blocks, rate)
    write(operation, blocks, rate, loadChannels, storeChannels, side)
    line([hex(phases.count)] + phases.map { hex($0) })
    line([timing.compute, timing.dramStall, timing.streamStall, timing.fill].map { hex($0) })
    for block in blocks {
      let halves = operation.stores ? block.written : []
      line([hex(halves.count)] + halves.map { hex($0) })
      checked += 1 + halves.count
    }
    line([hex(storeChannels.count)])
    for channel in sums {
      line(channel.map { HexNumber($0.map { UInt64($0.bitPattern) }, width: 32).text })
    }
    checked += 1 + phases.count + 4 + 2 * storeChannels.count
  }

  private mutating func write(
    _ operation: Operation, _ blocks: [Block], _ rate: DRAMRate, _ loadChannels: [StreamIn],
    _ storeChannels: [StreamOut], _ side: [(other: [UInt16], value: [UInt16], raw: [UInt16])]
  ) {
    let flags = [
      operation.loads, operation.computes, operation.gives, operation.stores, operation.hasPairs,
      operation.rawPacked, operation.otherPacked, operation.resultsPacked,
    ].reduce(0) { $0 << 1 | ($1 ? 1 : 0) }
    func bit(_ flag: Bool) -> String { flag ? "1" : "0" }
    // Halves a cycle, times 2^20: bits a cycle, times 2^16.
    line(["1", hex(blocks.count), hex(flags), hex(rate.bitsPerCycle)])
    line([hex(loadChannels.count)])
    for channel in loadChannels {
      line([
        bit(channel.isGradient), bit(channel.hasShortcut), bit(channel.activates),
        bits(channel.scale), bits(channel.shift), bits(channel.slope),
      ])
    }
    line([hex(storeChannels.count)])
    for channel in storeChannels {
      line([
        bit(channel.isGradient), bit(channel.hasOther), bit(channel.activates),
        bits(channel.center),
      ])
    }
    for words in side { line([word(words.other), word(words.value), word(words.raw)]) }
    for block in blocks {
      let halves = block.records.flatMap { $0 }
      line(
        [
          halves.count, block.records.count, block.loadChannelWords, block.storeWords,
          block.storeChannelWords, block.compute,
        ].map { hex($0) })
      line(halves.map { hex($0) })
    }
  }

  /// The cycles of each phase, by a plain loop over them, and where they went. Where blocks are equal and
  /// words too, the model's two levels have to count the same.
  private mutating func cycles(_ operation: Operation, _ blocks: [Block], _ rate: DRAMRate)
    -> (phases: [Int], timing: OperationTiming)
  {
    var phases: [Int] = []
    var timing = OperationTiming()
    var isThrottled = false
    for phase in 0..<blocks.count + 3 {
      func at(_ stage: Int) -> Block? {
        blocks.indices.contains(phase - stage) ? blocks[phase - stage] : nil
      }
      let load = operation.loads ? at(0)?.records.map(\.count) ?? [] : []
      let compute = at(1)?.compute ?? 0
      let storeWords = at(2)?.storeWords ?? 0
      let written = operation.stores ? at(3)?.written.count ?? 0 : 0
      var toLoad = load.reduce(0, +)
      var toWrite = written
      var (waiting, next, lastTaken, cycle) = (0, 0, -1, 0)
      let room = 3 * lanes + (lanes + 15) / 16
      let store = storeWords == 0 ? 0 : storeWords + 12
      var isDRAMLast = true
      while toLoad > 0 || toWrite > 0 || cycle < compute || cycle < store || next < load.count
        || (!load.isEmpty && cycle < lastTaken + 13)
      {
        isDRAMLast = toLoad > 0 || toWrite > 0
        let moved = ((cycle + 1) * rate.bitsPerCycle) >> 20 - (cycle * rate.bitsPerCycle) >> 20
        let arriving = min(moved, toLoad, room - waiting)
        if arriving < min(moved, toLoad) { isThrottled = true }
        if next < load.count && waiting >= load[next] {
          waiting -= load[next]
          next += 1
          lastTaken = cycle
        }
        waiting += arriving
        toLoad -= arriving
        if toLoad == 0 { toWrite -= min(toWrite, moved - arriving) }
        cycle += 1
      }
      if cycle > 0 { phases.append(cycle) }
      timing.add(phase: cycle, compute: compute, dram: 0, isDRAMLast: isDRAMLast)
    }
    if isThrottled { throttled += 1 }
    if operation.areEqual {
      let all = blocks.count
      let streams = OperationStreams(
        blocks: all, computeCycles: all * blocks[0].compute,
        loadBits: 16 * blocks.reduce(0) { $0 + $1.records.reduce(0) { $0 + $1.count } },
        storeBits: operation.stores ? 16 * blocks.reduce(0) { $0 + $1.written.count } : 0,
        loadWords: blocks.reduce(0) { $0 + $1.records.count },
        storeWords: blocks.reduce(0) { $0 + $1.storeWords })
      #expect(SteppedOperation.run(streams, rate) == timing)
      #expect(streams.timing(rate) == timing)
      asModelled += 1
    }
    return (phases, timing)
  }
}

extension DRAMRate {
  /// Of so many bits a cycle, times 2^16.
  fileprivate init(bitsPerCycle: Int) {
    var hardware = HardwareDescription.swpu
    hardware.memory.dramGigabytesPerSecond =
      Double(bitsPerCycle) / 65536 * hardware.supply.hertz / 8e9
    self.init(hardware)
  }
}
