// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// A timeline in the Chrome trace-event format, which Perfetto reads: complete events (`X`) on named
/// tracks, and counters (`C`). Times are in microseconds.
///
/// Events are written immediately, so a trace takes no memory; a file is complete or absent.
public struct TraceEvents: ~Copyable {
  private let file: OutputFile
  private var buffer = Data()
  private var isFirst = true
  private var failure: FileError?

  /// Starts a trace in an output.
  public init(_ file: OutputFile) {
    self.file = file
    write(#"{"displayTimeUnit":"ns","traceEvents":["#)
  }

  /// Names a track; tracks of one process are grouped.
  public mutating func track(process: Int, processName: String, thread: Int, name: String) {
    event(
      #"{"ph":"M","pid":\#(process),"name":"process_name","args":{"name":\#(quoted(processName))}}"#
    )
    event(
      #"{"ph":"M","pid":\#(process),"tid":\#(thread),"name":"thread_name","args":{"name":"#
        + quoted(name) + "}}")
    event(
      #"{"ph":"M","pid":\#(process),"tid":\#(thread),"name":"thread_sort_index","args":"#
        + #"{"sort_index":\#(thread)}}"#)
  }

  /// Something that takes time.
  public mutating func slice(
    process: Int, thread: Int, name: String, start: Double, duration: Double,
    arguments: [(String, Int)] = []
  ) {
    var text =
      #"{"ph":"X","pid":\#(process),"tid":\#(thread),"name":\#(quoted(name)),"ts":"#
      + number(start) + #","dur":"# + number(duration)
    if !arguments.isEmpty {
      text +=
        #","args":{"# + arguments.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
    event(text + "}")
  }

  /// The value of a counter from a moment on.
  public mutating func counter(process: Int, name: String, at time: Double, value: Double) {
    event(
      #"{"ph":"C","pid":\#(process),"name":\#(quoted(name)),"ts":"# + number(time)
        + #","args":{"value":"# + number(value) + "}}")
  }

  /// Ends the trace, and returns how many bytes it took.
  ///
  /// - Throws: the first error of writing.
  public consuming func close() throws(FileError) -> Int {
    write("\n]}\n")
    flush()
    if let failure { throw failure }
    try file.close()
    return file.byteCount
  }

  private mutating func event(_ text: String) {
    write((isFirst ? "\n" : ",\n") + text)
    isFirst = false
    if buffer.count > 1 << 20 { flush() }
  }

  private mutating func write(_ text: String) {
    buffer.append(contentsOf: text.utf8)
  }

  private mutating func flush() {
    do throws(FileError) {
      if failure == nil { try file.write(buffer) }
    } catch {
      failure = failure ?? error
    }
    buffer.removeAll(keepingCapacity: true)
  }

  private func number(_ value: Double) -> String { String(format: "%.4f", value) }
}
