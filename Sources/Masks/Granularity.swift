// SPDX-License-Identifier: Apache-2.0
/// The unit of pruning: the weights that a mask removes together.
///
/// The same trainer, schedules and budgets serve all of them; only the units differ.
///
/// ```swift
/// let unit = Granularity(rawValue: "sub-structured") ?? .dense
/// print(unit.prunesLines)  // true: whole shapes, and lines of the rest
/// ```
public enum Granularity: String, CaseIterable, Codable, Sendable {
  /// Nothing is pruned.
  case dense
  /// `W[k,:,:,:]`: whole filters.
  case filter
  /// `W[:,c,:,:]`: whole input channels.
  case channel
  /// `W[:,c,r,s]`: one position in every filter, a column of the lowered matrix.
  case shape
  /// `W[k,c,r,:]`: one kernel row of one filter; a square block where kernels are single weights.
  case line
  /// Shapes and lines together: an element is kept if its line and its shape are both kept.
  case subStructured = "sub-structured"
  /// `W[k,c,r,s]`: single weights.
  case unstructured

  /// Whether lines are among the units, so that filters can be given equal numbers of them.
  public var prunesLines: Bool { self == .line || self == .subStructured }
}
