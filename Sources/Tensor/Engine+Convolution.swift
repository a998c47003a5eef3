// SPDX-License-Identifier: Apache-2.0
import CKernels

/// Weights of a convolution as both directions read them.
public struct ConvolutionWeights: Sendable {
  /// Packed forward: the master copy.
  public let values: Tensor
  /// Packed for the transposed lists; `Engine.transpose` renews it from `values`.
  public let transposed: Tensor

  /// Zeroed weights for a packing.
  public init(for filters: PackedFilters) {
    values = Tensor(count: filters.weightCount)
    transposed = Tensor(count: filters.weightCount)
  }

  /// The given tensors, each as long as the packing has weights.
  public init(values: Tensor, transposed: Tensor) {
    self.values = values
    self.transposed = transposed
  }
}

extension PackedFilters {
  func withList<Result>(
    _ lists: Lists, weights: Tensor?, _ body: (ck_list) -> Result
  ) -> Result {
    lists.starts.withUnsafeBufferPointer { starts in
      lists.weightStarts.withUnsafeBufferPointer { weightStarts in
        lists.sources.withUnsafeBufferPointer { sources in
          body(
            ck_list(
              form: packing.rawValue, outputs: Int32(lists.outputs),
              segments: Int32(lists.segments), starts: starts.baseAddress,
              weight_starts: weightStarts.baseAddress, sources: sources.baseAddress,
              weights: weights.map { UnsafePointer($0.pointer) }))
        }
      }
    }
  }

  func checkWeights(_ tensor: Tensor) {
    precondition(
      tensor.count >= weightCount, "\(tensor.count) floats for \(weightCount) packed weights")
  }
}

/// Which implementation computes a convolution.
public enum ConvolutionPath: Sendable {
  /// The kernels.
  case kernels
  /// Plain loops over every kept weight, accumulating in double: the oracle of the kernels.
  case reference
}

extension Engine {
  /// Forward: `output = bias + weights * input` over the kept weights.
  public func forward(
    _ filters: PackedFilters, _ weights: ConvolutionWeights, bias: Tensor?, input: Tensor,
    output: Tensor, images: Int, path: ConvolutionPath = .kernels
  ) {
    let geometry = filters.geometry
    check(input, geometry.input, images: images)
    check(output, geometry.output, images: images)
    filters.checkWeights(weights.values)
    if let bias { precondition(bias.count >= geometry.filters, "a bias for each filter") }
    filters.withList(filters.forward, weights: weights.values) { list in
      let arguments = ck_conv_args(
        shape: geometry.kernelShape(blocks: kernels.blocks(images)), list: list,
        source: input.pointer, destination: output.pointer,
        bias: bias.map { UnsafePointer($0.pointer) }, accumulate: 0)
      switch path {
      case .kernels: run(arguments, kernels.table.pointee.forward)
      case .reference:
        withUnsafePointer(to: arguments) { ck_reference_forward($0, Int32(kernels.lanes)) }
      }
    }
  }

  /// Input gradient: the transposed, turned weights over the gradient of the output.
  ///
  /// - Parameter accumulate: adds to `inputGradient` instead of replacing it.
  public func inputGradient(
    _ filters: PackedFilters, _ weights: ConvolutionWeights, outputGradient: Tensor,
    inputGradient: Tensor, accumulate: Bool, images: Int, path: ConvolutionPath = .kernels
  ) {
    let geometry = filters.geometry
    check(inputGradient, geometry.input, images: images)
    check(outputGradient, geometry.output, images: images)
    filters.checkWeights(weights.transposed)
    filters.withList(filters.transposed, weights: weights.transposed) { list in
      let arguments = ck_conv_args(
        shape: geometry.kernelShape(blocks: kernels.blocks(images)), list: list,
        source: outputGradient.pointer, destination: inputGradient.pointer, bias: nil,
        accumulate: accumulate ? 1 : 0)
      switch path {
      case .kernels: run(arguments, kernels.table.pointee.input_gradient)
      case .reference:
        withUnsafePointer(to: arguments) { ck_reference_input_gradient($0, Int32(kernels.lanes)) }
      }
    }
  }

  /// Weight gradient of the kept weights, summed over the batch, in packed order.
  ///
  /// - Parameter scratch: at least `weightGradientScratch(filters)` floats.
  public func weightGradient(
    _ filters: PackedFilters, input: Tensor, outputGradient: Tensor, gradient: Tensor,
    scratch: Tensor, images: Int, path: ConvolutionPath = .kernels
  ) {
    let geometry = filters.geometry
    check(input, geometry.input, images: images)
    check(outputGradient, geometry.output, images: images)
    filters.checkWeights(gradient)
    precondition(
      scratch.count >= weightGradientScratch(filters), "scratch of \(scratch.count) floats")
    filters.withList(filters.transposed, weights: nil) { list in
      filters.targets.withUnsafeBufferPointer { targets in
        filters.kept.withUnsafeBufferPointer { kept in
          let arguments = ck_weight_gradient_args(
            shape: geometry.kernelShape(blocks: kernels.blocks(images)), list: list,
            targets: targets.baseAddress,
            kept: filters.packing == .blocks4 ? kept.baseAddress : nil,
            input: input.pointer, output_gradient: outputGradient.pointer,
            gradient: gradient.pointer, scratch: scratch.pointer)
          switch path {
          case .kernels:
            // Every shard streams the whole output gradient: one for each thread.
            run(arguments, shards: pool.threads, kernels.table.pointee.weight_gradient)
          case .reference:
            withUnsafePointer(to: arguments) {
              ck_reference_weight_gradient($0, Int32(kernels.lanes))
            }
          }
        }
      }
    }
  }

  /// Floats of scratch that the weight gradient of a packing needs.
  public func weightGradientScratch(_ filters: PackedFilters) -> Int {
    withUnsafePointer(to: filters.geometry.kernelShape(blocks: 1)) { shape in
      Int(
        kernels.table.pointee.weight_gradient_scratch(
          shape, filters.packing.rawValue, Int64(filters.entryCount)))
    }
  }

  /// Renews the transposed copy of packed weights.
  public func transpose(_ filters: PackedFilters, _ weights: ConvolutionWeights) {
    filters.checkWeights(weights.values)
    filters.checkWeights(weights.transposed)
    filters.withList(filters.transposed, weights: nil) { list in
      filters.targets.withUnsafeBufferPointer { targets in
        run(
          ck_transpose_args(
            list: list, targets: targets.baseAddress, forward_weights: weights.values.pointer,
            transposed_weights: weights.transposed.pointer), kernels.table.pointee.transpose)
      }
    }
  }

  /// Sums of each channel over the images and pixels of a batch: the gradient of a bias.
  public func channelSums(_ tensor: Tensor, map: MapShape, into sums: Tensor, images: Int) {
    check(tensor, map, images: images)
    precondition(sums.count >= map.channels, "a sum for each channel")
    run(
      ck_channel_sum_args(
        planes: planes(map, images: images), input: tensor.pointer, sums: sums.pointer),
      kernels.table.pointee.channel_sum)
  }
}
