// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A thread that the system would not start.
public struct ThreadError: Error, CustomStringConvertible {
  /// The system's reason.
  public let reason: String
  /// What happened and why.
  public var description: String { "the system starts no more threads: \(reason)" }
}

/// Starts a thread, which ends with `body`.
///
/// Foundation's `Thread` does not report that none could be started, and whoever waits for it would
/// wait for ever.
///
/// - Throws: `ThreadError`.
public func startThread(_ name: String, _ body: @escaping @Sendable () -> Void)
  throws(ThreadError)
{
  final class Start {
    let name: String
    let body: @Sendable () -> Void
    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
      (self.name, self.body) = (name, body)
    }
    func run() {
      Thread.current.name = name
      body()
    }
  }
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  defer { pthread_attr_destroy(&attributes) }
  pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
  let start = Unmanaged.passRetained(Start(name, body))
  #if os(Linux)
    var thread = pthread_t()
    let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { start in
      Unmanaged<Start>.fromOpaque(start!).takeRetainedValue().run()
      return nil
    }
  #else
    var thread: pthread_t?
    let entry: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { start in
      Unmanaged<Start>.fromOpaque(start).takeRetainedValue().run()
      return nil
    }
  #endif
  let status = pthread_create(&thread, &attributes, entry, start.toOpaque())
  guard status == 0 else {
    start.release()
    throw ThreadError(reason: String(cString: strerror(status)))
  }
}
