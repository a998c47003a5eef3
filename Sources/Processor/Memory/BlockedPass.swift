// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// A pass of a layer as tensors that are cut into blocks: how large a block of each tensor is, and
/// in which memory it is.
///
/// Four loops walk over the blocks: bundles of groups of a grouped convolution (outermost; nothing is
/// shared between them), the activation side (images, or bands of rows of one image), output planes,
/// and source planes. Results stay on the chip until they are complete, so the loop over what they
/// sum is innermost: source planes, or in the weight-gradient pass the activation side.
struct BlockedPass {
  let pass: Pass
  let images: Int
  let groups: Int
  /// Output planes and source planes of a group.
  let outputPlanes, sourcePlanes: Int
  /// Rows on the activation side: of the pass's outputs, or of dy in the weight-gradient pass.
  let rows: Int
  let storedWeights: Int
  let maskBits: Int
  /// Tensors that the pass moves.
  let tensors: [Tensor]
  /// The orders of the loops in which results are complete before they leave.
  let orders: [[Loop]]
  private let geometry: ConvolutionGeometry
  private let operandBits: Int
  /// Bits of an output or input gradient on the chip.
  private let resultBits: Int

  /// Sizes of a block along each loop.
  struct Cut: Hashable {
    /// Groups in a bundle.
    var groups: Int
    /// Images; one, if the rows are cut.
    var images: Int
    /// Rows.
    var rows: Int
    /// Output planes of each group.
    var outputPlanes: Int
    /// Source planes of each group.
    var sourcePlanes: Int
  }

  /// The loops.
  enum Loop: Int, CaseIterable { case activations, outputPlanes, sourcePlanes }

  /// Blocks along each loop.
  struct Counts: Hashable {
    var groups, activations, outputPlanes, sourcePlanes: Int

    subscript(loop: Loop) -> Int {
      switch loop {
      case .activations: activations
      case .outputPlanes: outputPlanes
      case .sourcePlanes: sourcePlanes
      }
    }

    var blocks: Int { groups * activations * outputPlanes * sourcePlanes }
  }

  /// Tensors of a pass, each cut along two of the loops.
  enum Tensor: Int, CaseIterable { case source, gradient, weights, masks, results }

  init(
    _ geometry: ConvolutionGeometry, pass: Pass, images: Int, storedWeights: Int, maskBits: Int,
    operandBits: Int, resultBits: Int = sumBits
  ) {
    self.geometry = geometry
    self.pass = pass
    self.images = images
    self.storedWeights = storedWeights
    self.maskBits = maskBits
    self.operandBits = operandBits
    self.resultBits = resultBits
    tensors =
      pass == .weightGradient
      ? [.source, .gradient, .masks, .results] : [.source, .weights, .masks, .results]
    orders =
      pass == .weightGradient
      ? [
        [.outputPlanes, .sourcePlanes, .activations], [.sourcePlanes, .outputPlanes, .activations],
      ]
      : [
        [.activations, .outputPlanes, .sourcePlanes], [.outputPlanes, .activations, .sourcePlanes],
      ]
    groups = geometry.groups
    let (filters, channels) = (geometry.filters / geometry.groups, geometry.channelsPerGroup)
    let isInputGradient = pass == .inputGradient
    (outputPlanes, sourcePlanes) = isInputGradient ? (channels, filters) : (filters, channels)
    rows = isInputGradient ? geometry.input.height : geometry.output.height
  }

  /// Whether a tensor is cut along a loop.
  func isCut(_ tensor: Tensor, along loop: Loop) -> Bool {
    switch tensor {
    case .source: loop != .outputPlanes
    case .gradient: loop != .sourcePlanes
    case .weights, .masks: loop != .activations
    case .results: loop != (pass == .weightGradient ? .activations : .sourcePlanes)
    }
  }

  func counts(_ cut: Cut) -> Counts {
    Counts(
      groups: ceilingDivision(groups, cut.groups),
      activations: ceilingDivision(images, cut.images) * ceilingDivision(rows, cut.rows),
      outputPlanes: ceilingDivision(outputPlanes, cut.outputPlanes),
      sourcePlanes: ceilingDivision(sourcePlanes, cut.sourcePlanes))
  }

  /// One block: what it covers along each loop.
  struct Block {
    var groups, images, rows, outputPlanes, sourcePlanes: Range<Int>
  }

  func block(_ cut: Cut, group: Int, activation: Int, outputPlane: Int, sourcePlane: Int) -> Block {
    func range(_ index: Int, _ size: Int, _ count: Int) -> Range<Int> {
      index * size..<min(count, (index + 1) * size)
    }
    let bands = ceilingDivision(rows, cut.rows)
    return Block(
      groups: range(group, cut.groups, groups),
      images: range(activation / bands, cut.images, images),
      rows: range(activation % bands, cut.rows, rows),
      outputPlanes: range(outputPlane, cut.outputPlanes, outputPlanes),
      sourcePlanes: range(sourcePlane, cut.sourcePlanes, sourcePlanes))
  }

  /// Bits of a block of a tensor in the DRAM. Weights and masks are taken to be spread evenly.
  func bits(_ tensor: Tensor, _ block: Block) -> Int {
    switch tensor {
    case .source:
      block.groups.count * block.sourcePlanes.count * block.images.count * sourceRows(block.rows)
        * sourceWidth * operandBits
    case .gradient:
      block.groups.count * block.outputPlanes.count * block.images.count * block.rows.count
        * geometry.output.width * operandBits
    case .weights: share(storedWeights, block) * operandBits
    case .masks: share(maskBits, block)
    case .results:
      pass == .weightGradient
        ? share(storedWeights, block) * Self.sumBits
        : block.groups.count * block.outputPlanes.count * block.images.count * block.rows.count
          * resultWidth * operandBits
    }
  }

  /// Bits on the chip of the largest block of a cut, of whose bands none reads more than `sourceRows`.
  /// Results have a format of their own there.
  func largestBits(_ tensor: Tensor, _ cut: Cut, sourceRows: Int) -> Int {
    let elements = cut.groups * cut.outputPlanes * cut.sourcePlanes
    func share(_ whole: Int) -> Int {
      ceilingDivision(whole * elements, groups * outputPlanes * sourcePlanes)
    }
    return switch tensor {
    case .source:
      cut.groups * cut.sourcePlanes * cut.images * sourceRows * sourceWidth * operandBits
    case .gradient:
      cut.groups * cut.outputPlanes * cut.images * cut.rows * geometry.output.width * operandBits
    case .weights: share(storedWeights) * operandBits
    case .masks: share(maskBits)
    case .results:
      pass == .weightGradient
        ? share(storedWeights) * Self.sumBits
        : cut.groups * cut.outputPlanes * cut.images * cut.rows * resultWidth * resultBits
    }
  }

  /// Products of a block, of a dense layer and with padding: its share of the work.
  func work(_ block: Block) -> Int {
    block.groups.count * block.outputPlanes.count * block.sourcePlanes.count * block.images.count
      * block.rows.count
  }

  /// Products of all blocks, in the same measure.
  var work: Int { groups * outputPlanes * sourcePlanes * images * rows }

  static let sumBits = 32

  private var sourceWidth: Int {
    pass == .inputGradient ? geometry.output.width : geometry.input.width
  }

  private var resultWidth: Int {
    pass == .inputGradient ? geometry.input.width : geometry.output.width
  }

  /// A block's share of what is spread evenly over (output plane, source plane): shares of all blocks
  /// sum to the whole.
  private func share(_ whole: Int, _ block: Block) -> Int {
    // Elements of blocks before this one, in the order groups, output planes, source planes.
    let perGroup = outputPlanes * sourcePlanes
    let start =
      block.groups.lowerBound * perGroup
      + block.groups.count * block.outputPlanes.lowerBound * sourcePlanes
      + block.groups.count * block.outputPlanes.count * block.sourcePlanes.lowerBound
    let end =
      start + block.groups.count * block.outputPlanes.count * block.sourcePlanes.count
    let all = groups * perGroup
    return whole * end / all - whole * start / all
  }

  /// Source rows that a range of the activation side reads: overlapping ranges read rows twice, rows
  /// that a stride leaves out are not read.
  func sourceRows(_ range: Range<Int>) -> Int {
    let window = geometry.vertical
    if range.isEmpty { return 0 }
    if pass == .inputGradient {
      // Row y gathers dy rows p with y - p·stride + padding = r·dilation, 0 ≤ r < kernel.
      let first = max(
        0,
        ceilingDivision(
          range.lowerBound + window.paddingBefore - window.reach + 1, window.stride))
      let last = min(
        geometry.output.height - 1,
        floorDivision(range.upperBound - 1 + window.paddingBefore, window.stride))
      if window.dilation == 1 || last < first { return max(0, last - first + 1) }
      return (first...last).count { row in
        // Distances from p·stride - padding to the range that are multiples of the dilation.
        let start = row * window.stride - window.paddingBefore
        let least = max(0, ceilingDivision(range.lowerBound - start, window.dilation))
        let most = min(
          window.kernel - 1, floorDivision(range.upperBound - 1 - start, window.dilation))
        return least <= most
      }
    }
    if window.dilation > 1 { return dilatedRows(range) }
    var total = 0
    var next = 0
    for row in range {
      let first = max(next, row * window.stride - window.paddingBefore)
      let end = min(
        geometry.input.height, row * window.stride - window.paddingBefore + window.kernel)
      if end > first {
        total += end - first
        next = end
      }
    }
    return total
  }

  /// Input rows that outputs of a range read through a kernel with gaps.
  private func dilatedRows(_ range: Range<Int>) -> Int {
    let window = geometry.vertical
    var isRead = [Bool](repeating: false, count: geometry.input.height)
    for row in range {
      for tap in 0..<window.kernel {
        let position = row * window.stride + window.offset(tap)
        if isRead.indices.contains(position) { isRead[position] = true }
      }
    }
    return isRead.count { $0 }
  }
}
