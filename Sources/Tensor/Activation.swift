// SPDX-License-Identifier: Apache-2.0
/// A function applied to each value, as the interval that it clamps to.
public enum Activation: String, Sendable, Codable, CaseIterable {
  /// The identity.
  case none
  /// `max(x, 0)`.
  case relu
  /// `min(max(x, 0), 6)`.
  case relu6

  var lower: Float { self == .none ? -.infinity : 0 }
  var upper: Float { self == .relu6 ? 6 : .infinity }
}
