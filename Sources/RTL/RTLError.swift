// SPDX-License-Identifier: Apache-2.0
import Processor

/// Why a description or a layer cannot go through the RTL, or a bench gave no result.
public struct RTLError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What is wrong, and what is allowed.
  public let description: String

  init(_ description: String) { self.description = description }
}
