// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation
import Training

/// What every function of the library returns; `swpu.h` explains each value.
enum Status: Int32 {
  case ok = 0
  case invalidHandle = 1
  case invalidArgument = 2
  case outOfMemory = 3
  case invalidData = 4
  case notReady = 5
}

/// An error of the library itself: the value passed, and the allowed ones.
struct LibraryError: Error, CustomStringConvertible {
  let status: Status
  let description: String

  /// An argument that is not allowed.
  init(_ description: String) { self.init(.invalidArgument, description) }

  init(_ status: Status, _ description: String) {
    self.status = status
    self.description = description
  }
}

/// Runs the body of an exported function: a thrown error becomes a status and this thread's message.
func call(_ body: () throws -> Void) -> Int32 {
  do {
    try body()
    return Status.ok.rawValue
  } catch let error as LibraryError {
    return fail(error.status, error.description)
  } catch let error as MemoryError {
    return fail(.outOfMemory, "\(error)")
  } catch let error as InputError {
    return fail(.invalidData, "\(error)")
  } catch {
    return fail(.invalidArgument, "\(error)")
  }
}

private func fail(_ status: Status, _ message: String) -> Int32 {
  free(pthread_getspecific(messageKey))
  pthread_setspecific(messageKey, strdup(message))
  return status.rawValue
}

/// The place of each thread's last message, freed when the thread ends.
private let messageKey: pthread_key_t = {
  var key = pthread_key_t()
  pthread_key_create(&key) { free($0) }
  return key
}()

/// `swpu_version` of swpu.h.
@_cdecl("swpu_version")
public func version() -> UnsafePointer<CChar> { UnsafePointer(versionText) }

nonisolated(unsafe) private let versionText = strdup(swpuVersion)!

/// `swpu_last_error` of swpu.h.
@_cdecl("swpu_last_error")
public func lastError() -> UnsafePointer<CChar> {
  guard let message = pthread_getspecific(messageKey) else { return UnsafePointer(noMessage) }
  return UnsafePointer(message.assumingMemoryBound(to: CChar.self))
}

nonisolated(unsafe) private let noMessage = strdup("")!

/// Text from C, checked.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws -> String {
  guard let pointer else { throw LibraryError("\(name) is NULL; it must be UTF-8 text") }
  guard let text = String(validatingCString: pointer) else {
    throw LibraryError("\(name) is not UTF-8 text")
  }
  return text
}

/// A pointer from C that must not be NULL.
func required<Pointer>(_ pointer: Pointer?, _ name: String) throws -> Pointer {
  guard let pointer else { throw LibraryError("\(name) is NULL") }
  return pointer
}
