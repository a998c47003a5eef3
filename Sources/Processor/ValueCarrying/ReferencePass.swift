// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// The definition of `ValuePass` written out as loops over outputs, without masks in words, networks
/// or buffers: what every run on values is checked against. Of the machine's own units it uses only
/// the reorder unit's: the grouping of the rows and the order of the lines.
public struct ReferencePass {
  private let geometry: ConvolutionGeometry
  private let mask: LayerMask
  private let images: Int
  private let pass: Pass
  private let array: HardwareDescription.Array
  private let techniques: HardwareDescription.Techniques
  private let source: [Float]
  private let other: [Float]
  private var values: [Float]
  /// The place of each line of the current group in a list, and the kernel of its part.
  private var rank: [Int: Int]?
  private var kernelRows = 1
  private var kernelColumns = 1

  /// The values that `ValuePass.run` gives for the same arguments.
  public static func run(
    _ geometry: ConvolutionGeometry, mask: LayerMask, images: Int, hardware: HardwareDescription,
    operands: PassOperands
  ) -> [Float] {
    let sides = operands.sides
    let format = hardware.array.operands
    var reference = ReferencePass(
      geometry: geometry, mask: mask, images: images, pass: operands.pass, array: hardware.array,
      techniques: hardware.techniques, source: sides.source.map { format.rounded($0) },
      other: sides.other.map { format.rounded($0) },
      values: [Float](
        repeating: 0, count: operands.sizes(geometry, images: images).result))
    let parts = LoweredPart.lower(geometry, mask: mask, pass: operands.pass)
    for (grid, part) in zip(reference.grids, parts) {
      for group in part.groups(of: hardware.array.rows, order: hardware.techniques.reorder) {
        let list = part.lineOrder(group, hardware).list
        reference.rank = list.map { list in
          Dictionary(uniqueKeysWithValues: list.enumerated().map { (Int($1), $0) })
        }
        reference.kernelRows = part.kernelRows
        reference.kernelColumns = part.kernelColumns
        if operands.pass == .weightGradient {
          reference.weightGradients(grid, group)
        } else {
          reference.outputs(grid, group)
        }
      }
    }
    return reference.values
  }

  /// Outputs that read through the same taps: all of them, or one phase of a strided input gradient.
  private struct Grid {
    var rows: [Int]
    var columns: [Int]
    var taps: [(row: Int, column: Int)]
  }

  private struct Output {
    var image: Int
    var row: Int
    var column: Int
  }

  private struct Entry {
    var plane: Int
    var tap: (row: Int, column: Int)
  }

  private var grids: [Grid] {
    let (rows, columns) = (0..<geometry.rows, 0..<geometry.columns)
    if pass != .inputGradient {
      return [
        Grid(
          rows: Array(0..<geometry.output.height), columns: Array(0..<geometry.output.width),
          taps: rows.flatMap { row in columns.map { (row: row, column: $0) } })
      ]
    }
    let (vertical, horizontal) = (geometry.vertical, geometry.horizontal)
    func meets(_ position: Int, _ tap: Int, _ window: WindowAxis) -> Bool {
      (position + window.paddingBefore - tap * window.dilation) % window.stride == 0
    }
    var grids: [Grid] = []
    for row in 0..<min(vertical.stride, geometry.input.height) {
      for column in 0..<min(horizontal.stride, geometry.input.width) {
        var taps: [(row: Int, column: Int)] = []
        for r in rows.reversed() where meets(row, r, vertical) {
          for s in columns.reversed() where meets(column, s, horizontal) {
            taps.append((r, s))
          }
        }
        if taps.isEmpty { continue }
        grids.append(
          Grid(
            rows: Array(stride(from: row, to: geometry.input.height, by: vertical.stride)),
            columns: Array(
              stride(from: column, to: geometry.input.width, by: horizontal.stride)),
            taps: taps))
      }
    }
    return grids
  }

  /// The tiles of a grid: at most T outputs each, in the order of columns, rows, images.
  private func tiles(_ grid: Grid) -> [[Output]] {
    let lanes = array.lanes
    let plane = grid.rows.flatMap { row in grid.columns.map { (row, $0) } }
    func cut(_ outputs: [Output], every count: Int) -> [[Output]] {
      stride(from: 0, to: outputs.count, by: count).map {
        Array(outputs[$0..<min($0 + count, outputs.count)])
      }
    }
    let batch = (0..<images).map { image in
      plane.map { Output(image: image, row: $0.0, column: $0.1) }
    }
    if plane.count <= lanes {
      return cut(batch.flatMap { $0 }, every: lanes / plane.count * plane.count)
    }
    let width = grid.columns.count
    if width <= lanes { return batch.flatMap { cut($0, every: lanes / width * width) } }
    return batch.flatMap { cut($0, every: width).flatMap { cut($0, every: lanes) } }
  }

  /// The source position that an output reads through a kernel position, along one direction.
  private func read(_ output: Int, _ kernel: Int, _ window: WindowAxis, size: Int) -> Int? {
    let position: Int
    if pass == .inputGradient {
      let distance = output + window.paddingBefore - kernel * window.dilation
      if distance < 0 || distance % window.stride != 0 { return nil }
      position = distance / window.stride
    } else {
      position = output * window.stride + kernel * window.dilation - window.paddingBefore
    }
    return position >= 0 && position < size ? position : nil
  }

  /// The source value that an output reads; nil for padding.
  private func value(_ entry: Entry, at output: Output) -> Float? {
    let map = pass == .inputGradient ? geometry.output : geometry.input
    guard
      let row = read(output.row, entry.tap.row, geometry.vertical, size: map.height),
      let column = read(
        output.column, entry.tap.column, geometry.horizontal, size: map.width)
    else { return nil }
    let plane = output.image * map.channels + entry.plane
    return source[(plane * map.height + row) * map.width + column]
  }

  /// Whether a row and an entry are of one group of channels.
  private func reads(_ row: Int, _ entry: Entry) -> Bool {
    let (filter, channel) = pass == .inputGradient ? (entry.plane, row) : (row, entry.plane)
    return filter / (geometry.filters / geometry.groups) == channel / geometry.channelsPerGroup
  }

  /// The index of the weight of a row's entry, if it is kept.
  private func weight(_ row: Int, _ entry: Entry) -> Int? {
    let (filter, channel) = pass == .inputGradient ? (entry.plane, row) : (row, entry.plane)
    let perGroup = geometry.channelsPerGroup
    if !reads(row, entry) { return nil }
    let (r, s) = entry.tap
    if !mask.keeps(filter: filter, channel: channel % perGroup, row: r, column: s) { return nil }
    return ((filter * perGroup + channel % perGroup) * geometry.rows + r) * geometry.columns + s
  }

  /// What the controller emits for a group on some outputs.
  private func emitted(_ grid: Grid, _ group: [Int], on outputs: [Output]) -> [Entry] {
    let planes = pass == .inputGradient ? geometry.filters : geometry.input.channels
    let natural = (0..<planes).flatMap { plane in
      grid.taps.indices.map {
        (line: plane * kernelRows + $0 / kernelColumns, tap: $0, plane: plane)
      }
    }
    let ordered =
      rank.map { rank in
        natural.filter { rank[$0.line] != nil }.sorted {
          (rank[$0.line] ?? 0, $0.tap) < (rank[$1.line] ?? 0, $1.tap)
        }
      } ?? natural
    return ordered.map { Entry(plane: $0.plane, tap: grid.taps[$0.tap]) }
      .filter { entry in
        outputs.contains { value(entry, at: $0) != nil }
          && group.contains {
            techniques.detectBeforeLoad ? weight($0, entry) != nil : reads($0, entry)
          }
      }
  }

  private func windows(_ entries: [Entry]) -> [[Entry]] {
    stride(from: 0, to: entries.count, by: array.window).map {
      Array(entries[$0..<min($0 + array.window, entries.count)])
    }
  }

  /// What a row takes of a window: what it needs, or, without compression, everything.
  private func taken(_ row: Int, _ window: [Entry]) -> [Entry] {
    techniques.compress ? window.filter { weight(row, $0) != nil } : window
  }

  private func product(_ a: Float, _ b: Float) -> Float? {
    techniques.gateZeroOperands && (a == 0 || b == 0) ? nil : a * b
  }

  private func total(_ partials: [Float]) -> Float {
    let sum = partials.dropFirst().reduce(partials[0], +)
    return sum.isNaN ? .nan : sum
  }

  private mutating func outputs(_ grid: Grid, _ group: [Int]) {
    let map = pass == .inputGradient ? geometry.input : geometry.output
    for tile in tiles(grid) {
      let windows = windows(emitted(grid, group, on: tile))
      for row in group {
        var steps: [(entry: Entry, partial: Int)] = []
        var cycle = 0
        for window in windows {
          let taken = taken(row, window)
          for (number, entry) in taken.enumerated() {
            let turn = (cycle + number / array.slots) % array.adderStages
            steps.append((entry, turn * array.slots + number % array.slots))
          }
          cycle += (taken.count + array.slots - 1) / array.slots
        }
        for output in tile {
          var partials = [Float](repeating: 0, count: array.adderStages * array.slots)
          for (entry, partial) in steps {
            if let place = weight(row, entry), let value = value(entry, at: output),
              let product = product(value, other[place])
            {
              partials[partial] += product
            }
          }
          let plane = output.image * map.channels + row
          values[(plane * map.height + output.row) * map.width + output.column] =
            array.results.rounded(total(partials))
        }
      }
    }
  }

  private mutating func weightGradients(_ grid: Grid, _ group: [Int]) {
    let tiles = tiles(grid)
    let map = geometry.output
    for window in windows(emitted(grid, group, on: tiles.flatMap { $0 })) {
      for row in group {
        // The tiles in which the row takes entries of the window, in order.
        let turns = tiles.filter { tile in
          !taken(row, window.filter { entry in tile.contains { value(entry, at: $0) != nil } })
            .isEmpty
        }
        for entry in window {
          guard let place = weight(row, entry) else { continue }
          var partials = [Float](repeating: 0, count: array.adderStages)
          for (turn, tile) in turns.enumerated() {
            let products = tile.map { output -> Float? in
              let plane = output.image * map.channels + row
              let gradient = other[(plane * map.height + output.row) * map.width + output.column]
              return value(entry, at: output).flatMap { product($0, gradient) }
            }
            if let sum = tree(products[...]) { partials[turn % array.adderStages] += sum }
          }
          values[place] = total(partials)
        }
      }
    }
  }

  /// A balanced sum by halving: the first half is the largest power of two below the count.
  private func tree(_ products: ArraySlice<Float?>) -> Float? {
    if products.count < 2 { return products.first ?? nil }
    var half = 1
    while 2 * half < products.count { half *= 2 }
    let low = tree(products.prefix(half))
    let high = tree(products.dropFirst(half))
    guard let low, let high else { return low ?? high }
    return low + high
  }
}
