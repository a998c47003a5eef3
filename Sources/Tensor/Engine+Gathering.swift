// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Engine {
  /// Calls `body` with the transposed list.
  ///
  /// Its weights are scattered over those of the forward lists. Blocks of whole images each read all of
  /// them, and share a copy in the list's order; tiles are one block, which reads them where they are.
  ///
  /// - Parameter weights: floats, or BF16 values.
  func withTransposedList<Value>(
    _ filters: PackedFilters, weights: UnsafeMutablePointer<Value>, images: Int,
    _ body: (ck_list) -> Void
  ) {
    guard let lists = filters.gathered, layout(filters.geometry.input, images: images).isWhole
    else { return filters.withList(filters.transposed, weights: weights, body) }
    let tensor = workspace.tensor(.gathered, floats: filters.weightCount)
    let copy = UnsafeMutableRawPointer(tensor.pointer).bindMemory(
      to: Value.self, capacity: filters.weightCount)
    gather(filters.transposed.places, of: weights, to: lists.places, of: copy)
    filters.withList(lists, weights: copy, body)
  }

  private func gather<Value>(
    _ sources: [Int32], of weights: UnsafeMutablePointer<Value>, to places: [Int32],
    of copy: UnsafeMutablePointer<Value>
  ) {
    let chunk = 2048
    sources.withUnsafeBufferPointer { sources in
      places.withUnsafeBufferPointer { places in
        forEach((sources.count + chunk - 1) / chunk) { index in
          for entry in index * chunk..<min((index + 1) * chunk, sources.count) {
            let (from, to) = (Int(sources[entry]), Int(places[entry]))
            let count = Int(places[entry + 1]) - to
            copy[to] = weights[from]
            if count > 1 { copy[to + 1] = weights[from + 1] }
            if count > 2 { copy[to + 2] = weights[from + 2] }
          }
        }
      }
    }
  }
}
