// SPDX-License-Identifier: Apache-2.0

/// What the stream units compute, bit for bit. All arithmetic is FP32, rounded to nearest even; `fma` is
/// one multiply-add with one rounding. Results are rounded to the operand format where they enter the
/// array's memories, and to the format of their tensor where they leave for the DRAM.
public enum StreamUnit {
  /// The value that a convolution reads, of a raw output: `max(0, fma(y, scale, shift) + shortcut)`, the
  /// maximum only behind an activation.
  public static func value(
    _ raw: Float, scale: Float, shift: Float, shortcut: Float? = nil, activates: Bool,
    _ format: HardwareDescription.OperandFormat
  ) -> Float {
    var value = shift.addingProduct(raw, scale)
    if let shortcut { value += shortcut }
    return format.rounded(activates ? max(0, value) : value)
  }

  /// The gradient of a raw output behind a normalisation: `fma(-Q, y, fma(S, g, -P))`.
  public static func rawGradient(
    _ gradient: Float, raw: Float, _ factors: BackwardFactors,
    _ format: HardwareDescription.OperandFormat
  ) -> Float {
    format.rounded(
      (-factors.mean).addingProduct(factors.scale, gradient).addingProduct(-factors.slope, raw))
  }

  /// The gradient of a value as it leaves: the gradients of all uses, added in their order, where the
  /// activation let the value through.
  public static func valueGradient(
    _ parts: [Float], passes: Bool, _ format: HardwareDescription.OperandFormat
  ) -> Float {
    passes ? format.rounded(parts.dropFirst().reduce(parts[0], +)) : 0
  }

  /// Factors of a channel of the backward pass, of the sums of its gradient.
  public struct BackwardFactors: Equatable, Sendable {
    /// γ/σ.
    public let scale: Float
    /// S · (m1 - m2 · µ/σ).
    public let mean: Float
    /// S · m2/σ.
    public let slope: Float

    /// Of γ, the statistics of y, and the means of g and of g · x̂.
    public init(gamma: Float, mean: Float, deviation: Float, gradient: Float, product: Float) {
      scale = gamma / deviation
      slope = scale * product / deviation
      self.mean = scale * (gradient - product * mean / deviation)
    }
  }
}

/// Sums over a channel as a stream unit makes them: value i of a channel goes to lane i mod e, and the
/// lanes are added by a balanced tree at the end.
public struct StreamSums: Sendable {
  private var first: [Float]
  private var second: [Float]
  private var next = 0

  /// Sums of +0 in so many lanes.
  public init(lanes: Int) {
    first = [Float](repeating: 0, count: lanes)
    second = first
  }

  /// Adds a raw output: `y - r` and its square, r near the mean, so that their difference keeps its
  /// digits.
  public mutating func add(raw: Float, near reference: Float) {
    let difference = raw - reference
    first[next] += difference
    second[next] = second[next].addingProduct(difference, difference)
    advance()
  }

  /// Adds a gradient, and its product with the raw output.
  public mutating func add(gradient: Float, raw: Float) {
    first[next] += gradient
    second[next] = second[next].addingProduct(gradient, raw)
    advance()
  }

  private mutating func advance() { next = next + 1 == first.count ? 0 : next + 1 }

  /// Both sums.
  public var totals: (first: Float, second: Float) {
    (treeSum(first) ?? 0, treeSum(second) ?? 0)
  }
}

/// A tensor as it is packed in the DRAM: a bit for each value, and the codes of those that are not zero,
/// in their order.
public struct PackedZeros: Equatable, Sendable {
  /// Whether each value is there, from the least significant bit of the first word.
  public private(set) var bitmap: [UInt64]
  /// The codes of the values that are.
  public private(set) var codes: [UInt16]
  private let count: Int

  /// Packs codes; only +0 is left out, so that -0 comes back as it was.
  public init(_ values: [UInt16]) {
    count = values.count
    bitmap = [UInt64](repeating: 0, count: (count + 63) / 64)
    codes = []
    for (index, code) in values.enumerated() where code != 0 {
      bitmap[index >> 6] |= 1 << UInt64(index & 63)
      codes.append(code)
    }
  }

  /// The values again.
  public var unpacked: [UInt16] {
    var next = 0
    return (0..<count).map { index in
      if bitmap[index >> 6] >> UInt64(index & 63) & 1 == 0 { return 0 }
      defer { next += 1 }
      return codes[next]
    }
  }
}

/// A weight as stored in the DRAM: its operand, and the remaining bits of FP32.
public struct WeightPlanes: Equatable, Sendable {
  /// The weight in BF16, rounded to nearest; a tie away from zero, as the rest has 16 bits.
  public let operand: UInt16
  /// The bits of the weight less those of the operand, in two's complement.
  public let rest: Int16

  /// Splits a weight that BF16 can round to a finite value.
  public init(_ weight: Float) {
    let bits = weight.bitPattern
    let rounded = (bits + 0x8000) >> 16
    precondition(rounded & 0x7F80 != 0x7F80, "a weight of \(weight) has no BF16 operand")
    operand = UInt16(rounded)
    rest = Int16(Int64(bits) - Int64(rounded) << 16)
  }

  /// The weight again, in every bit.
  public var weight: Float {
    Float(bitPattern: UInt32(truncatingIfNeeded: Int64(operand) << 16 + Int64(rest)))
  }

  /// The weight after a step of SGD with momentum: `v ← fma(µ, v, fma(λ, w, g))`, `w ← fma(-η, v, w)`.
  public static func step(
    weight: Float, velocity: inout Float, gradient: Float, rate: Float, momentum: Float,
    decay: Float
  ) -> Float {
    velocity = gradient.addingProduct(decay, weight).addingProduct(momentum, velocity)
    return weight.addingProduct(-rate, velocity)
  }
}
