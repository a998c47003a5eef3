// SPDX-License-Identifier: Apache-2.0
/// One direction of a lowered part: output i reads source `step · i + offsets[tap]`, where that lies
/// in the map.
public struct Axis: Hashable, Sendable {
  /// Outputs along the direction.
  public let outputs: Int
  /// Size of the source map.
  public let source: Int
  /// Sources from one output to the next.
  public let step: Int
  /// Source of output 0 seen through each tap, ascending.
  public let offsets: [Int]

  /// A direction.
  public init(outputs: Int, source: Int, step: Int, offsets: [Int]) {
    self.outputs = outputs
    self.source = source
    self.step = step
    self.offsets = offsets
  }

  /// What an output reads through a tap; nil for padding.
  public func read(_ output: Int, tap: Int) -> Int? {
    let position = step * output + offsets[tap]
    return position >= 0 && position < source ? position : nil
  }

  /// The outputs of a range that read inside the map through a tap.
  public func inside(_ outputs: Range<Int>, tap: Int) -> Int {
    let offset = offsets[tap]
    // step·i + offset ≥ 0 and step·i + offset ≤ source - 1
    let first = max(outputs.lowerBound, ceilingDivision(-offset, step))
    let last = min(outputs.upperBound - 1, floorDivision(source - 1 - offset, step))
    return max(0, last - first + 1)
  }

  /// The source positions that a range of outputs spans over all taps, inside the map.
  public func span(_ outputs: Range<Int>) -> Range<Int> {
    guard let least = offsets.first, let most = offsets.last, !outputs.isEmpty else { return 0..<0 }
    let first = max(0, step * outputs.lowerBound + least)
    let last = min(source - 1, step * (outputs.upperBound - 1) + most)
    return first..<max(first, last + 1)
  }
}

package func ceilingDivision(_ number: Int, _ divisor: Int) -> Int {
  -floorDivision(-number, divisor)
}

func floorDivision(_ number: Int, _ divisor: Int) -> Int {
  number >= 0 ? number / divisor : -((divisor - 1 - number) / divisor)
}
