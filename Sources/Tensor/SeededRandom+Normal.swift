// SPDX-License-Identifier: Apache-2.0
import Foundation

extension SeededRandom {
  /// A standard normal number (Box and Muller 1958).
  public mutating func normal() -> Float {
    let radius = (-2 * log(1 - Double(uniform()))).squareRoot()
    return Float(radius * cos(2 * Double.pi * Double(uniform())))
  }
}
