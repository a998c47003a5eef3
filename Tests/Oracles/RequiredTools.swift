// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Programs outside that tests hold ours against.
public enum RequiredTools {
  /// Whether the tests that need a tool run even where it is missing, and then fail: a suite that is
  /// skipped silently guards nothing. `SWPU_REQUIRED_TOOLS` names such tools, with spaces
  /// between; `make` and CI set it to what they have installed.
  public static func contains(_ tool: String) -> Bool {
    let named = ProcessInfo.processInfo.environment["SWPU_REQUIRED_TOOLS"] ?? ""
    return named.split(separator: " ").contains(Substring(tool))
  }
}
