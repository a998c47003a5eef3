// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

/// What a pass multiplies. Maps are `[images][channels][height][width]`, weights `[K][C][R][S]` with
/// C the channels of a group; values of pruned weights are never read.
public enum PassOperands: Sendable {
  /// The layer's input and weights; the result is its output.
  case forward(input: [Float], weights: [Float])
  /// The gradient of the layer's output and the weights; the result is the gradient of the input.
  case inputGradient(outputGradient: [Float], weights: [Float])
  /// The layer's input and the gradient of its output; the result is the gradient of the weights,
  /// zero where pruned.
  case weightGradient(input: [Float], outputGradient: [Float])

  /// The pass that multiplies them.
  public var pass: Pass {
    switch self {
    case .forward: .forward
    case .inputGradient: .inputGradient
    case .weightGradient: .weightGradient
    }
  }

  /// The map that operand vectors are gathered from, and what they are multiplied by: weights, or
  /// output gradients.
  package var sides: (source: [Float], other: [Float]) {
    switch self {
    case .forward(let input, let weights): (input, weights)
    case .inputGradient(let outputGradient, let weights): (outputGradient, weights)
    case .weightGradient(let input, let outputGradient): (input, outputGradient)
    }
  }

  /// Values of both sides, and of the result, for a layer and a batch.
  func sizes(_ geometry: ConvolutionGeometry, images: Int) -> (source: Int, other: Int, result: Int)
  {
    let input = images * geometry.input.count
    let output = images * geometry.output.count
    return switch pass {
    case .forward: (input, geometry.weights, output)
    case .inputGradient: (output, geometry.weights, input)
    case .weightGradient: (input, output, geometry.weights)
    }
  }
}

/// Operands in the format of the multipliers: the codes that travel, and their values.
package struct CodedOperands: Sendable {
  package let codes: [UInt16]
  package let values: [Float]

  package init(_ values: [Float], format: HardwareDescription.OperandFormat) {
    codes = values.map { format.encode($0) }
    self.values = codes.map { format.decode($0) }
  }
}

extension LoweredPart {
  /// Where an output of the part is in the map that the pass writes. The phases of a strided input
  /// gradient interleave.
  func target(row: Int, column: Int, _ geometry: ConvolutionGeometry) -> (row: Int, column: Int) {
    if pass != .inputGradient { return (row, column) }
    func position(_ output: Int, _ axis: Axis, _ window: WindowAxis, tap: Int) -> Int {
      window.stride * (output + axis.offsets[0]) + window.offset(tap)
    }
    return (
      position(row, rowAxis, geometry.vertical, tap: taps[0].row),
      position(column, columnAxis, geometry.horizontal, tap: taps[0].column)
    )
  }

  /// The index in `[K][C][R][S]` of the weight behind a row's entry.
  package func weight(row: Int, entry: Int, _ geometry: ConvolutionGeometry) -> Int {
    let plane = entry / tapCount
    let tap = taps[entry % tapCount]
    let (filter, channel) = pass == .inputGradient ? (plane, row) : (row, plane)
    let inGroup = channel % geometry.channelsPerGroup
    return ((filter * geometry.channelsPerGroup + inGroup) * geometry.rows + tap.row)
      * geometry.columns + tap.column
  }
}
