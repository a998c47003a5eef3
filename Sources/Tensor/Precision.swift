// SPDX-License-Identifier: Apache-2.0
import CKernels

/// What activations and their gradients are held in. Weights, their gradients, statistics and sums are
/// 32-bit floats in any precision.
public enum Precision: String, Codable, Sendable, CaseIterable {
  /// 32-bit floats.
  case fp32
  /// 16-bit brain floats: the range of floats, 8 bits of precision. A map whose rows, or those of its
  /// tiles in a small batch, have an odd number of values stays 32-bit floats.
  case bf16
}

/// The kernels on maps of BF16 values in pairs of columns, for the layout of a table.
struct PairKernels: Sendable {
  // The tables are constants of the program: they live forever and never change.
  nonisolated(unsafe) let table: UnsafePointer<ck_pair_kernels>

  /// The tables that this CPU can run.
  static let available: [PairKernels] = {
    var found: [PairKernels] = []
    var index: Int32 = 0
    while let table = ck_pair_table(index) {
      if ck_pair_table_supported(index) != 0 { found.append(PairKernels(table: table)) }
      index += 1
    }
    return found
  }()

  var name: String { String(cString: table.pointee.name) }
}

extension Kernels {
  var pairs: PairKernels {
    guard let table = ck_fastest_pair_table(Int32(lanes)) else {
      preconditionFailure("every layout has kernels on pairs")
    }
    return PairKernels(table: table)
  }

  /// Whether products of BF16 values are made faster than those of floats. Where not, they are converted.
  public var multipliesBF16: Bool { pairs.table.pointee.multiplies_bf16 != 0 }

  /// The precision in which pruned networks train fastest: with AVX-512 half the traffic is worth more
  /// than converting costs, with AVX2 it is not.
  public var fastestPrecision: Precision { name == "avx512" ? .bf16 : .fp32 }
}
