// SPDX-License-Identifier: Apache-2.0
/// Bits between the chip and the DRAM, by tensor.
public struct MemoryTraffic: Codable, Hashable, Sendable {
  /// Activations read; in the input-gradient pass output gradients.
  public var sourceBits = 0
  /// Output gradients read by the weight-gradient pass.
  public var gradientBits = 0
  /// Kept weights read.
  public var weightBits = 0
  /// Masks read.
  public var maskBits = 0
  /// Results written.
  public var resultBits = 0

  /// Nothing.
  public init() {}

  /// All of it.
  public var total: Int { sourceBits + gradientBits + weightBits + maskBits + resultBits }

  /// Tensor by tensor.
  public static func + (a: MemoryTraffic, b: MemoryTraffic) -> MemoryTraffic {
    var sum = a
    sum.sourceBits += b.sourceBits
    sum.gradientBits += b.gradientBits
    sum.weightBits += b.weightBits
    sum.maskBits += b.maskBits
    sum.resultBits += b.resultBits
    return sum
  }
}

extension HardwareDescription {
  /// Cycles in which bits cross the DRAM interface, rounded up.
  func transferCycles(bits: Int) -> Int {
    let bitsPerCycle = memory.dramGigabytesPerSecond * 8e9 / supply.hertz
    return Int((Double(bits) / bitsPerCycle).rounded(.up))
  }
}
