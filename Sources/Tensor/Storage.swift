// SPDX-License-Identifier: Apache-2.0
import Foundation

/// Memory for tensors: zeroed, aligned to a page, in huge pages where the system has them.
///
/// Pages that are never touched take no memory.
public final class Storage: @unchecked Sendable {
  // Unchecked: tensors hand out disjoint parts; who shares one orders the accesses (the pool does).
  let base: UnsafeMutableRawPointer
  /// Bytes reserved.
  public let byteCount: Int

  /// Reserves room for `bytes` bytes, all zero.
  ///
  /// - Throws: `StorageError` when the system has no such room.
  public init(bytes: Int) throws(StorageError) {
    precondition(bytes >= 0, "a storage of \(bytes) bytes")
    let huge = 2 << 20
    let page = 16 << 10
    let unit = bytes >= huge ? huge : page
    guard bytes <= Int.max - 2 * unit else { throw StorageError(bytes: bytes) }
    byteCount = max(unit, (bytes + unit - 1) / unit * unit)
    // Over-reserve by one unit so that the start can be aligned to a huge page.
    let reserved = byteCount + unit
    guard
      let raw = mmap(nil, reserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0),
      raw != MAP_FAILED
    else { throw StorageError(bytes: bytes) }
    mapping = raw
    mappedBytes = reserved
    let start = (UInt(bitPattern: raw) + UInt(unit) - 1) / UInt(unit) * UInt(unit)
    base = UnsafeMutableRawPointer(bitPattern: start)!
    #if os(Linux)
      if unit == huge { madvise(base, byteCount, 14 /* MADV_HUGEPAGE */) }
    #endif
  }

  private let mapping: UnsafeMutableRawPointer
  private let mappedBytes: Int

  deinit { munmap(mapping, mappedBytes) }
}

/// Memory for tensors that the system does not have.
public struct StorageError: Error, Equatable, CustomStringConvertible {
  /// Bytes asked for.
  public let bytes: Int

  /// What was asked for.
  public var description: String { "\(bytes) bytes for tensors could not be reserved" }
}
