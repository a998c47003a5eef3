// SPDX-License-Identifier: Apache-2.0
import Masks

extension LineLayout {
  /// Weights of each line when `shapes` are kept.
  func sizes(shapes: Bits) -> UnitSizes {
    let taps = self.taps(of: shapes)
    if filters % height == 0, let first = taps.first, taps.allSatisfy({ $0 == first }) {
      return .uniform(first * height)
    }
    var sizes = [Int32](repeating: 0, count: count)
    for row in 0..<rows {
      let tall = filters(of: row).count
      for position in 0..<rowLength {
        sizes[row * rowLength + position] = Int32(tall * taps[position])
      }
    }
    return .each(sizes)
  }
}
