// SPDX-License-Identifier: Apache-2.0
import Files
import Foundation

/// A file of events that TensorBoard reads: records of one event each, a number over time, a histogram
/// or an image under a tag.
///
/// Format: a record is its length (64 bits), a masked CRC-32C of that, the event, and a masked CRC-32C
/// of the event (`tensorflow/core/lib/io/record_writer.h`); an event is a message of Protocol Buffers
/// (`event.proto`, `summary.proto`). Times and files' names are those of the clock: they say when
/// something was computed, and nothing that is computed depends on them.
public struct EventFile {
  private let handle: FileHandle
  private let path: String

  /// Starts a file in a folder. Events of earlier files there from `step` on no longer count, so that
  /// a run that is resumed from a checkpoint shows each step once.
  ///
  /// - Throws: `InputError` where the file cannot be made.
  public init(folder: URL, step: Int) throws(InputError) {
    // TensorBoard reads files in the order of their names.
    let digits = String(Int(Date().timeIntervalSince1970))
    let name =
      "events.out.tfevents." + String(repeating: "0", count: max(0, 10 - digits.count)) + digits
      + ".\(step).swpu"
    let url = folder.appendingPathComponent(name)
    path = url.path
    guard FileManager.default.createFile(atPath: path, contents: nil),
      let handle = FileHandle(forWritingAtPath: path)
    else {
      throw InputError(
        file: path, field: "file", value: "it cannot be made", allowed: "a folder to write to")
    }
    self.handle = handle
    try append(step: 0) { $0.text(Field.version, "brain.Event:2") }
    try append(step: step) { event in
      event.message(Field.session) { $0.number(Field.status, Field.started) }
    }
  }

  /// What can be under a tag.
  public enum Value: Sendable {
    /// A number.
    case scalar(Double)
    /// Where values lie.
    case histogram(Histogram)
    /// An image.
    case image(GrayImage)
  }

  /// Appends values of one step.
  ///
  /// - Throws: `InputError` where they cannot be written.
  public func append(_ values: [(tag: String, value: Value)], step: Int) throws(InputError) {
    try append(step: step) { event in
      event.message(Field.summary) { summary in
        for (tag, value) in values {
          summary.message(Field.value) { message in
            message.text(Field.tag, tag)
            value.write(to: &message)
          }
        }
      }
    }
  }

  private func append(step: Int, _ build: (inout WireWriter) -> Void) throws(InputError) {
    var event = WireWriter()
    event.double(Field.time, Date().timeIntervalSince1970)
    event.number(Field.step, step)
    build(&event)
    do {
      try handle.write(contentsOf: Self.record(event.data))
    } catch {
      throw InputError(
        file: path, field: "file", value: plainReason(error),
        allowed: "room to write to")
    }
  }

  /// A record of these bytes.
  static func record(_ content: Data) -> Data {
    func word(_ value: UInt64, _ bytes: Int) -> Data {
      Data((0..<bytes).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) })
    }
    let length = word(UInt64(content.count), 8)
    return length + word(UInt64(masked(crc32c(length))), 4) + content
      + word(UInt64(masked(crc32c(content))), 4)
  }

  /// A checksum of data that holds checksums would be weak; hence the mask.
  private static func masked(_ checksum: UInt32) -> UInt32 {
    (checksum >> 15 | checksum << 17) &+ 0xa282_ead8
  }

  /// The numbers of fields in `event.proto` and `summary.proto`.
  fileprivate enum Field {
    static let time = 1, step = 2, version = 3, summary = 5, session = 7
    static let status = 1, started = 1
    static let value = 1, tag = 1, scalar = 2, image = 4, histogram = 5
    static let height = 1, width = 2, colors = 3, encoded = 4
    static let least = 1, most = 2, count = 3, sum = 4, squares = 5, limits = 6, buckets = 7
  }
}

extension EventFile.Value {
  fileprivate typealias Field = EventFile.Field

  fileprivate func write(to message: inout WireWriter) {
    switch self {
    case .scalar(let value): message.float(Field.scalar, Float(value))
    case .image(let image):
      message.message(Field.image) {
        $0.number(Field.height, image.height)
        $0.number(Field.width, image.width)
        $0.number(Field.colors, 1)
        $0.bytes(Field.encoded, image.png)
      }
    case .histogram(let histogram):
      message.message(Field.histogram) {
        $0.double(Field.least, histogram.least)
        $0.double(Field.most, histogram.most)
        $0.double(Field.count, Double(histogram.count))
        $0.double(Field.sum, histogram.sum)
        $0.double(Field.squares, histogram.squareSum)
        $0.packed(Field.limits, histogram.limits)
        $0.packed(Field.buckets, histogram.buckets.map(Double.init))
      }
    }
  }
}

/// How many of some shares (0 to 1) lie in each of twenty equal intervals.
public struct Histogram: Sendable, Equatable {
  private static let intervals = 20

  /// The smallest and the largest share.
  public let least, most: Double
  /// Shares counted.
  public let count: Int
  /// Their sum, and the sum of their squares.
  public let sum, squareSum: Double
  /// Upper ends of the intervals.
  public let limits: [Double]
  /// Shares in each interval.
  public let buckets: [Int]

  /// Counts shares, of which there is at least one.
  public init(shares: [Double]) {
    precondition(shares.allSatisfy { (0...1).contains($0) } && !shares.isEmpty, "shares of 0 to 1")
    least = shares.min() ?? 0
    most = shares.max() ?? 0
    count = shares.count
    sum = shares.reduce(0, +)
    squareSum = shares.reduce(0) { $0 + $1 * $1 }
    let intervals = Self.intervals
    limits = (1...intervals).map { Double($0) / Double(intervals) }
    var buckets = [Int](repeating: 0, count: intervals)
    for share in shares { buckets[min(Int(share * Double(intervals)), intervals - 1)] += 1 }
    self.buckets = buckets
  }
}

/// CRC-32C (Castagnoli): the reflected polynomial 0x82f63b78.
func crc32c(_ bytes: some Sequence<UInt8>) -> UInt32 {
  var checksum = ~UInt32(0)
  for byte in bytes {
    checksum = checksum >> 8 ^ castagnoli[Int((checksum ^ UInt32(byte)) & 0xff)]
  }
  return ~checksum
}

private let castagnoli: [UInt32] = (0..<256).map { byte in
  (0..<8).reduce(UInt32(byte)) { word, _ in word >> 1 ^ (word & 1 == 0 ? 0 : 0x82f6_3b78) }
}
