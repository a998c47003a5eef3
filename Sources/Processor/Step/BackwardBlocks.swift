// SPDX-License-Identifier: Apache-2.0

import Masks
import Tensor

/// How a backward operation is cut, so that the input gradient and the weight gradient of a block
/// share one read of the gradient.
///
/// A block is images, or a band of rows of one image, times a part of the channels. It holds, twice,
/// the gradient of the outputs and its channels of the input, in the operand format, and the input
/// gradient in that of results, and once the weight gradients of its channels. Either the parts of the
/// channels are the outer loop and the gradient is read again for each, or the blocks of images are, and
/// weights are read and weight gradients read and written again for each.
struct BackwardBlocks: Equatable {
  /// Blocks of images or bands of rows.
  var activationBlocks = 1
  /// Parts of the channels.
  var channelBlocks = 1
  /// How often the gradient of the outputs is read, times `bandRows.whole`, and the same for the input.
  var gradientReads = 1
  /// Rows that all bands read over those of the map, for maps that are cut into bands.
  var bandRows = (read: 1, whole: 1)
  /// Bits of weights and weight gradients that move again.
  var weightBits = 0

  static func == (a: BackwardBlocks, b: BackwardBlocks) -> Bool {
    (a.activationBlocks, a.channelBlocks, a.gradientReads, a.weightBits)
      == (b.activationBlocks, b.channelBlocks, b.gradientReads, b.weightBits)
      && a.bandRows == b.bandRows
  }

  /// Times that so many bits are read, halos included.
  func read(_ bits: Int, times: Int) -> Int { bits * times * bandRows.read / bandRows.whole }

  /// The cut of the least cost; of equal ones the one that moves least, then that of fewer blocks.
  ///
  /// - Parameters:
  ///   - gradientBits: bits of the tensors on the gradient's side, in the DRAM.
  ///   - inputBits: bits of the tensors on the input's side.
  ///   - maskBits: bits of all masks of the operation.
  ///   - makesInputGradient: whether the input gradient is computed.
  ///   - cost: cost of the operation in so many blocks of images, when so many bits of both sides and
  ///     of weights move.
  /// - Throws: `MemoryPlanError` if one row of one channel does not fit.
  static func best(
    _ layers: [ConvolutionGeometry], storedWeights: Int, images: Int, gradientBits: Int,
    inputBits: Int, maskBits: Int = 0, makesInputGradient: Bool, hardware: HardwareDescription,
    cost: (_ activationBlocks: Int, _ moved: Int) -> Double = { Double($1) }
  ) throws(MemoryPlanError) -> BackwardBlocks {
    let first = layers[0]
    let operandBits = hardware.array.operands.bits
    let sumBits = hardware.array.sumBits
    let resultBits = hardware.array.results.bits
    let data = (hardware.memory.activationKibibytes + hardware.memory.outputKibibytes) * 8 * 1024
    let weightMemory = hardware.memory.weightKibibytes * 8 * 1024
    let maskMemory = hardware.memory.maskKibibytes * 8 * 1024
    let output = layers.reduce(0) { $0 + $1.output.count }
    let halo = layers.map(\.rows).max() ?? 1
    let height = first.input.height
    var best: (blocks: BackwardBlocks, cost: (Double, Int, Int))?
    // The least that each memory would have to hold.
    var least = (data: Int.max, weights: Int.max, masks: Int.max)
    let cuts =
      BlockSearch.sizes(images).map { (images: $0, rows: height) }
      + BlockSearch.sizes(height).dropFirst().map { (images: 1, rows: $0) }
    for cut in cuts {
      let bands = ceilingDivision(height, cut.rows)
      // A band reads the rows that its taps reach beyond it.
      let rows = bands == 1 ? height : min(height, cut.rows + halo - 1)
      func share(_ elements: Int) -> Int { ceilingDivision(elements * cut.images * rows, height) }
      for channels in BlockSearch.sizes(first.input.channels) {
        let channelBlocks = ceilingDivision(first.input.channels, channels)
        func ofChannels(_ whole: Int) -> Int {
          ceilingDivision(whole * channels, first.input.channels)
        }
        let input = ofChannels(share(first.input.count))
        let weights = ofChannels(storedWeights)
        let held =
          2 * (share(output) + input) * operandBits
          + (makesInputGradient ? 2 * input * resultBits : 0)
          + weights * sumBits
        let copies = channelBlocks > 1 ? 2 : 1
        let heldWeights = makesInputGradient ? weights * operandBits * copies : 0
        let heldMasks = ofChannels(maskBits) * copies
        least.data = min(least.data, held)
        least.weights = min(least.weights, heldWeights)
        least.masks = min(least.masks, heldMasks)
        if held > data || heldWeights > weightMemory || heldMasks > maskMemory { continue }
        var blocks = BackwardBlocks()
        blocks.activationBlocks = ceilingDivision(images, cut.images) * bands
        blocks.channelBlocks = channelBlocks
        blocks.bandRows = bands == 1 ? (1, 1) : (min(height, cut.rows + halo - 1) * bands, height)
        if channelBlocks > 1 {
          let again =
            (blocks.activationBlocks - 1) * storedWeights
            * ((makesInputGradient ? operandBits : 0) + 2 * sumBits)
          if blocks.read(gradientBits, times: channelBlocks - 1) <= again {
            blocks.gradientReads = channelBlocks
          } else {
            blocks.weightBits = again
          }
        }
        let moved =
          blocks.read(gradientBits, times: blocks.gradientReads) + blocks.read(inputBits, times: 1)
          + blocks.weightBits
        let cost = (
          cost(blocks.activationBlocks, moved), moved,
          blocks.activationBlocks * blocks.channelBlocks
        )
        if let best, best.cost <= cost { continue }
        best = (blocks, cost)
      }
    }
    if let best { return best.blocks }
    let (key, with, bits) =
      least.masks > maskMemory
      ? ("mask", "", least.masks)
      : least.weights > weightMemory
        ? ("weight", "", least.weights)
        : ("output", ", with memory.activation-kibibytes,", least.data)
    throw MemoryPlanError(
      hardware: hardware.name, key: "memory.\(key)-kibibytes",
      problem: "too small\(with) for one row of one channel of this backward operation; at least "
        + "\(ceilingDivision(bits, 8 * 1024)) KiB")
  }
}
