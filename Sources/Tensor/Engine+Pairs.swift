// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Engine {
  /// Whether the map of a batch is held in BF16, in pairs of columns.
  func isPaired(_ map: MapShape, images: Int) -> Bool {
    precision == .bf16 && map.width % 2 == 0 && layout(map, images: images).isWhole
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
    switch filters.packing {
    case .lines3: return true
    case .blocks4:
      return geometry.stride == 1 || (geometry.stride == 2 && geometry.input.height % 2 == 0)
    case .taps: return false
    }
  }

  /// Whether the input gradient of a layer reads the transposed copy of its weights.
  public func readsTransposedWeights(_ filters: PackedFilters, images: Int) -> Bool {
    !computesOnPairs(filters, images: images)
  }

  /// Calls `body` with a list whose weights are pairs of BF16 values.
  ///
  /// - Parameter transposed: the list of the input gradient.
  func withPairList(
    _ filters: PackedFilters, weights: Tensor, transposed: Bool, _ body: (ck_list) -> Void
  ) {
    let perEntry = filters.packing == .lines3 ? 2 : 8
    let words = workspace.tensor(.weights, floats: filters.entryCount * perEntry)
    filters.withList(transposed ? filters.transposed : filters.forward, weights: weights) { list in
      filters.targets.withUnsafeBufferPointer { targets in
        run(
          ck_pair_weights_args(
            list: list, targets: transposed ? targets.baseAddress : nil, words: words.words),
          pairs.table.pointee.pack_weights)
      }
      var rounded = list
      rounded.weights = UnsafePointer(words.pointer)
      body(rounded)
    }
  }

  /// The shape of a layer whose maps are held in pairs.
  func pairShape(_ geometry: ConvolutionGeometry, images: Int) -> ck_conv_shape {
    geometry.pairShape(blocks: layout(geometry.input, images: images).blocks)
  }
}

extension ConvolutionGeometry {
  func pairShape(blocks: Int) -> ck_conv_shape {
    var shape = kernelShape(blocks: blocks)
    shape.width /= 2
    shape.out_width /= 2
    return shape
  }
}

extension Tensor {
  /// The memory as words of two BF16 values.
  var words: UnsafeMutablePointer<UInt32> {
    UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: UInt32.self)
  }
}
