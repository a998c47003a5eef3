// SPDX-License-Identifier: Apache-2.0
/// The three passes of training through a layer.
public enum Pass: String, Codable, Sendable, CaseIterable {
  /// FF: `y = w * x`.
  case forward
  /// BP: `dx = wᵀ * dy`.
  case inputGradient = "input-gradient"
  /// WG: `dw = x * dy`.
  case weightGradient = "weight-gradient"
}
