// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Tensor

/// Samples operands from layers at random, one line of text for each stream of them.
public struct OperandSample {
  private let layers: [ConvolutionOperands]
  private var random: SeededRandom

  private static let streams = 64
  private static let steps = 32
  private static let windowStreams = 32
  private static let windows = 24
  private static let entriesOfWindow = 16
  private static let rowsOfGroup = 8
  private static let lanes = 16
  private static let maskRows = 64
  private static let maskWords = 4

  /// A random sample of layers that all have masks, from a seed.
  public init(_ layers: [ConvolutionOperands], seed: UInt64) {
    self.layers = layers
    random = SeededRandom(seed: seed, stream: 0)
  }

  /// A weight of a filter by its place.
  private struct Entry {
    let channel, row, column: Int
  }

  /// The lines: of each pass, of windows, and of masks.
  public mutating func lines() -> [String] {
    var lines: [String] = []
    for stream in 0..<Self.streams {
      lines.append(forward(layers[stream % layers.count]))
    }
    let unstrided = layers.filter { $0.geometry.stride == 1 }
    for stream in 0..<Self.streams where !unstrided.isEmpty {
      lines.append(inputGradient(unstrided[stream % unstrided.count]))
    }
    for stream in 0..<Self.streams {
      lines.append(weightGradient(layers[stream % layers.count]))
    }
    for stream in 0..<Self.windowStreams {
      lines.append(windows(layers[stream % layers.count]))
    }
    let large = layers.filter {
      $0.geometry.filters >= Self.maskRows
        && $0.geometry.weights / $0.geometry.filters >= 64 * Self.maskWords
    }
    for layer in large.prefix(8) { lines += masks(layer) }
    return lines
  }

  /// A filter's products at an output, one entry after the other, then the next filter's.
  private mutating func forward(_ layer: ConvolutionOperands) -> String {
    let output = layer.geometry.output
    var filter = draw(layer.geometry.filters)
    let (row, column) = (draw(output.height), draw(output.width))
    var words: [String] = []
    while words.count < Self.steps {
      for entry in entries(layer, filter) {
        guard let value = input(layer, entry, row, column) else { continue }
        words.append(code(layer.weights[index(layer, filter, entry)]) + code(value))
      }
      filter = (filter + 1) % layer.geometry.filters
    }
    return line("forward", layer, words)
  }

  /// A channel's products at an input, one filter and tap after the other, then the next channel's.
  private mutating func inputGradient(_ layer: ConvolutionOperands) -> String {
    let geometry = layer.geometry
    var channel = draw(geometry.channelsPerGroup)
    let (row, column) = (draw(geometry.input.height), draw(geometry.input.width))
    var words: [String] = []
    while words.count < Self.steps {
      for filter in 0..<geometry.filters {
        for r in 0..<geometry.rows {
          for s in 0..<geometry.columns where keeps(layer, filter, channel, r, s) {
            let p = row + geometry.paddingRows - r
            let q = column + geometry.paddingColumns - s
            guard (0..<geometry.output.height).contains(p),
              (0..<geometry.output.width).contains(q)
            else { continue }
            let gradient = layer.gradient[
              (filter * geometry.output.height + p) * geometry.output.width + q]
            let weight = layer.weights[
              index(layer, filter, Entry(channel: channel, row: r, column: s))]
            words.append(code(weight) + code(gradient))
          }
        }
      }
      channel = (channel + 1) % geometry.channelsPerGroup
    }
    return line("input-gradient", layer, words)
  }

  /// Four entries of a filter with the gradient of a lane, tile after tile.
  private mutating func weightGradient(_ layer: ConvolutionOperands) -> String {
    let output = layer.geometry.output
    var filter = draw(layer.geometry.filters)
    while entries(layer, filter).count < 4 { filter = (filter + 1) % layer.geometry.filters }
    let kept = entries(layer, filter)
    let first = draw(kept.count - 3)
    var pixel = draw(output.pixels)
    var words: [String] = []
    while words.count < Self.steps {
      let gradient = layer.gradient[filter * output.pixels + pixel]
      for entry in kept[first..<first + 4] {
        let value = input(layer, entry, pixel / output.width, pixel % output.width) ?? 0
        words.append(code(gradient) + code(value))
      }
      pixel = (pixel + Self.lanes) % output.pixels
    }
    return line("weight-gradient", layer, words)
  }

  /// Windows of the entries that some row of a group needs, with what one row needs of them.
  private mutating func windows(_ layer: ConvolutionOperands) -> String {
    let geometry = layer.geometry
    let first = draw(max(1, geometry.filters / Self.rowsOfGroup)) * Self.rowsOfGroup
    let group = first..<min(first + Self.rowsOfGroup, geometry.filters)
    let row = first + draw(group.count)
    let needed = allEntries(layer).filter { entry in
      group.contains { keeps(layer, $0, entry.channel, entry.row, entry.column) }
    }
    var words: [String] = []
    while words.count < Self.windows {
      let pixel = draw(geometry.output.pixels)
      var start = 0
      while start + Self.entriesOfWindow <= needed.count, words.count < Self.windows {
        let window = needed[start..<start + Self.entriesOfWindow]
        var mask: UInt16 = 0
        for (lane, entry) in window.enumerated()
        where keeps(layer, row, entry.channel, entry.row, entry.column) {
          mask |= 1 << UInt16(lane)
        }
        let data = window.map { entry in
          code(
            input(layer, entry, pixel / geometry.output.width, pixel % geometry.output.width) ?? 0)
        }
        words.append(hex(UInt64(mask), digits: 4) + data.joined())
        start += Self.entriesOfWindow
      }
      precondition(needed.count >= Self.entriesOfWindow, "a group needs a whole window")
    }
    return line("window", layer, words)
  }

  /// The first words of the masks of a layer's first rows.
  private func masks(_ layer: ConvolutionOperands) -> [String] {
    let all = allEntries(layer).prefix(64 * Self.maskWords)
    return (0..<Self.maskRows).map { filter in
      var words = [UInt64](repeating: 0, count: Self.maskWords)
      for (bit, entry) in all.enumerated()
      where keeps(layer, filter, entry.channel, entry.row, entry.column) {
        words[bit / 64] |= 1 << UInt64(bit % 64)
      }
      return line("mask", layer, words.map { hex($0, digits: 16) })
    }
  }

  private func allEntries(_ layer: ConvolutionOperands) -> [Entry] {
    let geometry = layer.geometry
    return (0..<geometry.channelsPerGroup).flatMap { channel in
      (0..<geometry.rows).flatMap { row in
        (0..<geometry.columns).map { Entry(channel: channel, row: row, column: $0) }
      }
    }
  }

  private func entries(_ layer: ConvolutionOperands, _ filter: Int) -> [Entry] {
    allEntries(layer).filter { keeps(layer, filter, $0.channel, $0.row, $0.column) }
  }

  private func keeps(
    _ layer: ConvolutionOperands, _ filter: Int, _ channel: Int, _ row: Int, _ column: Int
  ) -> Bool {
    layer.mask?.keeps(filter: filter, channel: channel, row: row, column: column) ?? true
  }

  private func index(_ layer: ConvolutionOperands, _ filter: Int, _ entry: Entry) -> Int {
    let geometry = layer.geometry
    return ((filter * geometry.channelsPerGroup + entry.channel) * geometry.rows + entry.row)
      * geometry.columns + entry.column
  }

  /// What an entry reads for an output; nil outside the map.
  private func input(_ layer: ConvolutionOperands, _ entry: Entry, _ row: Int, _ column: Int)
    -> Float?
  {
    let geometry = layer.geometry
    let y = row * geometry.stride + entry.row - geometry.paddingRows
    let x = column * geometry.stride + entry.column - geometry.paddingColumns
    guard (0..<geometry.input.height).contains(y), (0..<geometry.input.width).contains(x) else {
      return nil
    }
    return layer.input[(entry.channel * geometry.input.height + y) * geometry.input.width + x]
  }

  private mutating func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

  private func code(_ value: Float) -> String {
    hex(UInt64(HardwareDescription.OperandFormat.bf16.encode(value)), digits: 4)
  }

  private func line(_ kind: String, _ layer: ConvolutionOperands, _ words: [String]) -> String {
    "\(kind) \(layer.name) " + words.prefix(Self.steps).joined(separator: " ")
  }
}
