// SPDX-License-Identifier: Apache-2.0
import Masks

/// Work of the vector unit, or of the reorder unit beside it.
public struct VectorRun: Codable, Hashable, Sendable {
  /// FP32 operations.
  public var operations = 0
  /// Words of 64 mask bits that the reorder unit compares, one a cycle.
  public var reorderWords = 0
  /// Bits to and from the DRAM.
  public var dramBits = 0
  /// Cycles of the unit.
  public var computeBound = 0
  /// Cycles in which it waits for the DRAM.
  public var dramWait = 0

  /// Cycles with all waiting.
  public var cycles: Int { computeBound + dramWait }

  /// Nothing.
  public init() {}

  init(operations: Int = 0, reorderWords: Int = 0, dramBits: Int, _ hardware: HardwareDescription) {
    self.operations = operations
    self.reorderWords = reorderWords
    self.dramBits = dramBits
    computeBound = ceilingDivision(operations, hardware.vectorUnit.lanes) + reorderWords
    dramWait = max(0, hardware.transferCycles(bits: dramBits) - computeBound)
  }

  /// One after the other.
  public static func + (a: VectorRun, b: VectorRun) -> VectorRun {
    var sum = a
    sum.operations += b.operations
    sum.reorderWords += b.reorderWords
    sum.dramBits += b.dramBits
    sum.computeBound += b.computeBound
    sum.dramWait += b.dramWait
    return sum
  }

  /// The share of one step of something that happens every `interval` steps, rounded up.
  public func amortised(over interval: Int) -> VectorRun {
    precondition(interval > 0, "an interval of at least one step")
    var share = self
    share.operations = ceilingDivision(operations, interval)
    share.reorderWords = ceilingDivision(reorderWords, interval)
    share.dramBits = ceilingDivision(dramBits, interval)
    share.computeBound = ceilingDivision(computeBound, interval)
    share.dramWait = ceilingDivision(dramWait, interval)
    return share
  }
}

/// What the vector unit does in a training step besides rounding the results of the array: FP32
/// operations for each value, and values from and to the DRAM in the operand format.
public struct VectorUnit: Sendable {
  private let hardware: HardwareDescription

  /// The unit of a machine.
  public init(_ hardware: HardwareDescription) { self.hardware = hardware }

  private func values(_ count: Int, operations: Int) -> VectorRun {
    VectorRun(
      operations: operations, dramBits: count * hardware.array.operands.bits, hardware)
  }

  /// The forward pass of a layer.
  ///
  /// Batch normalisation: sum and sum of squares (3, while the convolution writes), scale and shift
  /// (2), activation (1). Dropout draws a number and multiplies.
  public func forward(_ layer: NetworkDescription.VectorLayer, images: Int) -> VectorRun {
    let (input, output) = (layer.inputElements * images, layer.outputElements * images)
    let operations =
      switch layer.kind {
      case .batchNorm, .normalization: 6 * output
      case .batchNormWithResidual: 7 * output
      case .activation, .add, .multiply: output
      case .pooling: input
      case .dropout: 2 * output
      }
    return values(input + output, operations: operations)
  }

  /// The backward pass of a layer.
  ///
  /// Batch normalisation reads dy and x twice: once for the sums of dy and dy·x̂ (x̂ 2, activation 1,
  /// sums 3), once for `dx = γ/σ · (dy - mean(dy) - x̂ · mean(dy·x̂))` (x̂ 2, activation 1, dx 4). The
  /// gradient of a residual is the one behind the activation, written too. That of a sum is the one
  /// that comes. Other normalisations are counted like that over a batch.
  public func backward(_ layer: NetworkDescription.VectorLayer, images: Int) -> VectorRun {
    let (input, output) = (layer.inputElements * images, layer.outputElements * images)
    return switch layer.kind {
    case .batchNorm, .normalization: values(5 * output, operations: 13 * output)
    case .batchNormWithResidual: values(6 * output, operations: 13 * output)
    case .activation: values(3 * output, operations: output)
    // The map read is needed again to find where the largest values were.
    case .pooling: values(2 * input + output, operations: input)
    case .add: VectorRun()
    // Each factor's gradient is the one that comes times the other factor.
    case .multiply: values(output + 2 * input, operations: 2 * output)
    case .dropout: values(2 * output, operations: output)
    }
  }

  /// Softmax and cross-entropy of `classes` logits with their gradient: largest, difference,
  /// exponential (4), sum, quotient, difference from the target, scale.
  public func loss(classes: Int, images: Int) -> VectorRun {
    let logits = classes * images
    return values(2 * logits, operations: 10 * logits)
  }

  /// Stochastic gradient descent with momentum and weight decay, `v ← μv + g + λw; w ← w - ηv`: 6
  /// operations for each stored weight. Weight, momentum and gradient are read and the first two
  /// written in FP32, and the weight once more in the operand format.
  public func optimiser(storedWeights: Int) -> VectorRun {
    let bits = 5 * hardware.array.sumBits + hardware.array.operands.bits
    return VectorRun(
      operations: 6 * storedWeights, dramBits: storedWeights * bits, hardware)
  }

  /// The reorder unit after an update of masks: a row that joins a group is compared with every row
  /// left, n(n-1)/2 comparisons of n rows, after one round that counts their bits. It reads the masks
  /// from the DRAM and writes a number of 16 bits for each row. Divide by the interval of updates with
  /// `amortised`.
  public func reordering(_ parts: [LoweredPart]) -> VectorRun {
    if hardware.techniques.reorder == .natural { return VectorRun() }
    let countsOnly = hardware.techniques.reorder == .popcount
    return parts.reduce(VectorRun()) { sum, part in
      let comparisons = countsOnly ? 0 : part.rows * (part.rows - 1) / 2
      return sum
        + VectorRun(
          reorderWords: (comparisons + part.rows) * part.wordsPerRow,
          dramBits: part.rows * (part.entries + 16), hardware)
    }
  }
}
