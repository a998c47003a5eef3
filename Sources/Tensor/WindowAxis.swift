// SPDX-License-Identifier: Apache-2.0

/// How a kernel moves along one axis of a map: output p reads positions `p·stride + r·dilation -
/// paddingBefore` of the map for kernel positions r.
public struct WindowAxis: Hashable, Sendable {
  /// Kernel positions.
  public let kernel: Int
  /// Map positions from one output to the next.
  public let stride: Int
  /// Map positions from one kernel position to the next.
  public let dilation: Int
  /// Zeros before the first value.
  public let paddingBefore: Int
  /// Zeros after the last value.
  public let paddingAfter: Int

  /// An axis; whether the sizes are possible is checked where a map is known.
  public init(
    kernel: Int, stride: Int = 1, dilation: Int = 1, paddingBefore: Int = 0, paddingAfter: Int = 0
  ) {
    self.kernel = kernel
    self.stride = stride
    self.dilation = dilation
    self.paddingBefore = paddingBefore
    self.paddingAfter = paddingAfter
  }

  /// Map positions from the first that an output reads to the last, both included.
  public var reach: Int { (kernel - 1) * dilation + 1 }

  /// The map position that output 0 reads through a kernel position; negative on padding.
  public func offset(_ position: Int) -> Int { position * dilation - paddingBefore }

  /// Outputs on a map of `size` positions; `nil` if the kernel does not fit, or a size is negative.
  public func outputs(_ size: Int) -> Int? {
    guard kernel > 0, stride > 0, dilation > 0, paddingBefore >= 0, paddingAfter >= 0, size > 0
    else { return nil }
    let room = size + paddingBefore + paddingAfter - reach
    return room >= 0 ? room / stride + 1 : nil
  }

  /// Whether the kernel moves without gaps and has the same padding on both sides.
  var isPlain: Bool { dilation == 1 && paddingBefore == paddingAfter }
}
