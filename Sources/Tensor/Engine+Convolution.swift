// SPDX-License-Identifier: Apache-2.0
import CKernels

extension PackedFilters {
  /// Calls `body` with a list.
  ///
  /// - Parameter weights: floats, or BF16 values; nil where they are not read.
  func withList(
    _ lists: Lists, weights: UnsafeMutableRawPointer?, _ body: (ck_list) -> Void
  ) {
    lists.starts.withUnsafeBufferPointer { starts in
      lists.sources.withUnsafeBufferPointer { sources in
        lists.places.withUnsafeBufferPointer { places in
          body(
            ck_list(
              form: packing.rawValue, outputs: Int32(lists.outputs),
              segments: Int32(lists.segments), starts: starts.baseAddress,
              sources: sources.baseAddress, places: places.baseAddress,
              weights: UnsafePointer(weights?.assumingMemoryBound(to: Float.self))))
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
    _ filters: PackedFilters, _ weights: Tensor, bias: Tensor?, input: Tensor,
    output: Tensor, images: Int, path: ConvolutionPath = .kernels
  ) {
    let geometry = filters.geometry
    check(input, geometry.input, images: images)
    check(output, geometry.output, images: images)
    filters.checkWeights(weights)
    if let bias { precondition(bias.count >= geometry.filters, "a bias for each filter") }
    if path == .kernels, computesOnPairs(filters, images: images) {
      let (shape, source) = forwardOperands(geometry, input: input, images: images, paired: true)
      return withRoundedList(filters, weights, images: images, transposed: false) { list in
        run(
          ck_conv_args(
            shape: shape, list: list, source: source.pointer, destination: output.pointer,
            bias: bias.map { UnsafePointer($0.pointer) }, accumulate: 0),
          shards: shards(words: floats(geometry.output, images: images)),
          pairs.table.pointee.forward)
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

  /// The shape that the kernels of forward and weight gradient see, and what they read: windows where
  /// images are cut into tiles.
  private func forwardOperands(
    _ geometry: ConvolutionGeometry, input: Tensor, images: Int, paired: Bool
  ) -> (ck_conv_shape, Tensor) {
    let tiled = TiledConvolution(
      forward: geometry, input: layout(geometry.input, images: images),
      output: layout(geometry.output, images: images), paired: paired)
    return (tiled.shape, windows(tiled.windows, of: input))
  }

  private func forwardOnFloats(
    _ filters: PackedFilters, _ weights: Tensor, bias: Tensor?, input: Tensor,
    output: Tensor, images: Int, path: ConvolutionPath
  ) {
    let geometry = filters.geometry
    let layouts = (
      layout(geometry.input, images: images), layout(geometry.output, images: images)
    )
    let (shape, source) =
      path == .kernels
      ? forwardOperands(geometry, input: input, images: images, paired: false)
      : (geometry.kernelShape(blocks: layouts.0.blocks), input)
    filters.withList(filters.forward, weights: weights.pointer) { list in
      var arguments = ck_conv_args(
        shape: shape, list: list, source: source.pointer, destination: output.pointer,
        bias: bias.map { UnsafePointer($0.pointer) }, accumulate: 0)
      switch path {
      case .kernels:
        run(arguments, shards: shards(words: layouts.1.floats), kernels.table.pointee.forward)
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
    _ filters: PackedFilters, _ weights: Tensor, outputGradient: Tensor,
    inputGradient: Tensor, accumulate: Bool, images: Int, path: ConvolutionPath = .kernels
  ) {
    let geometry = filters.geometry
    check(inputGradient, geometry.input, images: images)
    check(outputGradient, geometry.output, images: images)
    filters.checkWeights(weights)
    if path == .kernels, computesOnPairs(filters, images: images) {
      let tiled = TiledConvolution(
        inputGradient: geometry, input: layout(geometry.input, images: images),
        output: layout(geometry.output, images: images), paired: true)
      let source = windows(tiled.windows, of: outputGradient)
      return withRoundedList(filters, weights, images: images, transposed: true) { list in
        run(
          ck_conv_args(
            shape: tiled.shape, list: list, source: source.pointer,
            destination: inputGradient.pointer, bias: nil, accumulate: accumulate ? 1 : 0),
          shards: shards(words: floats(geometry.input, images: images)),
          pairs.table.pointee.input_gradient)
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
    _ filters: PackedFilters, _ weights: Tensor, outputGradient: Tensor,
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
    if path == .kernels {
      // Tiles that meet the stride in different phases: whole images, cut afterwards.
      let written = isAligned ? layouts.0 : layouts.0.whole
      let tiled = TiledConvolution(
        inputGradient: geometry, input: written, output: layouts.1, paired: false)
      shape = tiled.shape
      source = windows(tiled.windows, of: outputGradient)
      if !isAligned { destination = workspace.tensor(.whole, floats: written.floats) }
    }
    withTransposedList(filters, weights: weights.pointer, images: images) { list in
      var arguments = ck_conv_args(
        shape: shape, list: list, source: source.pointer, destination: destination.pointer,
        bias: nil, accumulate: accumulate && isAligned ? 1 : 0)
      switch path {
      case .kernels:
        run(
          arguments, shards: shards(words: layouts.0.floats),
          kernels.table.pointee.input_gradient)
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
    if path == .kernels, computesOnPairs(filters, images: images) {
      let (shape, source) = forwardOperands(geometry, input: input, images: images, paired: true)
      return withGradientArguments(
        filters, shape: shape, paired: true, input: source, outputGradient: outputGradient,
        gradient: gradient, scratch: scratch
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
    _ filters: PackedFilters, shape: ck_conv_shape, paired: Bool, input: Tensor,
    outputGradient: Tensor, gradient: Tensor, scratch: Tensor,
    _ body: (ck_weight_gradient_args) -> Void
  ) {
    precondition(
      scratch.count >= self.scratch(filters, shape, paired: paired),
      "scratch of \(scratch.count) floats")
    filters.withList(filters.transposed, weights: nil) { list in
      filters.kept.withUnsafeBufferPointer { kept in
        body(
          ck_weight_gradient_args(
            shape: shape, list: list,
            kept: filters.packing == .blocks4 ? kept.baseAddress : nil, input: input.pointer,
            output_gradient: outputGradient.pointer, gradient: gradient.pointer,
            scratch: scratch.pointer))
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
    let (shape, source) =
      path == .kernels
      ? forwardOperands(geometry, input: input, images: images, paired: false)
      : (geometry.kernelShape(blocks: layouts.0.blocks), input)
    withGradientArguments(
      filters, shape: shape, paired: false, input: source, outputGradient: outputGradient,
      gradient: gradient, scratch: scratch
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
  ///
  /// It takes a while to find, and depends on the packing alone.
  public func weightGradientScratch(_ filters: PackedFilters) -> Int {
    let geometry = filters.geometry
    // Batches too small to fill the lanes each have tiles of their own.
    return (1...kernels.lanes).flatMap { images in
      (computesOnPairs(filters, images: images) ? [false, true] : [false]).map { paired in
        var shape =
          TiledConvolution(
            forward: geometry, input: layout(geometry.input, images: images),
            output: layout(geometry.output, images: images), paired: paired
          ).shape
        // Of no blocks: for any number of whole images.
        if images == kernels.lanes { shape.blocks = 0 }
        return scratch(filters, shape, paired: paired)
      }
    }.reduce(0, max)
  }

  private func scratch(_ filters: PackedFilters, _ shape: ck_conv_shape, paired: Bool) -> Int {
    let count =
      paired
      ? pairs.table.pointee.weight_gradient_scratch
      : kernels.table.pointee.weight_gradient_scratch
    return withUnsafePointer(to: shape) {
      Int(count!($0, filters.packing.rawValue, Int64(filters.entryCount)))
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
