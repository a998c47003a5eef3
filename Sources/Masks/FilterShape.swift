// SPDX-License-Identifier: Apache-2.0
/// The sizes of a layer's weights `W[K][C][R][S]`: filters, channels, kernel rows, kernel columns.
///
/// In a grouped convolution C counts the channels of one group. A linear layer is a 1x1
/// convolution: K outputs, C inputs, R = S = 1.
///
/// ```swift
/// let shape = FilterShape(filters: 64, channels: 32, rows: 3, columns: 3)
/// print(shape, shape.count)  // 64x32x3x3 18432
/// ```
public struct FilterShape: Hashable, Sendable {
  /// Kernel columns are at most this many, so that the taps of a kernel row fit one word.
  public static let maximumColumns = 64

  /// Filters K: the channels of the layer's output.
  public let filters: Int
  /// Channels C that each filter reads.
  public let channels: Int
  /// Kernel rows R.
  public let rows: Int
  /// Kernel columns S.
  public let columns: Int

  /// A shape of positive sizes; a program that asks for another is wrong.
  public init(filters: Int, channels: Int, rows: Int, columns: Int) {
    guard
      let shape = FilterShape(
        validating: filters, channels: channels, rows: rows, columns: columns)
    else {
      preconditionFailure("no filters of \(filters)x\(channels)x\(rows)x\(columns)")
    }
    self = shape
  }

  /// A shape read from outside; `nil` where a size is not positive, a kernel is wider than
  /// `maximumColumns`, or the number of weights overflows 48 bits.
  public init?(validating filters: Int, channels: Int, rows: Int, columns: Int) {
    var product = 1
    for size in [filters, channels, rows, columns] {
      guard size > 0 else { return nil }
      let (count, overflow) = product.multipliedReportingOverflow(by: size)
      guard !overflow, count < 1 << 48 else { return nil }
      product = count
    }
    guard columns <= Self.maximumColumns else { return nil }
    self.filters = filters
    self.channels = channels
    self.rows = rows
    self.columns = columns
  }

  /// Weights of the layer: K·C·R·S.
  public var count: Int { filters * weightsPerFilter }
  /// Weights of a filter, which are also the shapes of the layer: C·R·S.
  public var weightsPerFilter: Int { channels * rows * columns }
  /// Whether a kernel is a single weight, as in 1x1 convolutions and linear layers.
  public var isPointwise: Bool { rows * columns == 1 }
}

extension FilterShape: CustomStringConvertible {
  /// `KxCxRxS`.
  public var description: String { "\(filters)x\(channels)x\(rows)x\(columns)" }
}

extension FilterShape: Codable {
  private enum CodingKeys: String, CodingKey {
    case filters, channels, rows, columns
  }

  /// Reads the four sizes and checks them.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    let sizes = try [CodingKeys.filters, .channels, .rows, .columns].map {
      try values.decode(Int.self, forKey: $0)
    }
    guard
      let shape = FilterShape(
        validating: sizes[0], channels: sizes[1], rows: sizes[2], columns: sizes[3])
    else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "filter shape \(sizes): sizes are positive, columns at most "
            + "\(Self.maximumColumns), weights below 2^48"))
    }
    self = shape
  }
}
