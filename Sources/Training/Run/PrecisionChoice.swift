// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The precision that a configuration asks for.
public enum PrecisionChoice: String, Codable, Sendable, CaseIterable {
  /// 32-bit floats.
  case fp32
  /// BF16 activations and gradients; weights, sums and statistics stay 32-bit floats.
  case bf16
  /// BF16 where the machine is faster in it, else FP32. A run records which it was.
  case auto

  /// A precision that is settled.
  public init(_ precision: Precision) {
    switch precision {
    case .fp32: self = .fp32
    case .bf16: self = .bf16
    }
  }

  /// What it is on a machine.
  public func precision(on kernels: Kernels) -> Precision {
    switch self {
    case .fp32: .fp32
    case .bf16: .bf16
    case .auto: kernels.fastestPrecision
    }
  }
}
