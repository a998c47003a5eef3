// SPDX-License-Identifier: Apache-2.0
import Synchronization

/// Objects that C holds by number.
///
/// A handle is a place and the generation of its use, so one that was freed is an error for ever and
/// never means a later object.
final class HandleTable<Object: AnyObject & Sendable>: Sendable {
  private struct Slot {
    var generation: UInt32 = 1
    var object: Object?
  }

  private let slots = Mutex<[Slot]>([])
  private let kind: String

  init(_ kind: String) { self.kind = kind }

  func insert(_ object: Object) -> UInt64 {
    slots.withLock { slots in
      let place =
        slots.firstIndex { $0.object == nil && $0.generation < .max }
        ?? {
          slots.append(Slot())
          return slots.count - 1
        }()
      slots[place].object = object
      return UInt64(slots[place].generation) << 32 | UInt64(place)
    }
  }

  func get(_ handle: UInt64) throws -> Object {
    guard let object = slots.withLock({ object(handle, in: $0) }) else { throw invalid(handle) }
    return object
  }

  func remove(_ handle: UInt64) throws {
    // The object is released outside the lock: freeing a model takes a while.
    let removed: Object? = slots.withLock { slots in
      guard let object = object(handle, in: slots) else { return nil }
      let place = Int(handle & 0xffff_ffff)
      slots[place].object = nil
      slots[place].generation += 1
      return object
    }
    if removed == nil { throw invalid(handle) }
  }

  private func object(_ handle: UInt64, in slots: [Slot]) -> Object? {
    let place = Int(handle & 0xffff_ffff)
    guard place < slots.count, slots[place].generation == handle >> 32 else { return nil }
    return slots[place].object
  }

  private func invalid(_ handle: UInt64) -> LibraryError {
    LibraryError(.invalidHandle, "\(handle) is no \(kind), or one that was freed")
  }
}
