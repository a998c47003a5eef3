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
  /// What activations are held in.
  public let precision: Precision
  /// The threads.
  public let pool: ThreadPool
  /// The kernels on maps in BF16.
  let pairs: PairKernels
  let workspace = Workspace()

  /// An engine on `threads` threads.
  public init(
    kernels: Kernels = .best, threads: Int = ThreadPool.processors, precision: Precision = .fp32
  ) {
    self.init(
      kernels: kernels, pairs: kernels.pairs, pool: ThreadPool(threads: threads),
      precision: precision)
  }

  /// - Parameter pairs: kernels with the layout of `kernels`.
  init(kernels: Kernels, pairs: PairKernels, pool: ThreadPool, precision: Precision) {
    precondition(
      Int(pairs.table.pointee.lanes) == kernels.lanes, "kernels on pairs have the same layout")
    self.kernels = kernels
    self.pairs = pairs
    self.pool = pool
    self.precision = precision
  }

  /// The same kernels and threads in another precision. One caller at a time uses either.
  public func with(_ precision: Precision) -> Engine {
    Engine(kernels: kernels, pairs: pairs, pool: pool, precision: precision)
  }

  /// What computes: engines of equal names give the same bits.
  public var name: String {
    precision == .fp32 ? kernels.name : "\(pairs.name) \(precision.rawValue)"
  }

  /// Values that an activation of a batch takes, lanes without an image and the distance between planes
  /// included.
  public func values(_ map: MapShape, images: Int) -> Int { layout(map, images: images).floats }

  /// Words of 32 bits that an activation of a batch takes: a float each, or two BF16 values.
  public func floats(_ map: MapShape, images: Int) -> Int {
    let values = values(map, images: images)
    return isPaired(map, images: images) ? values / 2 : values
  }

  /// Words that hold an activation of any batch of at most `images` images: a small one may need more
  /// than a larger one whose tiles have even widths.
  public func floats(_ map: MapShape, atMost images: Int) -> Int {
    let small = 1...min(images, max(1, kernels.lanes / 2))
    return small.reduce(floats(map, images: images)) { max($0, floats(map, images: $1)) }
  }

  /// Where the images of a batch lie.
  func layout(_ map: MapShape, images: Int) -> BatchLayout {
    workspace.layout(map, images: images, lanes: kernels.lanes)
  }

  /// Enough to balance the threads.
  static let shards = 32

  /// Shards of an operation on so many words: fewer where one would take a microsecond or two, beside
  /// which handing it to a thread takes its time.
  func shards(words: Int) -> Int {
    min(Engine.shards, max(4 * pool.threads, words / 8192))
  }

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
    onFloats(.write(destination, map), images: images) { floats in
      run(
        ck_relayout_args(
          planes: planes(map, images: images), source: source.pointer,
          destination: floats.pointer), kernels.table.pointee.block_images)
    }
  }

  /// Gathers planar images `[images][channels][height][width]` from the lanes.
  public func unblockImages(_ source: Tensor, into destination: Tensor, map: MapShape, images: Int)
  {
    precondition(destination.count >= images * map.count, "planar images of the batch")
    check(source, map, images: images)
    onFloats(.read(source, map), images: images) { floats in
      run(
        ck_relayout_args(
          planes: planes(map, images: images), source: floats.pointer,
          destination: destination.pointer), kernels.table.pointee.unblock_images)
    }
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
      add(gradient, to: inputGradient, map: map, images: images)
    } else {
      blockImages(planar, into: inputGradient, map: map, images: images)
    }
  }

  /// Exact zeros in each channel, over the real images of a batch.
  public func zeroCounts(_ tensor: Tensor, map: MapShape, images: Int) -> [Int] {
    check(tensor, map, images: images)
    var zeros = [Int64](repeating: 0, count: map.channels)
    let isPaired = isPaired(map, images: images)
    zeros.withUnsafeMutableBufferPointer { buffer in
      run(
        ck_zero_count_args(
          planes: isPaired ? pairPlanes(map, images: images) : planes(map, images: images),
          input: tensor.pointer, zeros: buffer.baseAddress),
        isPaired ? pairs.table.pointee.zero_count : kernels.table.pointee.zero_count)
    }
    return zeros.map(Int.init)
  }

  /// Adds a map of a batch to another.
  public func add(_ tensor: Tensor, to destination: Tensor, map: MapShape, images: Int) {
    add(tensor, nil, into: destination, map: map, images: images)
  }

  /// `output = a + b`, or `output += a` without `b`.
  public func add(_ a: Tensor, _ b: Tensor?, into output: Tensor, map: MapShape, images: Int) {
    check(a, map, images: images)
    check(b ?? output, map, images: images)
    check(output, map, images: images)
    let words = floats(map, images: images)
    run(
      ck_add_args(
        count: Int64(words), a: a.pointer, b: b.map { UnsafePointer($0.pointer) },
        output: output.pointer), shards: shards(words: words),
      isPaired(map, images: images)
        ? pairs.table.pointee.add : kernels.table.pointee.add)
  }

  /// Whether every value of a batch's images is a finite number.
  public func isFinite(_ tensor: Tensor, map: MapShape, images: Int) -> Bool {
    check(tensor, map, images: images)
    var isFinite = true
    onFloats(.read(tensor, map), images: images) { floats in
      let infinity = Int32(bitPattern: Float.infinity.bitPattern)
      isFinite = largestBits(floats, map: map, images: images).allSatisfy { $0 < infinity }
    }
    return isFinite
  }

  /// The sum of squares of floats in double precision.
  public func squareSum(_ tensor: Tensor) -> Double {
    kernels.table.pointee.square_sum(tensor.pointer, Int64(tensor.count))
  }
}
