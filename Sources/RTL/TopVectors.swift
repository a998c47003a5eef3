// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Tensor

/// A pass of a layer as `tb_swpu_top` reads it: the content of the memories, which core takes which item in
/// how many cycles, and all results.
struct TopVectors {
  /// Lines of the file.
  private(set) var text = ""
  /// Values of the result, pruned and untouched ones too.
  private(set) var results = 0
  private(set) var items = 0
  /// Cycles of all items of all cores, fill included.
  private(set) var cycles = 0
  /// Cycles of the pass: of the core that works longest.
  private(set) var longest = 0

  /// Largest sizes of `swpu_types_pkg`.
  static let layerRows = 512
  static let rowWeights = 2048
  static let largestStride = 3

  /// The pass on a machine whose memories hold it whole.
  init(_ work: RandomPass, hardware: HardwareDescription) throws(RTLError) {
    if hardware.techniques.reorder != .hamming {
      throw RTLError("reorder is \(hardware.techniques.reorder.rawValue); the RTL takes hamming")
    }
    let schedule = PassSchedule(
      work.geometry, mask: work.mask, pass: work.operands.pass, images: work.images,
      hardware: hardware)
    let isGradient = schedule.pass == .weightGradient
    let format = hardware.array.operands
    let source = CodedOperands(work.operands.sides.source, format: format).codes
    let other = CodedOperands(work.operands.sides.other, format: format).codes
    let masks = schedule.parts.flatMap { part in (0..<part.rows).flatMap { part.mask($0) } }
    let weights = isGradient ? [] : Self.weights(schedule.parts, work.geometry, codes: other)
    let gradients = isGradient ? Self.pairs(other) : []
    // Not where everything begins, so that a forgotten base is seen.
    let base = gradients.count + 3
    let values =
      ValuePass.run(
        work.geometry, mask: work.mask, images: work.images, hardware: hardware,
        operands: work.operands
      ).values
    try Self.check(
      work, schedule, hardware.memory,
      bytes: (
        activation: 2 * source.count, weight: 2 * weights.count, mask: 8 * masks.count,
        output: 4 * (base + values.count)
      ))

    try Self.check(schedule, hardware)
    text += Self.layer(work, base: base) + "\n"
    let counts = [source.count, weights.count, masks.count, gradients.count, values.count]
    text += counts.map { hex($0) }.joined(separator: " ") + "\n"
    for code in source { text += hex(code) + "\n" }
    for code in weights { text += hex(code) + "\n" }
    for word in masks { text += hex(word) + "\n" }
    for word in gradients { text += hex(word) + "\n" }
    let numbers = Self.numbers(schedule)
    for (core, list) in schedule.cores.enumerated() {
      text += hex(list.count) + "\n"
      var coreCycles = 0
      for (place, item) in list.enumerated() {
        var stepped = SteppedCore(hardware)
        stepped.run(item, of: schedule)
        coreCycles += stepped.cycles
        text += "\(hex(numbers[core][place])) \(hex(stepped.cycles))\n"
      }
      items += list.count
      cycles += coreCycles
      longest = max(longest, coreCycles)
    }
    for value in values { text += hex(value.bitPattern) + "\n" }
    results = values.count
    // The items that the bench compares sum to the fast level's figures of the whole pass.
    precondition(longest == schedule.fastTiming(hardware).cycles, "the model's levels differ")
  }

  /// The layer, in the order of the fields of `layer_t`.
  private static func layer(_ work: RandomPass, base: Int) -> String {
    let geometry = work.geometry
    let pass = Pass.allCases.firstIndex(of: work.operands.pass) ?? 0
    return [
      pass, work.images, geometry.input.channels, geometry.filters, geometry.channelsPerGroup,
      geometry.filters / geometry.groups, geometry.input.height, geometry.input.width,
      geometry.output.height, geometry.output.width, geometry.rows, geometry.columns,
      geometry.stride, geometry.paddingRows, geometry.paddingColumns, base,
    ].map { hex($0) }.joined(separator: " ")
  }

  /// The kept weights of each row of each part, in the order of its entries.
  private static func weights(
    _ parts: [LoweredPart], _ geometry: ConvolutionGeometry, codes: [UInt16]
  ) -> [UInt16] {
    parts.flatMap { part in
      (0..<part.rows).flatMap { row in
        (0..<part.entries).filter { part.needs(row: row, entry: $0) }.map {
          codes[part.weight(row: row, entry: $0, geometry)]
        }
      }
    }
  }

  /// Two elements a word.
  private static func pairs(_ codes: [UInt16]) -> [UInt32] {
    stride(from: 0, to: codes.count, by: 2).map { index in
      UInt32(codes[index]) | (index + 1 < codes.count ? UInt32(codes[index + 1]) << 16 : 0)
    }
  }

  /// The number of each core's items, counted group by group and slice by slice.
  private static func numbers(_ schedule: PassSchedule) -> [[Int]] {
    let places = schedule.cores.indices.flatMap { core in
      schedule.cores[core].indices.map { (core, $0) }
    }
    func key(_ place: (Int, Int)) -> (Int, Int, Int) {
      let item = schedule.cores[place.0][place.1]
      return (item.group, item.bands.lowerBound, item.windows.lowerBound)
    }
    var numbers = schedule.cores.map { [Int](repeating: 0, count: $0.count) }
    for (number, place) in places.sorted(by: { key($0) < key($1) }).enumerated() {
      numbers[place.0][place.1] = number
    }
    return numbers
  }

  /// Whether the lists of all groups fit into their memory.
  private static func check(_ schedule: PassSchedule, _ hardware: HardwareDescription)
    throws(RTLError)
  {
    let scan = LineOrder.linesPerScan
    let lines = schedule.groups.reduce(0) { sum, group in
      sum + ((group.order.list?.count ?? 0) + scan - 1) / scan * scan
    }
    let room = 2 * 8192 * hardware.memory.maskKibibytes / hardware.array.rows
    if lines > room {
      throw RTLError(
        "mask-kibibytes is \(hardware.memory.maskKibibytes), which gives the RTL lists of \(room) lines; "
          + "the pass takes \(lines)")
    }
  }

  private static func check(
    _ work: RandomPass, _ schedule: PassSchedule, _ memory: HardwareDescription.Memory,
    bytes: (activation: Int, weight: Int, mask: Int, output: Int)
  ) throws(RTLError) {
    for (name, bytes, kibibytes) in [
      ("activation", bytes.activation, memory.activationKibibytes),
      ("weight", bytes.weight, memory.weightKibibytes), ("mask", bytes.mask, memory.maskKibibytes),
      ("output", bytes.output, memory.outputKibibytes),
    ] where bytes > 1024 * kibibytes {
      throw RTLError("\(name)-kibibytes is \(kibibytes); the pass takes \(bytes) bytes")
    }
    if work.geometry.stride > Self.largestStride {
      throw RTLError("stride is \(work.geometry.stride); the RTL takes 1 to \(Self.largestStride)")
    }
    for part in schedule.parts
    where max(part.kernelRows, part.kernelColumns) > PassVectors.kernelSize
      || part.wordsPerRow > PassVectors.rowWords || max(part.rows, part.planes) > Self.layerRows
      || (part.pass != .weightGradient
        && (0..<part.rows).contains { part.needed(row: $0) > Self.rowWeights })
    {
      throw RTLError(
        "a layer of \(part.rows) and \(part.planes) planes, \(part.entries) entries, kernels "
          + "\(part.kernelRows)x\(part.kernelColumns); the RTL takes \(Self.layerRows) planes, "
          + "\(64 * PassVectors.rowWords) entries, \(Self.rowWeights) weights a row, kernels up "
          + "to 7x7")
    }
  }
}
