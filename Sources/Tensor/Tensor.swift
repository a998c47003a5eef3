// SPDX-License-Identifier: Apache-2.0
import Foundation

/// A run of 32-bit floats in a storage. Copies of a tensor share its values.
///
/// What the values mean is the caller's: activations are `[blocks][channels][height][width][lanes]`
/// (see `Engine`), parameters are flat.
///
/// ```swift
/// let values = Tensor([1, 2, 3, 4])
/// let first = values.prefix(2)
/// values[0] = 5  // `first` shares it
/// print(first.array())
/// ```
public struct Tensor: Sendable {
  let storage: Storage
  let offset: Int
  /// Number of floats.
  public let count: Int

  /// A tensor of zeros with a storage of its own.
  ///
  /// Without memory this ends the program, as an array does. Where input decides the size, find out
  /// first: making a `Storage` throws.
  public init(count: Int) {
    do throws(StorageError) {
      self.init(storage: try Storage(bytes: max(count, 1) * 4), offset: 0, count: count)
    } catch {
      preconditionFailure("\(error)")
    }
  }

  /// A tensor with a storage of its own and the given values.
  public init(_ values: [Float]) {
    self.init(count: values.count)
    store(values)
  }

  /// The part of a storage that starts at byte `offset` (a multiple of 64) and holds `count` floats.
  public init(storage: Storage, byteOffset: Int, count: Int) {
    precondition(byteOffset % 64 == 0, "tensors start on a cache line")
    self.init(storage: storage, offset: byteOffset / 4, count: count)
  }

  private init(storage: Storage, offset: Int, count: Int) {
    precondition(offset >= 0 && count >= 0 && (offset + count) * 4 <= storage.byteCount)
    self.storage = storage
    self.offset = offset
    self.count = count
  }

  /// The first `count` values, shared.
  public func prefix(_ count: Int) -> Tensor {
    precondition(count <= self.count, "a prefix is no longer than its tensor")
    return Tensor(storage: storage, offset: offset, count: count)
  }

  /// Whether two tensors start at the same place.
  public func shares(with other: Tensor) -> Bool {
    storage === other.storage && offset == other.offset
  }

  /// Where the values lie, for callers outside of Swift; valid as long as the storage lives.
  package var address: UnsafeMutablePointer<Float> { pointer }

  var pointer: UnsafeMutablePointer<Float> {
    storage.base.assumingMemoryBound(to: Float.self) + offset
  }

  /// One value.
  public subscript(index: Int) -> Float {
    get {
      precondition(index >= 0 && index < count, "index \(index) of a tensor of \(count)")
      return pointer[index]
    }
    nonmutating set {
      precondition(index >= 0 && index < count, "index \(index) of a tensor of \(count)")
      pointer[index] = newValue
    }
  }

  /// A copy of the values.
  public func array() -> [Float] {
    Array(UnsafeBufferPointer(start: pointer, count: count))
  }

  /// Replaces the first values.
  public func store(_ values: [Float]) {
    precondition(values.count <= count, "\(values.count) values for a tensor of \(count)")
    values.withUnsafeBufferPointer { source in
      guard let start = source.baseAddress else { return }
      pointer.update(from: start, count: source.count)
    }
  }

  /// Replaces the first values.
  package func store(_ values: UnsafeBufferPointer<Float>) {
    precondition(values.count <= count, "\(values.count) values for a tensor of \(count)")
    guard let start = values.baseAddress else { return }
    pointer.update(from: start, count: values.count)
  }

  /// Sets every value.
  public func fill(_ value: Float) {
    pointer.update(repeating: value, count: count)
  }

  /// The values as little-endian bytes.
  public func bytes() -> Data {
    Data(bytes: pointer, count: count * 4)
  }

  /// Replaces all values by little-endian bytes, which must be four for each.
  public func store(bytes: Data) {
    precondition(bytes.count == count * 4, "\(bytes.count) bytes for a tensor of \(count)")
    bytes.withUnsafeBytes { source in
      guard let start = source.baseAddress else { return }
      memcpy(pointer, start, source.count)
    }
  }
}
