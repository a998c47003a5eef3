// SPDX-License-Identifier: Apache-2.0
import CKernels

/// The kept weights of a layer as the kernels read them: lists of lines, taps or blocks in filter
/// order, and the same lists transposed for both gradients.
///
/// There is one copy of the packed weights: both directions, the optimiser, the gradient and
/// checkpoints use the order of the forward lists.
/// The lists depend on the mask alone, so equal masks give equal orders.
public final class PackedFilters: Sendable {
  /// The layer.
  public let geometry: ConvolutionGeometry
  /// The form of the entries.
  public let packing: Packing
  /// Packed weights, places of ragged blocks included.
  public let weightCount: Int

  /// One direction's lists; see `ck_list` for the orders.
  struct Lists: Sendable {
    var outputs: Int
    var segments: Int
    var starts: [Int32]
    var sources: [Int32]
    var places: [Int32]

    /// The same entries with their weights in other places.
    func moved(to places: [Int32]) -> Lists {
      Lists(
        outputs: outputs, segments: segments, starts: starts, sources: sources, places: places)
    }
  }

  let forward: Lists
  let transposed: Lists
  /// The transposed lists on a copy of the weights in their own order, which ends with the number of
  /// weights; nil for blocks, each of which is a cache line anyway.
  let gathered: Lists?
  /// For each transposed block (blocks4) the places that are kept.
  let kept: [UInt16]
  /// For each packed weight its index in the dense `[K][C][R][S]` array, -1 for a place of a block
  /// that is not kept.
  package let densePositions: [Int32]

  /// Packs a mask given as tap patterns: bit `s` of `patterns[(k*C + c)*R + r]` keeps `w[k,c,r,s]`,
  /// C the channels per group.
  public init(geometry: ConvolutionGeometry, packing: Packing, patterns: [UInt16]) {
    precondition(
      patterns.count == geometry.filters * geometry.channelsPerGroup * geometry.rows,
      "one pattern for each kernel row")
    self.geometry = geometry
    self.packing = packing
    switch packing {
    case .lines3, .taps:
      let builder = EntryLists(geometry: geometry, packing: packing, patterns: patterns)
      forward = builder.forward
      transposed = builder.transposed
      gathered = builder.gathered
      densePositions = builder.densePositions
      kept = []
    case .blocks4:
      let builder = BlockLists(geometry: geometry, patterns: patterns)
      forward = builder.forward
      transposed = builder.transposed
      gathered = nil
      densePositions = builder.densePositions
      kept = builder.kept
    }
    weightCount = densePositions.count
  }

  private init(denseLines geometry: ConvolutionGeometry) {
    let builder = DenseLineLists(geometry: geometry)
    self.geometry = geometry
    packing = .lines3
    forward = builder.forward
    transposed = builder.transposed
    gathered = builder.gathered
    densePositions = builder.densePositions
    kept = []
    weightCount = densePositions.count
  }

  /// A dense layer.
  public convenience init(dense geometry: ConvolutionGeometry, packing: Packing) {
    if packing == .lines3 {
      self.init(denseLines: geometry)
      return
    }
    let all = UInt16(truncatingIfNeeded: (1 << geometry.columns) - 1)
    let lines = geometry.filters * geometry.channelsPerGroup * geometry.rows
    self.init(
      geometry: geometry, packing: packing, patterns: [UInt16](repeating: all, count: lines))
  }

  /// Entries (lines, taps or blocks) that are kept.
  public var entryCount: Int { forward.sources.count }

  /// Multiply-accumulates of a forward pass of one image on kept taps that lie inside the map.
  public var insideMACs: Int {
    let output = geometry.output
    func inside(_ tap: Int, _ padding: Int, _ size: Int, _ outputs: Int) -> Int {
      var count = 0
      for position in 0..<outputs
      where (0..<size).contains(position * geometry.stride + tap - padding) {
        count += 1
      }
      return count
    }
    let rows = (0..<geometry.rows).map {
      inside($0, geometry.paddingRows, geometry.input.height, output.height)
    }
    let columns = (0..<geometry.columns).map {
      inside($0, geometry.paddingColumns, geometry.input.width, output.width)
    }
    var total = 0
    for position in densePositions where position >= 0 {
      let column = Int(position) % geometry.columns
      let row = Int(position) / geometry.columns % geometry.rows
      total += rows[row] * columns[column]
    }
    return total
  }

  /// Packs a dense `[K][C][R][S]` array: values of pruned places are left out.
  public func pack(_ dense: [Float]) -> [Float] {
    precondition(dense.count == geometry.weights, "a dense array of the layer")
    return densePositions.map { $0 < 0 ? 0 : dense[Int($0)] }
  }

  /// Expands packed values to the dense `[K][C][R][S]` array, zero where pruned.
  public func expand(_ packed: Tensor) -> [Float] {
    precondition(packed.count >= weightCount, "packed values of the layer")
    var dense = [Float](repeating: 0, count: geometry.weights)
    let values = packed.pointer
    for (index, position) in densePositions.enumerated() where position >= 0 {
      dense[Int(position)] = values[index]
    }
    return dense
  }

  /// Expands packed values of a layer of which no weight is pruned, on all threads.
  public func expand(_ packed: Tensor, on engine: Engine) -> [Float] {
    precondition(
      packed.count >= weightCount && weightCount == geometry.weights, "a dense layer's values")
    let values = packed.pointer
    return [Float](unsafeUninitializedCapacity: weightCount) { dense, count in
      densePositions.withUnsafeBufferPointer { positions in
        engine.forEach(Engine.shards) { shard in
          let end = weightCount * (shard + 1) / Engine.shards
          for index in weightCount * shard / Engine.shards..<end {
            dense[Int(positions[index])] = values[index]
          }
        }
      }
      count = weightCount
    }
  }

  /// The values of tensors in another packing of the layer: zero where this one has none.
  public func repack(_ tensors: [Tensor], as other: PackedFilters) -> [Tensor] {
    precondition(geometry == other.geometry, "packings of one layer")
    var dense = [Float](repeating: 0, count: geometry.weights)
    return tensors.map { tensor in
      precondition(tensor.count >= weightCount, "packed values of the layer")
      let (values, result) = (tensor.pointer, Tensor(count: other.weightCount))
      dense.withUnsafeMutableBufferPointer { dense in
        for (index, position) in densePositions.enumerated() where position >= 0 {
          dense[Int(position)] = values[index]
        }
        let packed = result.pointer
        for (index, position) in other.densePositions.enumerated() where position >= 0 {
          packed[index] = dense[Int(position)]
        }
        for position in densePositions where position >= 0 { dense[Int(position)] = 0 }
      }
      return result
    }
  }
}

/// A list that starts at each multiple of its entry's weights: the prefix sums of counts.
func prefixSums(_ counts: [Int32]) -> [Int32] {
  var sums = [Int32](repeating: 0, count: counts.count + 1)
  var total: Int32 = 0
  for index in counts.indices {
    sums[index] = total
    total += counts[index]
  }
  sums[counts.count] = total
  return sums
}
