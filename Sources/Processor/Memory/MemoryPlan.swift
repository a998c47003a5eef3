// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// Memories that are too small for even the smallest blocks of a pass: which key to raise.
public struct MemoryPlanError: Error, Equatable, CustomStringConvertible {
  /// The machine.
  public let hardware: String
  /// The key: `memory.activation-kibibytes`.
  public let key: String
  /// The value found and what is needed.
  public let problem: String

  /// Machine, key and problem.
  public var description: String { "\(hardware): \(key): \(problem)" }
}

/// How a pass of a layer moves through the memories: the blocks that fit and move least, what they
/// move, and how long that takes.
///
/// All tensors of a step are in the DRAM: activations and gradients in the operand format
/// (FP32 results are rounded by the vector unit on their way), weight gradients in FP32, weights packed
/// in the operand format with their masks. A memory holds two blocks of a tensor, one in use and one
/// under way, or the whole tensor. Where nothing else fits, source planes are cut too, and outputs
/// stay on the chip until all of their sums are complete, so that partial sums never leave it.
public struct MemoryPlan: Sendable, Equatable {
  /// Blocks of groups, of images or bands of rows, of output planes, of source planes.
  public let groupBlocks, activationBlocks, outputPlaneBlocks, sourcePlaneBlocks: Int
  /// What moves.
  public let traffic: MemoryTraffic
  /// What would move if each tensor moved once.
  public let compulsory: MemoryTraffic
  /// Cycles of the array, those included that each further block of images takes once more.
  public let computeBound: Int
  /// Cycles in which the array stalls on transfers that are longer than the work of a block.
  public let dramWait: Int
  /// Cycles to load the first block and to store the last results.
  public let fill: Int

  /// Blocks along all loops.
  public var blocks: Int {
    groupBlocks * activationBlocks * outputPlaneBlocks * sourcePlaneBlocks
  }

  /// Cycles of the pass with its transfers.
  public var cycles: Int { computeBound + dramWait + fill }

  /// The plan of a pass that takes `computeCycles` on the array.
  ///
  /// Block counts of each loop are 1, 2, 3, 4, 6, 8, 12 and so on, and one for each image, row or
  /// plane. Of those that fit, the plan takes the one that moves least; of equal ones, the one whose
  /// first load, last store and pipeline fills take least.
  ///
  /// - Parameter restart: what further blocks of images cost the array.
  /// - Throws: `MemoryPlanError` if one row of one plane does not fit.
  public init(
    _ geometry: ConvolutionGeometry, pass: Pass, images: Int, storedWeights: Int, maskBits: Int,
    computeCycles: Int, restart: Restart = .none, hardware: HardwareDescription
  ) throws(MemoryPlanError) {
    let blocked = BlockedPass(
      geometry, pass: pass, images: images, storedWeights: storedWeights, maskBits: maskBits,
      operandBits: hardware.array.operands.bits, resultBits: hardware.array.results.bits)
    let search = BlockSearch(blocked, hardware: hardware)
    let best = try search.best()
    let counts = blocked.counts(best.cut)
    groupBlocks = counts.groups
    activationBlocks = counts.activations
    outputPlaneBlocks = counts.outputPlanes
    sourcePlaneBlocks = counts.sourcePlanes
    traffic = best.traffic
    compulsory = search.traffic(search.whole, order: best.order)
    computeBound = computeCycles + restart.cycles(blocks: counts.activations)
    let pipeline = BlockPipeline(
      blocked, cut: best.cut, order: best.order, computeCycles: computeBound, hardware: hardware)
    dramWait = pipeline.dramWait
    fill = pipeline.fill
  }
}
