// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The kernels for one instruction set of this CPU.
///
/// A table fixes the layout: `lanes` images of a batch lie innermost in every activation.
public struct Kernels: Sendable, CustomStringConvertible {
  // The tables are constants of the program: they live forever and never change.
  nonisolated(unsafe) let table: UnsafePointer<ck_kernels>

  /// The tables that this CPU can run, fastest first. There is always one.
  public static let available: [Kernels] = {
    var found: [Kernels] = []
    var index: Int32 = 0
    while let table = ck_table(index) {
      if ck_table_supported(index) != 0 { found.append(Kernels(table: table)) }
      index += 1
    }
    return found
  }()

  /// The fastest table of this CPU.
  public static var best: Kernels { available[0] }

  /// The instruction set: `avx512`, `avx2`, `neon` or `baseline`.
  public var name: String { String(cString: table.pointee.name) }

  /// Images a block: 16, 8 or 4.
  public var lanes: Int { Int(table.pointee.lanes) }

  /// The name of the instruction set.
  public var description: String { name }

  /// Runs fused multiply-adds in registers on the calling thread.
  ///
  /// - Returns: the floating-point operations done; the caller takes the time. Their quotient is
  ///   the roof that no kernel can exceed.
  public func runPeak(rounds: Int) -> Double { table.pointee.peak(Int64(rounds)) }
}
