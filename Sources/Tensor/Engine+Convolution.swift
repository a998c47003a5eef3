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
    if path == .kernels, computesOnPairs(filters, images: images) {
      return withPairList(filters, weights: weights.values, transposed: false) { list in
        run(
          ck_conv_args(
            shape: pairShape(geometry, images: images), list: list, source: input.pointer,
            destination: output.pointer, bias: bias.map { UnsafePointer($0.pointer) },
            accumulate: 0), pairs.table.pointee.forward)
      }
    }
    onFloats(
      .read(input, geometry.input), .write(output, geometry.output), images: images
    ) { source, destination in
      forwardOnFloats(
        filters, weights, bias: bias, input: source, output: destination, images: images,
        path: path)
    }
  }

  private func forwardOnFloats(
    _ filters: PackedFilters, _ weights: ConvolutionWeights, bias: Tensor?, input: Tensor,
    output: Tensor, images: Int, path: ConvolutionPath
  ) {
    let geometry = filters.geometry
    let layouts = (
      layout(geometry.input, images: images), layout(geometry.output, images: images)
    )
    var shape = geometry.kernelShape(blocks: layouts.0.blocks)
    var source = input
    if path == .kernels && !(layouts.0.isWhole && layouts.1.isWhole) {
      let tiled = TiledConvolution(forward: geometry, input: layouts.0, output: layouts.1)
      shape = tiled.shape
      source = windows(tiled.windows, of: input)
    }
    filters.withList(filters.forward, weights: weights.values) { list in
      var arguments = ck_conv_args(
        shape: shape, list: list, source: source.pointer, destination: output.pointer,
        bias: bias.map { UnsafePointer($0.pointer) }, accumulate: 0)
      switch path {
      case .kernels: run(arguments, kernels.table.pointee.forward)
      case .reference:
        onWholeImages(reading: (input, layouts.0), writing: (output, layouts.1)) {
          arguments.source = UnsafePointer($0.pointer)
          arguments.destination = $1.pointer
          ck_reference_forward(&arguments, Int32(kernels.lanes))
        }
      }
    }
  }

  /// Calls `body` with copies of two activations in which images are whole, as the plain loops read
  /// them, and puts the second one back.
  private func onWholeImages(
    reading source: (Tensor, BatchLayout), writing destination: (Tensor, BatchLayout),
    _ body: (Tensor, Tensor) -> Void
  ) {
    let copies = (wholeImages(source.0, source.1), wholeImages(destination.0, destination.1))
    body(copies.0, copies.1)
    let layout = destination.1
    if !layout.isWhole {
      change(copies.1, layout.whole, into: destination.0, layout)
    }
  }

  /// An activation in which images are whole: a copy where they are cut into tiles.
  private func wholeImages(_ tensor: Tensor, _ layout: BatchLayout) -> Tensor {
    if layout.isWhole { return tensor }
    let whole = Tensor(count: layout.whole.floats)
    change(tensor, layout, into: whole, layout.whole)
    return whole
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
    if path == .kernels, computesOnPairs(filters, images: images) {
      return withPairList(filters, weights: weights.values, transposed: true) { list in
        run(
          ck_conv_args(
            shape: pairShape(geometry, images: images), list: list,
            source: outputGradient.pointer, destination: inputGradient.pointer, bias: nil,
            accumulate: accumulate ? 1 : 0), pairs.table.pointee.input_gradient)
      }
    }
    onFloats(
      .read(outputGradient, geometry.output),
      .write(inputGradient, geometry.input, adds: accumulate), images: images
    ) { source, destination in
      inputGradientOnFloats(
        filters, weights, outputGradient: source, inputGradient: destination,
        accumulate: accumulate, images: images, path: path)
    }
  }

  private func inputGradientOnFloats(
    _ filters: PackedFilters, _ weights: ConvolutionWeights, outputGradient: Tensor,
    inputGradient: Tensor, accumulate: Bool, images: Int, path: ConvolutionPath
  ) {
    let geometry = filters.geometry
    let layouts = (
      layout(geometry.input, images: images), layout(geometry.output, images: images)
    )
    var shape = geometry.kernelShape(blocks: layouts.0.blocks)
    var source = outputGradient
    var destination = inputGradient
    let isAligned = TiledConvolution.isAligned(layouts.0, stride: geometry.stride)
    if path == .kernels && !(layouts.0.isWhole && layouts.1.isWhole) {
      // Tiles that meet the stride in different phases: whole images, cut afterwards.
      let written = isAligned ? layouts.0 : layouts.0.whole
      let tiled = TiledConvolution(inputGradient: geometry, input: written, output: layouts.1)
      shape = tiled.shape
      source = windows(tiled.windows, of: outputGradient)
      if !isAligned { destination = workspace.tensor(.whole, floats: written.floats) }
    }
    filters.withList(filters.transposed, weights: weights.transposed) { list in
      var arguments = ck_conv_args(
        shape: shape, list: list, source: source.pointer, destination: destination.pointer,
        bias: nil, accumulate: accumulate && isAligned ? 1 : 0)
      switch path {
      case .kernels:
        run(arguments, kernels.table.pointee.input_gradient)
        if !isAligned {
          change(
            destination, layouts.0.whole, into: inputGradient, layouts.0, accumulate: accumulate)
        }
      case .reference:
        arguments.accumulate = accumulate ? 1 : 0
        onWholeImages(reading: (outputGradient, layouts.1), writing: (inputGradient, layouts.0)) {
          arguments.source = UnsafePointer($0.pointer)
          arguments.destination = $1.pointer
          ck_reference_input_gradient(&arguments, Int32(kernels.lanes))
        }
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
    if path == .kernels, computesOnPairs(filters, images: images) {
      return withGradientArguments(
        filters, shape: pairShape(geometry, images: images), input: input,
        outputGradient: outputGradient, gradient: gradient, scratch: scratch
      ) {
        run($0, shards: pool.threads, pairs.table.pointee.weight_gradient)
      }
    }
    onFloats(
      .read(input, geometry.input), .read(outputGradient, geometry.output), images: images
    ) { input, outputGradient in
      weightGradientOnFloats(
        filters, input: input, outputGradient: outputGradient, gradient: gradient,
        scratch: scratch, images: images, path: path)
    }
  }

  private func withGradientArguments(
    _ filters: PackedFilters, shape: ck_conv_shape, input: Tensor, outputGradient: Tensor,
    gradient: Tensor, scratch: Tensor, _ body: (ck_weight_gradient_args) -> Void
  ) {
    filters.withList(filters.transposed, weights: nil) { list in
      filters.targets.withUnsafeBufferPointer { targets in
        filters.kept.withUnsafeBufferPointer { kept in
          body(
            ck_weight_gradient_args(
              shape: shape, list: list, targets: targets.baseAddress,
              kept: filters.packing == .blocks4 ? kept.baseAddress : nil, input: input.pointer,
              output_gradient: outputGradient.pointer, gradient: gradient.pointer,
              scratch: scratch.pointer))
        }
      }
    }
  }

  private func weightGradientOnFloats(
    _ filters: PackedFilters, input: Tensor, outputGradient: Tensor, gradient: Tensor,
    scratch: Tensor, images: Int, path: ConvolutionPath
  ) {
    let geometry = filters.geometry
    let layouts = (
      layout(geometry.input, images: images), layout(geometry.output, images: images)
    )
    var shape = geometry.kernelShape(blocks: layouts.0.blocks)
    var source = input
    if path == .kernels && !(layouts.0.isWhole && layouts.1.isWhole) {
      let tiled = TiledConvolution(forward: geometry, input: layouts.0, output: layouts.1)
      shape = tiled.shape
      source = windows(tiled.windows, of: input)
    }
    withGradientArguments(
      filters, shape: shape, input: source, outputGradient: outputGradient, gradient: gradient,
      scratch: scratch
    ) { arguments in
      switch path {
      case .kernels:
        // Every shard streams the whole output gradient: one for each thread.
        run(arguments, shards: pool.threads, kernels.table.pointee.weight_gradient)
      case .reference:
        let copies = (wholeImages(input, layouts.0), wholeImages(outputGradient, layouts.1))
        var arguments = arguments
        arguments.input = UnsafePointer(copies.0.pointer)
        arguments.output_gradient = UnsafePointer(copies.1.pointer)
        ck_reference_weight_gradient(&arguments, Int32(kernels.lanes))
      }
    }
  }

  /// Floats of scratch that the weight gradient of a packing needs, for any number of images.
  public func weightGradientScratch(_ filters: PackedFilters) -> Int {
    let geometry = filters.geometry
    // Batches too small to fill the lanes each have tiles of their own.
    let shapes =
      [geometry.kernelShape(blocks: 0)]
      + (1..<kernels.lanes).map { images in
        TiledConvolution(
          forward: geometry, input: layout(geometry.input, images: images),
          output: layout(geometry.output, images: images)
        ).shape
      }
    func scratch(
      _ shape: ck_conv_shape, _ count: (UnsafePointer<ck_conv_shape>?, Int32, Int64) -> Int64
    ) -> Int {
      withUnsafePointer(to: shape) {
        Int(count($0, filters.packing.rawValue, Int64(filters.entryCount)))
      }
    }
    let onFloats = shapes.map { scratch($0, kernels.table.pointee.weight_gradient_scratch) }
    // As many images as lanes fill a vector: what holds for them holds for any larger batch.
    let onPairs =
      computesOnPairs(filters, images: kernels.lanes)
      ? scratch(
        geometry.pairShape(blocks: 0), pairs.table.pointee.weight_gradient_scratch) : 0
    return onFloats.reduce(onPairs, max)
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
    let isPaired = isPaired(map, images: images)
    run(
      ck_channel_sum_args(
        planes: isPaired ? pairPlanes(map, images: images) : planes(map, images: images),
        input: tensor.pointer, sums: sums.pointer),
      isPaired ? pairs.table.pointee.channel_sum : kernels.table.pointee.channel_sum)
  }
}
