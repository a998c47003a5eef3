// SPDX-License-Identifier: Apache-2.0
extension LayerMask {
  /// What is wrong with the mask; empty for every mask that this module makes.
  ///
  /// - Bit sets have the sizes that the filter shape asks for, and no bits beyond them.
  /// - A kept line keeps at least one weight.
  /// - Elements lie in kept lines and kept shapes; with elements, a kept shape holds one, too.
  public func invariantViolations() -> [String] {
    guard (1...64).contains(blockSide) else { return ["block side \(blockSide) is not in 1...64"] }
    let layout = self.layout
    var reasons: [String] = []
    func check(_ bits: Bits, _ name: String, _ count: Int) {
      if bits.count != count { reasons.append("\(bits.count) \(name) bits instead of \(count)") }
      if bits.words.count != (bits.count + 63) / 64 {
        reasons.append("\(bits.words.count) words for \(bits.count) \(name) bits")
      } else if bits.hasBitsBeyondCount {
        reasons.append("\(name) bits beyond the last")
      }
    }
    check(lines, "line", layout.count)
    check(shapes, "shape", layout.shapeCount)
    if let elements { check(elements, "element", shape.count) }
    if !reasons.isEmpty { return reasons }

    if let elements {
      let derived = LayerMask(shape: shape, blockSide: blockSide, elements: elements)
      if !derived.lines.isSubset(of: lines) { reasons.append("elements outside kept lines") }
      if !derived.shapes.isSubset(of: shapes) { reasons.append("elements outside kept shapes") }
      if !lines.isSubset(of: derived.lines) { reasons.append("kept lines without elements") }
      if !shapes.isSubset(of: derived.shapes) { reasons.append("kept shapes without elements") }
    } else {
      let derived = LayerMask(shape: shape, blockSide: blockSide, lines: lines, shapes: shapes)
      if derived.lines != lines { reasons.append("kept lines without kept shapes") }
    }
    return reasons
  }
}
