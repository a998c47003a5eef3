// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Engine {
  /// Whether the map of a batch is held in BF16, in pairs of columns.
  func isPaired(_ map: MapShape, images: Int) -> Bool {
    precision == .bf16 && layout(map, images: images).width % 2 == 0
  }

  /// A map that an operation works on.
  struct Operand {
    enum Access { case read, write, update }
    let tensor: Tensor
    let map: MapShape
    let access: Access

    static func read(_ tensor: Tensor, _ map: MapShape) -> Operand {
      Operand(tensor: tensor, map: map, access: .read)
    }
    /// - Parameter adds: to what is there, instead of replacing it.
    static func write(_ tensor: Tensor, _ map: MapShape, adds: Bool = false) -> Operand {
      Operand(tensor: tensor, map: map, access: adds ? .update : .write)
    }
  }

  /// Calls `body` with a map of floats: a copy of one that is held in BF16, rounded back if it is
  /// written. For what has no kernel on pairs.
  func onFloats(
    _ operand: Operand, images: Int, place: Int = 0, _ body: (Tensor) -> Void
  ) {
    guard isPaired(operand.map, images: images) else { return body(operand.tensor) }
    let layout = layout(operand.map, images: images)
    let copy = workspace.tensor(.operand(place), floats: layout.floats)
    let packing = ck_pack_args(
      count: Int64(layout.floats / 2 / kernels.lanes), floats: copy.pointer,
      pairs: operand.tensor.words)
    if operand.access != .write { run(packing, pairs.table.pointee.unpack) }
    body(copy)
    if operand.access != .read { run(packing, pairs.table.pointee.pack) }
  }

  /// The same with two maps.
  func onFloats(
    _ first: Operand, _ second: Operand, images: Int, _ body: (Tensor, Tensor) -> Void
  ) {
    onFloats(first, images: images, place: 0) { first in
      onFloats(second, images: images, place: 1) { second in body(first, second) }
    }
  }

  /// The planes of a map held in pairs.
  func pairPlanes(_ map: MapShape, images: Int) -> ck_planes {
    var planes = planes(map, images: images)
    planes.pixels /= 2
    planes.tile_width /= 2
    return planes
  }

  /// Whether a layer's maps are held in pairs and there are kernels for it.
  func computesOnPairs(_ filters: PackedFilters, images: Int) -> Bool {
    let geometry = filters.geometry
    guard isPaired(geometry.input, images: images), isPaired(geometry.output, images: images)
    else { return false }
    let input = layout(geometry.input, images: images)
    // At stride 2 a tile of the input is made of whole pairs of the gradient.
    let isAligned = geometry.stride == 1 || (input.height % 2 == 0 && input.width % 4 == 0)
    switch filters.packing {
    case .lines3: return isAligned
    case .blocks4:
      return geometry.stride <= 2 && isAligned
        && input.hasTiles(of: layout(geometry.output, images: images))
    case .taps: return false
    }
  }

  /// Calls `body` with a list whose weights are BF16 values.
  ///
  /// - Parameter transposed: the list of the input gradient.
  func withRoundedList(
    _ filters: PackedFilters, _ weights: Tensor, images: Int, transposed: Bool,
    _ body: (ck_list) -> Void
  ) {
    let rounded = workspace.tensor(.weights, floats: (filters.weightCount + 1) / 2)
    run(
      ck_pair_weights_args(
        count: Int64(filters.weightCount), form: filters.packing.rawValue,
        turned: transposed ? 1 : 0, weights: weights.pointer, rounded: rounded.halves),
      shards: shards(weights: filters.weightCount),
      pairs.table.pointee.round_weights)
    if transposed {
      withTransposedList(filters, weights: rounded.halves, images: images, body)
    } else {
      filters.withList(filters.forward, weights: rounded.halves, body)
    }
  }
}

extension Tensor {
  /// The memory as words of two BF16 values.
  var words: UnsafeMutablePointer<UInt32> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt32.self)
  }

  /// The memory as BF16 values.
  var halves: UnsafeMutablePointer<UInt16> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt16.self)
  }
}
