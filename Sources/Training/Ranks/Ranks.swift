// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

/// The processes that train one network together, each on its part of every batch.
///
/// All of them call the same functions in the same order.
public protocol Ranks: Sendable {
  /// The number of this process, from 0.
  var rank: Int { get }
  /// How many there are.
  var count: Int { get }
  /// The name of the machine of this process.
  var host: String { get }

  /// Sends a piece of memory to every rank and receives one from each, this one included. The sizes of
  /// what is sent here and received there are equal.
  func exchange(
    _ outgoing: [UnsafeRawBufferPointer], into incoming: [UnsafeMutableRawBufferPointer])
}

extension Ranks {
  /// Whether this is the rank that reports and writes files.
  public var isFirst: Bool { rank == 0 }

  /// What each rank gives, in the order of the ranks.
  public func gather(_ bytes: Data) -> [Data] {
    var sizes = [Int](repeating: 0, count: count)
    var size = bytes.count
    withUnsafeBytes(of: &size) { own in
      sizes.withUnsafeMutableBytes { all in
        let width = own.count
        exchange(
          Array(repeating: own, count: count),
          into: (0..<count).map { .init(rebasing: all[$0 * width..<($0 + 1) * width]) })
      }
    }
    var all = [UInt8](repeating: 0, count: sizes.reduce(0, +))
    let ends = sizes.indices.map { sizes[...$0].reduce(0, +) }
    bytes.withUnsafeBytes { own in
      all.withUnsafeMutableBytes { all in
        exchange(
          Array(repeating: own, count: count),
          into: zip(ends, sizes).map { .init(rebasing: all[$0 - $1..<$0]) })
      }
    }
    return zip(ends, sizes).map { Data(all[$0 - $1..<$0]) }
  }

  /// What the first rank gives.
  public func first(_ bytes: Data) -> Data { gather(isFirst ? bytes : Data())[0] }

  /// Replaces values by their sums over the ranks.
  ///
  /// Each rank adds up one part, in the order of the ranks, and sends it to all: the sums are bit-identical
  /// on every rank, and depend on the number of ranks only. A rank sends and receives
  /// `2 (count - 1) / count` times the values.
  func add(_ values: Tensor, scratch: inout Tensor) {
    let bounds = (0...count).map { values.count * $0 / count }
    let own = bounds[rank]..<bounds[rank + 1]
    if scratch.count < own.count * count { scratch = Tensor(count: own.count * count) }
    func bytes(_ tensor: Tensor, _ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
      UnsafeMutableRawBufferPointer(
        start: tensor.address + range.lowerBound, count: range.count * MemoryLayout<Float>.size)
    }
    let parts = (0..<count).map { bytes(values, bounds[$0]..<bounds[$0 + 1]) }
    exchange(
      parts.map { UnsafeRawBufferPointer($0) },
      into: (0..<count).map { bytes(scratch, $0 * own.count..<($0 + 1) * own.count) })
    let (sum, terms) = (values.address + own.lowerBound, scratch.address)
    sum.update(from: terms, count: own.count)
    for rank in 1..<count {
      let term = terms + rank * own.count
      for index in 0..<own.count { sum[index] += term[index] }
    }
    exchange(
      Array(repeating: UnsafeRawBufferPointer(parts[rank]), count: count), into: parts)
  }
}

/// Two ranks that do not train the same.
public struct RankDifference: Error, CustomStringConvertible {
  /// What is different, and where.
  public let description: String

  /// Compares what each rank says of itself, line by line: the name, a colon, the value.
  ///
  /// - Throws: a `RankDifference` on every rank, where two differ.
  static func check(_ lines: [String], _ ranks: any Ranks, hint: String) throws(RankDifference) {
    let all = ranks.gather(Data(([ranks.host] + lines).joined(separator: "\u{0}").utf8)).map {
      String(decoding: $0, as: UTF8.self).split(
        separator: "\u{0}", omittingEmptySubsequences: false)
    }
    for (rank, found) in all.enumerated() where found.dropFirst() != all[0].dropFirst() {
      let (one, other) =
        zip(found, all[0]).dropFirst().first { $0 != $1 } ?? ("nothing", "something")
      throw RankDifference(
        description: "rank \(rank) on \(found[0]) has \(one), rank 0 on \(all[0][0]) has \(other); "
          + hint)
    }
  }
}
