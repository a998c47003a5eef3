// SPDX-License-Identifier: Apache-2.0
import Testing

@testable import Tensor

/// A random layer, mask and batch.
struct ConvolutionCase: Sendable {
  let geometry: ConvolutionGeometry
  /// Bit `s` of `patterns[(k*C + c)*R + r]` keeps `w[k,c,r,s]`.
  let patterns: [UInt16]
  let filters: PackedFilters
  let images: Int

  init(
    geometry: ConvolutionGeometry, patterns: [UInt16], filters: PackedFilters, images: Int
  ) {
    self.geometry = geometry
    self.patterns = patterns
    self.filters = filters
    self.images = images
  }

  init(seed: UInt64) {
    var random = SeededRandom(seed: seed, stream: 77)
    var geometry: ConvolutionGeometry?
    while geometry == nil {
      let groups = [1, 1, 1, 1, 2, 3][random.below(6)]
      let channels = groups * (1 + random.below(7))
      let depthwise = random.below(8) == 0
      let input = MapShape(
        channels: channels, height: 1 + random.below(random.below(2) == 0 ? 9 : 34),
        width: 1 + random.below(random.below(2) == 0 ? 9 : 34))
      let kind = random.below(4)
      switch kind {
      case 0, 1:
        geometry = ConvolutionGeometry(
          input: input, filters: depthwise ? channels * 2 : groups * (1 + random.below(9)), rows: 3,
          columns: 3, stride: 1 + random.below(2), paddingRows: 1, paddingColumns: 1,
          groups: depthwise ? channels : groups)
      case 2:
        geometry = ConvolutionGeometry(
          input: input, filters: groups * (1 + random.below(9)), rows: 1, columns: 1,
          stride: 1 + random.below(2), groups: groups)
      default:
        geometry = ConvolutionGeometry(
          input: input, filters: groups * (1 + random.below(9)), rows: 1 + random.below(7),
          columns: 1 + random.below(7), stride: 1 + random.below(4), paddingRows: random.below(4),
          paddingColumns: random.below(4), groups: groups)
      }
    }
    self.geometry = geometry!
    // Every second batch is too small to fill the lanes with images.
    images = 1 + random.below(random.below(2) == 0 ? 8 : 40)

    // Line density x tap density, from empty over sub-structured and unstructured to dense.
    let lineDensity: Float = [0, 0.1, 0.5, 1][random.below(4)]
    let tapDensity: Float = [0.4, 0.8, 1][random.below(3)]
    let lines = self.geometry.filters * self.geometry.channelsPerGroup * self.geometry.rows
    var patterns = [UInt16](repeating: 0, count: lines)
    for line in patterns.indices where random.uniform() < lineDensity {
      for column in 0..<self.geometry.columns where random.uniform() < tapDensity {
        patterns[line] |= 1 << column
      }
    }
    self.patterns = patterns
    filters = PackedFilters(
      geometry: self.geometry,
      packing: Packing(for: self.geometry, scattered: random.below(4) == 0),
      patterns: patterns)
  }

  /// A 3x3 layer whose filters fill no whole number of the weight gradient's tiles, with more than
  /// one pass over the pixels: the sums kept between passes belong to their tile alone.
  init(tiledWidth width: Int, stride: Int, lineDensity: Float, images: Int = 17) {
    let geometry = ConvolutionGeometry(
      input: MapShape(channels: 3, height: 12, width: width), filters: 67, rows: 3, columns: 3,
      stride: stride, paddingRows: 1, paddingColumns: 1)!
    self.geometry = geometry
    self.images = images
    var random = SeededRandom(seed: UInt64(width), stream: 77)
    let patterns = (0..<geometry.filters * 3 * geometry.rows).map { _ in
      random.uniform() < lineDensity ? UInt16(7) : 0
    }
    self.patterns = patterns
    filters = PackedFilters(
      geometry: geometry, packing: Packing(for: geometry, scattered: false), patterns: patterns)
  }

  /// A 3x3 layer whose lines all keep one pattern of taps, so that no other hides a fault of it.
  init(pattern: UInt16, stride: Int, groups: Int) {
    let geometry = ConvolutionGeometry(
      input: MapShape(channels: 2 * groups, height: 6, width: 10), filters: 5 * groups, rows: 3,
      columns: 3, stride: stride, paddingRows: 1, paddingColumns: 1, groups: groups)!
    self.geometry = geometry
    images = 19
    patterns = [UInt16](repeating: pattern, count: geometry.filters * 2 * geometry.rows)
    filters = PackedFilters(
      geometry: geometry, packing: Packing(for: geometry, scattered: false), patterns: patterns)
  }

  /// A 3x3 layer that keeps everything, on a square map.
  init(side: Int, stride: Int, images: Int) {
    let geometry = ConvolutionGeometry(
      input: MapShape(channels: 3, height: side, width: side), filters: 5, rows: 3, columns: 3,
      stride: stride, paddingRows: 1, paddingColumns: 1)!
    self.geometry = geometry
    self.images = images
    patterns = [UInt16](repeating: 7, count: geometry.filters * 3 * geometry.rows)
    filters = PackedFilters(
      geometry: geometry, packing: Packing(for: geometry, scattered: false), patterns: patterns)
  }

  /// A linear layer. A kernel takes blocks of the batch in runs as it takes pixels of a plane, so few
  /// images never fill the first run.
  init(linear channels: Int, filters count: Int, images: Int, scattered: Bool, density: Float) {
    let geometry = ConvolutionGeometry(
      input: MapShape(channels: channels, height: 1, width: 1), filters: count, rows: 1, columns: 1)!
    self.geometry = geometry
    self.images = images
    var random = SeededRandom(seed: UInt64(channels * 1000 + images), stream: 77)
    patterns = (0..<geometry.weights).map { _ in random.uniform() < density ? 1 : 0 }
    filters = PackedFilters(
      geometry: geometry, packing: Packing(for: geometry, scattered: scattered), patterns: patterns)
  }

  /// Batches of maps whose planes lie apart, or those of their tiles or windows do, as floats or in pairs:
  /// rows, columns, images.
  static let mapsApart = [[16, 16, 17], [8, 32, 9], [32, 32, 4], [28, 28, 4], [28, 24, 4]]
  /// Side, stride, and whether all is kept.
  static let kernels: [(size: Int, stride: Int, isDense: Bool)] = [
    (1, 1, true), (1, 2, false), (3, 1, false), (3, 1, true), (3, 2, false), (3, 2, true),
    (5, 1, false),
  ]

  /// A square kernel of `kernels` on one of `mapsApart`, whose size it keeps or halves.
  init(apart sizes: [Int], kernel: (size: Int, stride: Int, isDense: Bool)) throws {
    let map = MapShape(channels: 2, height: sizes[0], width: sizes[1])
    let images = sizes[2]
    let geometry = try #require(
      ConvolutionGeometry(
        input: map, filters: 4, rows: kernel.size, columns: kernel.size, stride: kernel.stride,
        paddingRows: kernel.size / 2, paddingColumns: kernel.size / 2))
    var random = SeededRandom(seed: UInt64(map.count), stream: 77)
    let all = UInt16(1) << kernel.size - 1
    let patterns = (0..<4 * map.channels * kernel.size).map { _ in
      kernel.isDense ? all : UInt16(random.below(Int(all) + 1))
    }
    self.init(
      geometry: geometry, patterns: patterns,
      filters: PackedFilters(
        geometry: geometry, packing: Packing(for: geometry, scattered: false), patterns: patterns),
      images: images)
  }

  /// Random weights `[K][C][R][S]`, zero where the patterns keep nothing.
  func weights(_ random: inout SeededRandom) -> [Float] {
    (0..<geometry.weights).map { place in
      let value = random.uniform() - 0.5
      return isKept(place) ? value : 0
    }
  }

  /// Whether the patterns keep a weight of the dense layer.
  func isKept(_ place: Int) -> Bool {
    patterns[place / geometry.columns] >> (place % geometry.columns) & 1 != 0
  }
}

extension ConvolutionCase: CustomTestStringConvertible {
  var testDescription: String {
    "\(geometry.input) -> \(geometry.filters) by \(geometry.rows)x\(geometry.columns), stride "
      + "\(geometry.stride), \(geometry.groups) groups, \(filters.packing), \(images) images"
  }
}
