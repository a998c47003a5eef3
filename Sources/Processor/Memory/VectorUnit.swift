// SPDX-License-Identifier: Apache-2.0
import Masks

/// Work of the vector unit, or of the reorder unit beside it.
public struct VectorRun: Codable, Hashable, Sendable {
  /// FP32 operations.
  public var operations = 0
  /// Words of 64 mask bits that the reorder unit compares, one a cycle.
  public var reorderWords = 0
  /// Lines that the reorder unit puts into lists, one a cycle.
  public var reorderLines = 0
  /// Bits to and from the DRAM.
  public var dramBits = 0
  /// Cycles of the unit.
  public var computeBound = 0
  /// Cycles in which it stalls on the DRAM.
  public var dramWait = 0

  /// Cycles with all stalls.
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
    sum.reorderLines += b.reorderLines
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
    share.reorderLines = ceilingDivision(reorderLines, interval)
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
  /// (2), activation (1). Dropout generates a random number and multiplies.
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

  /// What an update of weights takes.
  ///
  /// SGD with momentum and weight decay, `v ← μv + g + λw; w ← w - ηv`, has 6 operations and one moment
  /// a weight. AdamW has 16 (two moments of 3 and 4, their corrections 2, root, sum and quotient 3, decay
  /// and step 4) and two moments.
  public struct Optimiser: Sendable {
    let operations: Int
    let moments: Int

    /// An optimiser.
    public init(_ optimizer: NetworkDescription.Optimizer) {
      (operations, moments) =
        switch optimizer {
        case .sgd: (6, 1)
        case .adamw: (16, 2)
        }
    }

    private static let momentBits = 32

    /// Bits read for each stored weight where it is updated as its gradient is complete: moments, and
    /// what FP32 has beyond the operand that was read for the input gradient. A weight is two planes:
    /// its 16-bit operand, and the rest. (8-bit operands are a copy beside the FP32 weight.)
    func readBits(operandBits: Int, hasOperand: Bool) -> Int {
      let weight = operandBits == 16 && hasOperand ? 16 : 32
      return weight + moments * Self.momentBits
    }

    /// Bits written then.
    func writtenBits(operandBits: Int) -> Int {
      32 + (operandBits == 16 ? 0 : operandBits) + moments * Self.momentBits
    }
  }

  /// An update as a pass of its own. Weight, moments and gradient are read and all but the last
  /// written in FP32, and the weight once more in the operand format.
  public func optimiser(
    storedWeights: Int, _ optimizer: NetworkDescription.Optimizer = .sgd
  ) -> VectorRun {
    let optimiser = Optimiser(optimizer)
    let bits =
      (3 + 2 * optimiser.moments) * hardware.array.sumBits + hardware.array.operands.bits
    return VectorRun(
      operations: optimiser.operations * storedWeights, dramBits: storedWeights * bits, hardware)
  }

  /// The reorder unit after an update of masks: a row that joins a group is compared with every row
  /// left of the next `rowLookahead`, after one round that counts their bits. It reads the masks
  /// from the DRAM and writes a number of 16 bits for each row. For a list of lines it chooses one a
  /// cycle among 32, whose needs it adds to the counts of all rows, and writes 16 bits a line. Divide
  /// by the interval of updates with `amortised`.
  public func reordering(_ parts: [LoweredPart], order: HardwareDescription? = nil) -> VectorRun {
    let techniques = (order ?? hardware).techniques
    var run = VectorRun()
    for part in parts {
      if techniques.reorder != .natural {
        let compared =
          techniques.reorder == .popcount ? 0 : LoweredPart.comparisons(rows: part.rows)
        run =
          run
          + VectorRun(
            reorderWords: (compared + part.rows) * part.wordsPerRow,
            dramBits: part.rows * (part.entries + 16), hardware)
      }
      if techniques.reorderLines != .none {
        let rows = hardware.array.rows
        let groups = ceilingDivision(part.rows, rows)
        // No group lists more lines than its rows keep weights.
        let kept = (0..<part.rows).reduce(0) { $0 + part.needed(row: $1) }
        let lines = min(groups * part.planes * part.kernelRows, kept)
        var listing = VectorRun(
          dramBits: lines * LineOrder.itemBits
            + (techniques.reorder == .natural ? part.rows * part.entries : 0), hardware)
        listing.reorderLines = lines
        listing.computeBound += lines
        run = run + listing
      }
    }
    return run
  }
}
