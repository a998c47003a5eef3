// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A number with a unit of readable size.
public enum Amount {
  /// For example `12.3 mJ`.
  public static func joules(picojoules: Double) -> String {
    scaled(picojoules * 1e-12, "J")
  }

  /// For example `4.56 ms`.
  public static func seconds(_ value: Double) -> String { scaled(value, "s") }

  /// For example `37.7 M`.
  public static func count(_ value: Int) -> String {
    let number = Double(value)
    for (size, letter) in [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")] where number >= size {
      return String(format: "%.3g %@", number / size, letter)
    }
    return "\(value)"
  }

  /// For example `12.3 MB`.
  public static func bytes(_ value: Int) -> String { count(value) + "B" }

  /// For example `71.2 %`.
  public static func percent(_ share: Double) -> String {
    String(format: "%.1f %%", 100 * share)
  }

  private static func scaled(_ value: Double, _ unit: String) -> String {
    for (size, letter) in [(1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p")]
    where abs(value) >= size {
      return String(format: "%.3g %@%@", value / size, letter, unit)
    }
    return "0 \(unit)"
  }
}
