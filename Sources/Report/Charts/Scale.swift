// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Maps values to places along an axis, and knows the round values to mark.
struct Scale {
  /// Least and largest value on the axis.
  let low, high: Double
  /// Places of both.
  let start, end: Double
  /// Whether equal distances are equal factors.
  let isLogarithmic: Bool

  /// An axis over values; those that are not above 0 are left out of a logarithmic one.
  ///
  /// - Parameter fromZero: starts the axis at 0, as bars must.
  init(
    _ values: [Double], from start: Double, to end: Double, logarithmic: Bool = false,
    fromZero: Bool = false
  ) {
    self.start = start
    self.end = end
    isLogarithmic = logarithmic
    let used = values.filter { $0.isFinite && (!logarithmic || $0 > 0) }
    let (least, most) = (used.min() ?? (logarithmic ? 1 : 0), used.max() ?? 1)
    if logarithmic {
      (low, high) = (least / 1.25, max(most, least * 2) * 1.25)
    } else {
      let room = max(most - least, abs(most) * 1e-3, 1e-9) * 0.06
      low = fromZero || (least >= 0 && least < (most - least) / 2) ? min(0, least) : least - room
      high = most + room
    }
  }

  /// The place of a value.
  func place(_ value: Double) -> Double {
    let share =
      isLogarithmic
      ? log(max(value, .leastNormalMagnitude) / low) / log(high / low)
      : (value - low) / (high - low)
    return start + share * (end - start)
  }

  /// About five round values on the axis.
  var ticks: [Double] { isLogarithmic ? logarithmicTicks : Self.ticks((low: low, high: high)) }

  /// Round numbers in a range, about five of them.
  static func ticks(_ range: (low: Double, high: Double)) -> [Double] {
    let rough = (range.high - range.low) / 5
    let power = pow(10, floor(log10(rough)))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough } ?? rough
    return Array(stride(from: ceil(range.low / step) * step, through: range.high, by: step))
  }

  private var logarithmicTicks: [Double] {
    let decades = Int(floor(log10(low)))...Int(ceil(log10(high)))
    let factors: [Double] = decades.count > 4 ? [1] : decades.count > 2 ? [1, 3] : [1, 2, 5]
    return decades.flatMap { decade in factors.map { $0 * pow(10, Double(decade)) } }
      .filter { $0 >= low && $0 <= high }
  }

  /// Round values as an axis names them: with as many digits as tell them apart.
  static func labels(_ ticks: [Double]) -> [String] {
    let plain = ticks.map(label)
    if Set(plain).count == ticks.count { return plain }
    for decimals in 1...9 {
      let labels = ticks.map { String(format: "%.\(decimals)f", $0) }
      if Set(labels).count == ticks.count { return labels }
    }
    return plain
  }

  /// A value as an axis names it: `0.25`, `1500`, `20k`.
  static func label(_ value: Double) -> String {
    let size = abs(value)
    for (unit, letter) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
    where size >= 10 * unit || (unit > 1e3 && size >= unit) {
      return String(format: "%.3g%@", value / unit, letter)
    }
    if size < 1e-9 { return "0" }
    return size >= 1000 ? String(format: "%.0f", value) : String(format: "%.3g", value)
  }
}
