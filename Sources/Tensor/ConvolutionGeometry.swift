// SPDX-License-Identifier: Apache-2.0
import CKernels

/// What a convolution does to a map: `y[k,p,q] = Σ w[k,c,r,s] · x[c, p·stride + r - pad, q·stride + s - pad]`.
///
/// A linear layer is a 1x1 convolution on a 1x1 map.
///
/// ```swift
/// let geometry = ConvolutionGeometry(
///   input: MapShape(channels: 16, height: 32, width: 32), filters: 32, rows: 3, columns: 3,
///   stride: 2, paddingRows: 1, paddingColumns: 1)
/// print(geometry?.output.description ?? "does not fit")  // 32@16x16
/// ```
public struct ConvolutionGeometry: Hashable, Sendable {
  /// The map read.
  public let input: MapShape
  /// Planes written.
  public let filters: Int
  /// Kernel rows R.
  public let rows: Int
  /// Kernel columns S, at most 16.
  public let columns: Int
  /// Step of both axes.
  public let stride: Int
  /// Rows of zeros above and below.
  public let paddingRows: Int
  /// Columns of zeros left and right.
  public let paddingColumns: Int
  /// Groups of channels that do not see each other; `channels` for a depthwise convolution.
  public let groups: Int

  /// A geometry; `nil` when the sizes do not fit together (kernel larger than the padded map,
  /// channels or filters that the groups do not divide).
  public init?(
    input: MapShape, filters: Int, rows: Int, columns: Int, stride: Int = 1, paddingRows: Int = 0,
    paddingColumns: Int = 0, groups: Int = 1
  ) {
    guard filters > 0, rows > 0, (1...16).contains(columns), stride > 0, paddingRows >= 0,
      paddingColumns >= 0, groups > 0, input.channels % groups == 0, filters % groups == 0,
      input.height + 2 * paddingRows >= rows, input.width + 2 * paddingColumns >= columns
    else { return nil }
    self.input = input
    self.filters = filters
    self.rows = rows
    self.columns = columns
    self.stride = stride
    self.paddingRows = paddingRows
    self.paddingColumns = paddingColumns
    self.groups = groups
  }

  /// The map written.
  public var output: MapShape {
    MapShape(
      channels: filters,
      height: (input.height + 2 * paddingRows - rows) / stride + 1,
      width: (input.width + 2 * paddingColumns - columns) / stride + 1)
  }

  /// Channels that a filter sees.
  public var channelsPerGroup: Int { input.channels / groups }
  /// Weights of a dense layer.
  public var weights: Int { filters * channelsPerGroup * rows * columns }
  /// Multiply-accumulates of a dense forward pass of one image, taps on padding included.
  public var denseMACs: Int { weights * output.pixels }

  func kernelShape(blocks: Int) -> ck_conv_shape {
    ck_conv_shape(
      blocks: Int32(blocks), channels: Int32(input.channels), height: Int32(input.height),
      width: Int32(input.width), filters: Int32(filters), out_height: Int32(output.height),
      out_width: Int32(output.width), rows: Int32(rows), columns: Int32(columns),
      stride: Int32(stride), padding_rows: Int32(paddingRows),
      padding_columns: Int32(paddingColumns))
  }
}

extension ConvolutionGeometry: Codable {
  private enum CodingKeys: String, CodingKey {
    case input, filters, rows, columns, stride, paddingRows, paddingColumns, groups
  }

  /// Reads the sizes and checks that they fit together.
  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    // Bounds that keep every product of two sizes far from overflow.
    func number(_ key: CodingKeys) throws -> Int {
      let number = try values.decode(Int.self, forKey: key)
      guard (0...1 << 24).contains(number) else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: values, debugDescription: "\(number) is not in 0...\(1 << 24)")
      }
      return number
    }
    let input = try values.decode(MapShape.self, forKey: .input)
    guard
      let geometry = ConvolutionGeometry(
        input: input, filters: try number(.filters),
        rows: try number(.rows), columns: try number(.columns), stride: try number(.stride),
        paddingRows: try number(.paddingRows), paddingColumns: try number(.paddingColumns),
        groups: try number(.groups))
    else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "the sizes of a convolution do not fit together: the padded map must "
            + "hold a kernel of at most 16 columns, and groups must divide channels and filters"))
    }
    self = geometry
  }
}

/// How the kept weights of a layer are packed, which decides the kernels that run it.
public enum Packing: Int32, Sendable {
  /// Kernel rows of three of which one to three taps are kept; pruned taps cost nothing.
  case lines3 = 0
  /// Single weights: any kernel, stride and padding.
  case taps = 1
  /// Blocks of 4 filters x 4 channels of a 1x1 kernel.
  case blocks4 = 2

  /// The fastest packing for a geometry. Masks without structure (`scattered`) leave hardly a 4x4
  /// block empty, so 1x1 kernels then fall back to single weights.
  public init(for geometry: ConvolutionGeometry, scattered: Bool) {
    let padding = (geometry.paddingRows, geometry.paddingColumns)
    if geometry.rows == 1, geometry.columns == 1, padding == (0, 0), geometry.groups == 1,
      geometry.stride <= 2, !scattered
    {
      self = .blocks4
    } else if geometry.rows == 3, geometry.columns == 3, padding == (1, 1),
      geometry.stride == 1
        || (geometry.stride == 2 && geometry.input.height % 2 == 0
          && geometry.input.width % 2 == 0)
    {
      self = .lines3
    } else {
      self = .taps
    }
  }
}
