// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A file that could not be written or read.
public struct FileError: Error, CustomStringConvertible {
  /// The file.
  public let path: String
  /// The action that failed, for example `write`.
  public let action: String
  /// The reason.
  public let reason: String
  /// The number of the system's error; nil where it is none of the system's.
  public let number: Int32?

  /// File, action and reason.
  public var description: String { "\(path): cannot \(action): \(reason)" }

  /// An error of a system call, by its number.
  public init(_ path: String, _ action: String, errno code: Int32 = errno) {
    self.path = path
    self.action = action
    reason = String(cString: strerror(code))
    number = code
  }

  /// An error with a reason of ours.
  public init(_ path: String, _ action: String, reason: String) {
    self.path = path
    self.action = action
    self.reason = printable(reason)
    number = nil
  }

  /// An error that a library threw.
  public init(_ path: String, _ action: String, _ error: any Error) {
    self.init(path, action, reason: plainReason(error))
  }
}

/// The description of an error for a user: without the names of types or the dump of a library.
public func plainReason(_ error: any Error) -> String {
  if let error = error as? DecodingError { return reason(error) }
  let system = error as NSError
  switch system.domain {
  case NSPOSIXErrorDomain: return String(cString: strerror(Int32(system.code)))
  case NSCocoaErrorDomain:
    guard let cause = system.userInfo[NSUnderlyingErrorKey] as? any Error else {
      return system.localizedDescription
    }
    return plainReason(cause)
  default: return "\(error)"
  }
}

private func reason(_ error: DecodingError) -> String {
  func at(_ context: DecodingError.Context, _ last: (any CodingKey)? = nil) -> String {
    let path = (context.codingPath + (last.map { [$0] } ?? []))
      .map { $0.intValue.map(String.init) ?? $0.stringValue }
    return path.isEmpty ? "the document" : "'\(path.joined(separator: "."))'"
  }
  return switch error {
  case .keyNotFound(let key, let context): "\(at(context, key)) is missing"
  case .valueNotFound(let type, let context): "\(at(context)) is empty; \(name(type)) is required"
  case .typeMismatch(let type, let context): "\(at(context)) is not \(name(type))"
  case .dataCorrupted(let context) where context.codingPath.isEmpty: "it is not JSON"
  case .dataCorrupted(let context): "\(at(context)): \(context.debugDescription)"
  @unknown default: "it cannot be decoded"
  }
}

private func name(_ type: Any.Type) -> String {
  switch type {
  case is any BinaryInteger.Type: "a whole number"
  case is any BinaryFloatingPoint.Type: "a number"
  case is Bool.Type: "true or false"
  case is String.Type: "text"
  default: "of the right type"
  }
}
