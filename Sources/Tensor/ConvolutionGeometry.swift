// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The geometry of a convolution:
/// `y[k,p,q] = Σ w[k,c,r,s] · x[c, p·stride + r·dilation - before, …]`, where c, r and s run over the
/// channels of a group and the kernel, and the two axes have a `WindowAxis` each.
///
/// A linear layer is a 1x1 convolution on a 1x1 map. The engine trains geometries that are
/// `isTrainable`; the model of the processor takes all of them.
///
/// ```swift
/// let geometry = ConvolutionGeometry(
///   input: MapShape(channels: 16, height: 32, width: 32), filters: 32, rows: 3, columns: 3,
///   stride: 2, paddingRows: 1, paddingColumns: 1)
/// print(geometry?.output.description ?? "does not fit")  // 32@16x16
/// ```
public struct ConvolutionGeometry: Hashable, Sendable {
  /// The input feature map.
  public let input: MapShape
  /// Filters: channels of the output.
  public let filters: Int
  /// The kernel along the height.
  public let vertical: WindowAxis
  /// The kernel along the width.
  public let horizontal: WindowAxis
  /// Groups of a grouped convolution; `channels` for a depthwise one.
  public let groups: Int
  /// The output feature map.
  public let output: MapShape

  /// Kernel columns of a layer that the engine trains, at most.
  public static let mostTrainableColumns = 16

  /// A geometry; `nil` when the sizes do not fit together (kernel larger than the padded map,
  /// channels or filters that the groups do not divide).
  public init?(
    input: MapShape, filters: Int, vertical: WindowAxis, horizontal: WindowAxis, groups: Int = 1
  ) {
    guard filters > 0, groups > 0, input.channels % groups == 0, filters % groups == 0,
      let height = vertical.outputs(input.height), let width = horizontal.outputs(input.width)
    else { return nil }
    self.input = input
    self.filters = filters
    self.vertical = vertical
    self.horizontal = horizontal
    self.groups = groups
    output = MapShape(channels: filters, height: height, width: width)
  }

  /// A geometry with one stride, no dilation and the same padding on opposite sides; `nil` as above.
  public init?(
    input: MapShape, filters: Int, rows: Int, columns: Int, stride: Int = 1, paddingRows: Int = 0,
    paddingColumns: Int = 0, groups: Int = 1
  ) {
    self.init(
      input: input, filters: filters,
      vertical: WindowAxis(
        kernel: rows, stride: stride, paddingBefore: paddingRows, paddingAfter: paddingRows),
      horizontal: WindowAxis(
        kernel: columns, stride: stride, paddingBefore: paddingColumns,
        paddingAfter: paddingColumns),
      groups: groups)
  }

  /// Whether the engine has kernels for it: one stride, no dilation, the same padding on opposite
  /// sides, at most `mostTrainableColumns` kernel columns.
  public var isTrainable: Bool { isUniform && columns <= Self.mostTrainableColumns }

  /// Whether one stride and two paddings describe it.
  public var isUniform: Bool {
    vertical.isPlain && horizontal.isPlain && vertical.stride == horizontal.stride
  }

  /// Kernel rows R.
  public var rows: Int { vertical.kernel }
  /// Kernel columns S.
  public var columns: Int { horizontal.kernel }

  /// Stride of both axes, of a uniform geometry.
  public var stride: Int { uniform(vertical.stride) }
  /// Rows of zeros above and below, of a uniform geometry.
  public var paddingRows: Int { uniform(vertical.paddingBefore) }
  /// Columns of zeros left and right, of a uniform geometry.
  public var paddingColumns: Int { uniform(horizontal.paddingBefore) }

  private func uniform(_ value: Int) -> Int {
    precondition(isUniform, "one stride and two paddings do not describe \(self)")
    return value
  }

  /// Channels that a filter reads.
  public var channelsPerGroup: Int { input.channels / groups }
  /// Weights of a dense layer.
  public var weights: Int { filters * channelsPerGroup * rows * columns }
  /// Multiply-accumulates of a dense forward pass of one image, taps on padding included.
  public var denseMACs: Int { weights * output.pixels }

  func kernelShape(blocks: Int) -> ck_conv_shape {
    precondition(isTrainable, "the engine has no kernel for \(self)")
    return ck_conv_shape(
      blocks: Int32(blocks), channels: Int32(input.channels), height: Int32(input.height),
      width: Int32(input.width), filters: Int32(filters), out_height: Int32(output.height),
      out_width: Int32(output.width), rows: Int32(rows), columns: Int32(columns),
      stride: Int32(stride), padding_rows: Int32(paddingRows),
      padding_columns: Int32(paddingColumns))
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
