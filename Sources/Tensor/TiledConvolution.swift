// SPDX-License-Identifier: Apache-2.0
import CKernels

/// A convolution as kernels see it: the shape and, between tiles, the windows that they read. Of maps
/// held in pairs, columns are counted in pairs: the pairs that a pair of outputs reads are those next
/// to it, as its columns would be.
struct TiledConvolution {
  /// What is copied first; nil where each tile is made of one tile of the other map.
  let windows: WindowGeometry?
  /// The layer in its forward sense; on one tile, without padding.
  let shape: ck_conv_shape

  private init(windows: WindowGeometry?, shape: ck_conv_shape) {
    self.windows = windows
    self.shape = shape
  }

  private init(whole geometry: ConvolutionGeometry, blocks: Int, paired: Bool) {
    var shape = geometry.kernelShape(blocks: blocks)
    if paired {
      shape.width /= 2
      shape.out_width /= 2
    }
    self.init(windows: nil, shape: shape)
  }

  /// Tiles of the output, made of windows of the input: forward and weight gradient.
  init(
    forward geometry: ConvolutionGeometry, input: BatchLayout, output: BatchLayout, paired: Bool
  ) {
    if input.isWhole && output.isWhole {
      self.init(whole: geometry, blocks: input.blocks, paired: paired)
      return
    }
    let (input, output) = paired ? (input.inPairs, output.inPairs) : (input, output)
    let stride = geometry.stride
    let isPointwise =
      geometry.rows == 1 && geometry.columns == 1 && geometry.paddingRows == 0
      && geometry.paddingColumns == 0
    let windows: WindowGeometry?
    if isPointwise, input.hasTiles(of: output), input.height == output.height * stride,
      input.width == output.width * stride
    {
      windows = nil
    } else {
      windows = WindowGeometry(
        source: input, tiles: output, height: (output.height - 1) * stride + geometry.rows,
        width: (output.width - 1) * stride + geometry.columns, rowStep: output.height * stride,
        columnStep: output.width * stride, firstRow: -geometry.paddingRows,
        firstColumn: -geometry.paddingColumns)
    }
    let shape = ck_conv_shape(
      blocks: Int32(output.blocks), channels: Int32(input.map.channels),
      height: Int32(windows?.height ?? input.height), width: Int32(windows?.width ?? input.width),
      filters: Int32(output.map.channels), out_height: Int32(output.height),
      out_width: Int32(output.width), rows: Int32(geometry.rows),
      columns: Int32(geometry.columns), stride: Int32(stride), padding_rows: 0, padding_columns: 0)
    self.init(windows: windows, shape: shape)
  }

  /// Tiles of the input's gradient, made of windows of the output's. Tiles must start at multiples of
  /// the stride, so that all of them meet the same phases of it: see `isAligned`.
  init(
    inputGradient geometry: ConvolutionGeometry, input: BatchLayout, output: BatchLayout,
    paired: Bool
  ) {
    if input.isWhole && output.isWhole {
      self.init(whole: geometry, blocks: input.blocks, paired: paired)
      return
    }
    let (input, output) = paired ? (input.inPairs, output.inPairs) : (input, output)
    let stride = geometry.stride
    /// Window rows (columns) before the tile's own, and all of them.
    func extent(_ size: Int, kernel: Int, padding: Int) -> (before: Int, length: Int) {
      // Negative where the first rows of the gradient are read by no row of the tile.
      let reach = kernel - 1 - padding
      let before = reach >= 0 ? reach / stride : -((-reach + stride - 1) / stride)
      return (before, (size - 1 + padding) / stride + before + 1)
    }
    let rows = extent(input.height, kernel: geometry.rows, padding: geometry.paddingRows)
    let columns = extent(input.width, kernel: geometry.columns, padding: geometry.paddingColumns)
    let isPointwise =
      geometry.rows == 1 && geometry.columns == 1 && geometry.paddingRows == 0
      && geometry.paddingColumns == 0
    let windows: WindowGeometry?
    if isPointwise, input.hasTiles(of: output), input.height == output.height * stride,
      input.width == output.width * stride
    {
      windows = nil
    } else {
      windows = WindowGeometry(
        source: output, tiles: input, height: rows.length, width: columns.length,
        rowStep: input.height / stride, columnStep: input.width / stride, firstRow: -rows.before,
        firstColumn: -columns.before)
    }
    let shape = ck_conv_shape(
      blocks: Int32(input.blocks), channels: Int32(input.map.channels),
      height: Int32(input.height), width: Int32(input.width),
      filters: Int32(output.map.channels), out_height: Int32(windows?.height ?? output.height),
      out_width: Int32(windows?.width ?? output.width), rows: Int32(geometry.rows),
      columns: Int32(geometry.columns), stride: Int32(stride),
      padding_rows: Int32(geometry.paddingRows + rows.before * stride),
      padding_columns: Int32(geometry.paddingColumns + columns.before * stride))
    self.init(windows: windows, shape: shape)
  }

  /// Whether the tiles of an input all start at multiples of the stride.
  static func isAligned(_ input: BatchLayout, stride: Int) -> Bool {
    input.isWhole || (input.height % stride == 0 && input.width % stride == 0)
  }
}

extension Engine {
  /// The windows of a tensor, in the workspace; the tensor itself where tiles need none.
  func windows(_ geometry: WindowGeometry?, of source: Tensor, fill: Float = 0) -> Tensor {
    guard let geometry else { return source }
    let plan = workspace.plan(geometry)
    let windows = workspace.tensor(.windows, floats: plan.floats)
    plan.withArguments(source: source, windows: windows, fill: fill, accumulate: false) {
      run($0, shards: shards(words: plan.floats), kernels.table.pointee.windows)
    }
    return windows
  }

  /// Adds the gradients of windows to where their pixels came from.
  func addWindows(
    _ geometry: WindowGeometry, windows: Tensor, to source: Tensor, accumulate: Bool
  ) {
    workspace.plan(geometry).withArguments(
      source: source, windows: windows, fill: 0, accumulate: accumulate
    ) {
      run($0, kernels.table.pointee.window_gradient)
    }
  }

  /// Copies an activation from one layout to another of the same map, or adds it.
  func change(
    _ source: Tensor, _ from: BatchLayout, into destination: Tensor, _ to: BatchLayout,
    accumulate: Bool = false
  ) {
    let geometry = WindowGeometry(
      source: from, tiles: to, height: to.height, width: to.width, rowStep: to.height,
      columnStep: to.width, firstRow: 0, firstColumn: 0)
    workspace.plan(geometry).withArguments(
      source: source, windows: destination, fill: 0, accumulate: accumulate
    ) {
      run($0, kernels.table.pointee.windows)
    }
  }
}
