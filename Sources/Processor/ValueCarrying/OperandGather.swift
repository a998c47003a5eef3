// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Where the lanes of a tile read and write.
///
/// Lane t holds output t of the tile: its columns, then its rows, then its images. Lanes beyond the
/// tile's outputs are idle.
package struct TileLanes: Sendable {
  /// Images of the lanes.
  package let images: [Int]
  /// The place of each lane's output in the plane that the pass writes (of output gradients in the
  /// weight-gradient pass).
  package let targets: [Int]
  /// Where each lane reads in the plane through each tap; nil for padding.
  package let sources: [[Int?]]
  /// Whether a tap reads inside the map in any lane.
  package let active: [Bool]

  package init(_ tile: Tiling.Tile, part: LoweredPart, geometry: ConvolutionGeometry) {
    let width = part.pass == .inputGradient ? geometry.input.width : geometry.output.width
    var images: [Int] = []
    var targets: [Int] = []
    var sources = [[Int?]](repeating: [], count: part.tapCount)
    for image in tile.images {
      for row in tile.rows {
        for column in tile.columns {
          images.append(image)
          let target = part.target(row: row, column: column, geometry)
          targets.append(target.row * width + target.column)
          for tap in 0..<part.tapCount {
            let sourceRow = part.rowAxis.read(row, tap: tap / part.kernelColumns)
            let sourceColumn = part.columnAxis.read(column, tap: tap % part.kernelColumns)
            if let sourceRow, let sourceColumn {
              sources[tap].append(sourceRow * part.columnAxis.source + sourceColumn)
            } else {
              sources[tap].append(nil)
            }
          }
        }
      }
    }
    self.images = images
    self.targets = targets
    self.sources = sources
    active = sources.map { $0.contains { $0 != nil } }
  }
}

/// The operand vectors of one window, as they are in its buffer.
struct OperandBuffer: Sendable {
  /// The value of each lane of each vector; nil for padding and idle lanes.
  private(set) var values: [[Float?]] = []
  /// The bits of the vectors, one after the other in whole words; padding is 0.
  private(set) var bits: [UInt64] = []

  /// Words of a vector of `lanes` operands.
  static func words(lanes: Int, format: HardwareDescription.OperandFormat) -> Int {
    (lanes * format.bits + 63) / 64
  }

  init(
    entries: [Int], _ tile: TileLanes, part: LoweredPart, source: CodedOperands, lanes: Int,
    format: HardwareDescription.OperandFormat
  ) {
    let words = Self.words(lanes: lanes, format: format)
    let perWord = 64 / format.bits
    let pixels = part.rowAxis.source * part.columnAxis.source
    for entry in entries {
      let plane = entry / part.tapCount
      var vector = [Float?](repeating: nil, count: lanes)
      var packed = [UInt64](repeating: 0, count: words)
      for (lane, place) in tile.sources[entry % part.tapCount].enumerated() {
        guard let place else { continue }
        let index = (tile.images[lane] * part.planes + plane) * pixels + place
        vector[lane] = source.values[index]
        packed[lane / perWord] |=
          UInt64(source.codes[index]) << UInt64(lane % perWord * format.bits)
      }
      values.append(vector)
      bits += packed
    }
  }
}
