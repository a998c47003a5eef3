/// Bytes that are no mask or snapshot: which field of which file, what was found, what is allowed.
public struct MaskError: Error, Equatable, CustomStringConvertible {
  /// The file.
  public let file: String
  /// The field, for example `layer 3 mask lines`.
  public let field: String
  /// What was found there.
  public let value: String
  /// What would be right.
  public let allowed: String

  /// An error of one field.
  public init(file: String, field: String, value: String, allowed: String) {
    self.file = file
    self.field = field
    self.value = value
    self.allowed = allowed
  }

  /// File, field, value and what is allowed.
  public var description: String { "\(file): \(field): found \(value), allowed is \(allowed)" }
}
