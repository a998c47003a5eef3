// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Runs kernels over tensors: an instruction set and the threads to use.
///
/// Activations are `[blocks][channels][height][width][lanes]` with `lanes` images of the batch
/// innermost; `images` of them are real, the rest of the last block is padding. The images of a batch
/// that does not fill the lanes are cut into tiles, which take a lane each. `blockImages` and
/// `unblockImages` are the way in and out. Every operation gives the same bits for any number of
/// threads. One caller at a time.
///
/// ```swift
/// let engine = Engine(threads: 2)
/// let map = MapShape(channels: 2, height: 4, width: 4)
/// let planar = Tensor([Float](repeating: 1, count: map.count))  // one image
/// let blocked = Tensor(count: engine.floats(map, images: 1))
/// engine.blockImages(planar, into: blocked, map: map, images: 1)
/// print(engine.squareSum(blocked))  // 32: the padding is zero
/// ```
public struct Engine: Sendable {
  /// The instruction set, which fixes the layout.
  public let kernels: Kernels
  /// The threads.
  public let pool: ThreadPool
  let workspace = Workspace()

  /// An engine on `threads` threads.
  public init(kernels: Kernels = .best, threads: Int = ThreadPool.processors) {
    self.kernels = kernels
    pool = ThreadPool(threads: threads)
  }

  /// Floats that an activation of a batch takes.
  public func floats(_ map: MapShape, images: Int) -> Int {
    layout(map, images: images).floats
  }

  /// Where the images of a batch lie.
  func layout(_ map: MapShape, images: Int) -> BatchLayout {
    workspace.layout(map, images: images, lanes: kernels.lanes)
  }

  /// Enough to balance the threads; the same for any number of them.
  static let shards = 32

  func run<Arguments>(
    _ arguments: Arguments, shards: Int = Engine.shards,
    _ kernel: (UnsafePointer<Arguments>?, Int32, Int32) -> Void
  ) {
    withUnsafePointer(to: arguments) { pointer in
      pool.run(shards: shards, arguments: UnsafeRawPointer(pointer)) { raw, shard, shards in
        kernel(raw.assumingMemoryBound(to: Arguments.self), shard, shards)
      }
    }
  }

  /// Calls `body` once for each index below `count`, on all threads, in no order. Calls must not
  /// change what another reads, and must not run kernels themselves.
  public func forEach(_ count: Int, _ body: (Int) -> Void) {
    run(count, shards: count) { _, index, _ in body(Int(index)) }
  }

  func planes(_ map: MapShape, images: Int) -> ck_planes {
    layout(map, images: images).planes
  }

  func check(_ tensor: Tensor, _ map: MapShape, images: Int) {
    precondition(
      tensor.count >= floats(map, images: images),
      "a tensor of \(tensor.count) floats is too small for \(images) images of \(map)")
  }

  /// Spreads planar images `[images][channels][height][width]` over the lanes.
  public func blockImages(_ source: Tensor, into destination: Tensor, map: MapShape, images: Int) {
    precondition(source.count >= images * map.count, "planar images of the batch")
    check(destination, map, images: images)
    run(
      ck_relayout_args(
        planes: planes(map, images: images), source: source.pointer,
        destination: destination.pointer), kernels.table.pointee.block_images)
  }

  /// Gathers planar images `[images][channels][height][width]` from the lanes.
  public func unblockImages(_ source: Tensor, into destination: Tensor, map: MapShape, images: Int)
  {
    precondition(destination.count >= images * map.count, "planar images of the batch")
    check(source, map, images: images)
    run(
      ck_relayout_args(
        planes: planes(map, images: images), source: source.pointer,
        destination: destination.pointer), kernels.table.pointee.unblock_images)
  }

  /// Makes every value of a map a channel of one pixel.
  ///
  /// - Parameter map: the size of an image of `source`.
  public func flatten(_ source: Tensor, into destination: Tensor, map: MapShape, images: Int) {
    let flat = MapShape(channels: map.count, height: 1, width: 1)
    let planar = workspace.tensor(.planar, floats: images * map.count)
    unblockImages(source, into: planar, map: map, images: images)
    blockImages(planar, into: destination, map: flat, images: images)
  }

  /// Gradient of `flatten`: the way back.
  public func flattenGradient(
    outputGradient: Tensor, inputGradient: Tensor, accumulate: Bool, map: MapShape, images: Int
  ) {
    let flat = MapShape(channels: map.count, height: 1, width: 1)
    let planar = workspace.tensor(.planar, floats: images * map.count)
    unblockImages(outputGradient, into: planar, map: flat, images: images)
    if accumulate {
      let floats = floats(map, images: images)
      let gradient = workspace.tensor(.whole, floats: floats)
      blockImages(planar, into: gradient, map: map, images: images)
      add(gradient, to: inputGradient.prefix(floats))
    } else {
      blockImages(planar, into: inputGradient, map: map, images: images)
    }
  }

  /// Exact zeros in each channel, over the real images of a batch.
  public func zeroCounts(_ tensor: Tensor, map: MapShape, images: Int) -> [Int] {
    check(tensor, map, images: images)
    var zeros = [Int64](repeating: 0, count: map.channels)
    zeros.withUnsafeMutableBufferPointer { buffer in
      run(
        ck_zero_count_args(
          planes: planes(map, images: images), input: tensor.pointer, zeros: buffer.baseAddress),
        kernels.table.pointee.zero_count)
    }
    return zeros.map(Int.init)
  }

  /// Adds a tensor to another, element by element.
  public func add(_ tensor: Tensor, to destination: Tensor) {
    precondition(tensor.count == destination.count, "tensors of one size")
    run(
      ck_add_args(
        count: Int64(tensor.count), a: tensor.pointer, b: nil, output: destination.pointer),
      kernels.table.pointee.add)
  }

  /// `output = a + b`, element by element.
  public func add(_ a: Tensor, _ b: Tensor, into output: Tensor) {
    precondition(a.count == b.count && a.count == output.count, "tensors of one size")
    run(
      ck_add_args(
        count: Int64(a.count), a: a.pointer, b: b.pointer, output: output.pointer),
      kernels.table.pointee.add)
  }

  /// The sum of squares in double precision.
  public func squareSum(_ tensor: Tensor) -> Double {
    kernels.table.pointee.square_sum(tensor.pointer, Int64(tensor.count))
  }
}
