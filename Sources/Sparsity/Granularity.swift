/// What pruning removes at once. All granularities share schedule, budget and trainer, so that they
/// can be compared.
public enum Granularity: String, CaseIterable, Codable, Sendable {
  /// Nothing is removed.
  case dense
  /// `W[k,:,:,:]`.
  case filter
  /// `W[:,c,:,:]`.
  case channel
  /// `W[:,c,r,s]`: one position of the kernel in every filter.
  case shape
  /// `W[k,c,r,:]`: one kernel row of one filter (a square block where a kernel is one weight).
  case line
  /// Shapes and lines together.
  case subStructured = "sub-structured"
  /// Single weights.
  case unstructured

  /// Whether filters can be given equal numbers of lines.
  public var hasLines: Bool { self == .line || self == .subStructured }
}
