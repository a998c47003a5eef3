// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Square pooling windows over a map.
public struct PoolingGeometry: Hashable, Sendable {
  /// What a window gives.
  public enum Kind: String, Sendable, Codable {
    /// The largest value; padding never wins.
    case max
    /// The mean; padding counts as zeros.
    case average
  }

  /// What a window gives.
  public let kind: Kind
  /// The input feature map.
  public let input: MapShape
  /// Side of a window, at most 15.
  public let size: Int
  /// Step of both axes.
  public let stride: Int
  /// Padding of every side, less than `size`.
  public let padding: Int

  /// A geometry; `nil` when a window does not fit the padded map.
  public init?(kind: Kind, input: MapShape, size: Int, stride: Int, padding: Int = 0) {
    guard (1...15).contains(size), stride > 0, (0..<size).contains(padding),
      input.height + 2 * padding >= size, input.width + 2 * padding >= size
    else { return nil }
    self.kind = kind
    self.input = input
    self.size = size
    self.stride = stride
    self.padding = padding
  }

  /// The output feature map.
  public var output: MapShape {
    MapShape(
      channels: input.channels, height: (input.height + 2 * padding - size) / stride + 1,
      width: (input.width + 2 * padding - size) / stride + 1)
  }
}

extension PoolingGeometry {
  /// What the tiles of the output read of those of the input; nil where images are whole, or each
  /// tile is made of one tile alone.
  func windows(_ input: BatchLayout, _ output: BatchLayout) -> WindowGeometry? {
    if input.isWhole && output.isWhole { return nil }
    if padding == 0, size <= stride, input.hasTiles(of: output),
      input.height == output.height * stride, input.width == output.width * stride
    {
      return nil
    }
    return WindowGeometry(
      source: input, tiles: output, height: (output.height - 1) * stride + size,
      width: (output.width - 1) * stride + size, rowStep: output.height * stride,
      columnStep: output.width * stride, firstRow: -padding, firstColumn: -padding)
  }
}

/// Which element of each window won a max pooling, one byte each.
public struct PoolingWinners: Sendable {
  private let bytes: Tensor

  /// Room for as many windows as an output has values.
  public init(values: Int) { bytes = Tensor(count: (values + 3) / 4) }

  var pointer: UnsafeMutablePointer<UInt8> {
    UnsafeMutableRawPointer(bytes.pointer).assumingMemoryBound(to: UInt8.self)
  }
  var count: Int { bytes.count * 4 }
}

extension Engine {
  /// Max or average pooling. `winners` is what the gradient of a max pooling needs.
  public func pool(
    _ geometry: PoolingGeometry, input: Tensor, output: Tensor, winners: PoolingWinners?,
    images: Int
  ) {
    check(input, geometry.input, images: images)
    check(output, geometry.output, images: images)
    onFloats(
      .read(input, geometry.input), .write(output, geometry.output), images: images
    ) { source, destination in
      poolFloats(geometry, input: source, output: destination, winners: winners, images: images)
    }
  }

  private func poolFloats(
    _ geometry: PoolingGeometry, input: Tensor, output: Tensor, winners: PoolingWinners?,
    images: Int
  ) {
    let windows = geometry.windows(
      layout(geometry.input, images: images), layout(geometry.output, images: images))
    let padding: Float = geometry.kind == .max ? -.infinity : 0
    run(
      arguments(
        geometry, windows, source: self.windows(windows, of: input, fill: padding),
        destination: output, winners: winners, accumulate: false, images: images),
      kernels.table.pointee.pool)
  }

  /// Gradient of `pool`.
  public func poolGradient(
    _ geometry: PoolingGeometry, outputGradient: Tensor, inputGradient: Tensor,
    winners: PoolingWinners?, accumulate: Bool, images: Int
  ) {
    check(outputGradient, geometry.output, images: images)
    check(inputGradient, geometry.input, images: images)
    precondition(
      geometry.kind == .average || winners != nil, "max pooling keeps its winners for backward")
    onFloats(
      .read(outputGradient, geometry.output),
      .write(inputGradient, geometry.input, adds: accumulate), images: images
    ) { source, destination in
      poolGradientOfFloats(
        geometry, outputGradient: source, inputGradient: destination, winners: winners,
        accumulate: accumulate, images: images)
    }
  }

  private func poolGradientOfFloats(
    _ geometry: PoolingGeometry, outputGradient: Tensor, inputGradient: Tensor,
    winners: PoolingWinners?, accumulate: Bool, images: Int
  ) {
    let windows = geometry.windows(
      layout(geometry.input, images: images), layout(geometry.output, images: images))
    let destination =
      windows.map { workspace.tensor(.windows, floats: workspace.plan($0).floats) }
      ?? inputGradient
    run(
      arguments(
        geometry, windows, source: outputGradient, destination: destination, winners: winners,
        accumulate: accumulate && windows == nil, images: images),
      kernels.table.pointee.pool_gradient)
    if let windows {
      addWindows(windows, windows: destination, to: inputGradient, accumulate: accumulate)
    }
  }

  /// - Parameter windows: what tiles read instead of the map, padding included.
  private func arguments(
    _ geometry: PoolingGeometry, _ windows: WindowGeometry?, source: Tensor, destination: Tensor,
    winners: PoolingWinners?, accumulate: Bool, images: Int
  ) -> ck_pool_args {
    let input = layout(geometry.input, images: images)
    let output = layout(geometry.output, images: images)
    if let winners { precondition(winners.count >= output.floats) }
    return ck_pool_args(
      kind: Int32(geometry.kind == .max ? CK_MAX_POOL : CK_AVERAGE_POOL),
      blocks: Int32(output.blocks), channels: Int32(geometry.input.channels),
      height: Int32(windows?.height ?? input.height), width: Int32(windows?.width ?? input.width),
      out_height: Int32(output.height), out_width: Int32(output.width),
      size: Int32(geometry.size), stride: Int32(geometry.stride),
      padding: Int32(windows == nil ? geometry.padding : 0), source: source.pointer,
      destination: destination.pointer, winners: winners?.pointer,
      accumulate: accumulate ? 1 : 0)
  }

  /// The mean of each channel's feature map.
  public func globalPool(input: Tensor, output: Tensor, map: MapShape, images: Int) {
    check(input, map, images: images)
    check(output, MapShape(channels: map.channels, height: 1, width: 1), images: images)
    onFloats(.read(input, map), images: images) { floats in
      run(
        ck_global_pool_args(
          planes: planes(map, images: images), source: floats.pointer,
          destination: output.pointer, accumulate: 0), kernels.table.pointee.global_pool)
    }
  }

  /// Gradient of `globalPool`: every pixel receives the gradient divided by the number of pixels.
  public func globalPoolGradient(
    outputGradient: Tensor, inputGradient: Tensor, accumulate: Bool, map: MapShape, images: Int
  ) {
    check(inputGradient, map, images: images)
    check(outputGradient, MapShape(channels: map.channels, height: 1, width: 1), images: images)
    onFloats(.write(inputGradient, map, adds: accumulate), images: images) { floats in
      run(
        ck_global_pool_args(
          planes: planes(map, images: images), source: outputGradient.pointer,
          destination: floats.pointer, accumulate: accumulate ? 1 : 0),
        kernels.table.pointee.global_pool_gradient)
    }
  }
}
