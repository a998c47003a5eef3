// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor

extension Trainer {
  /// The operands of all convolutions in a step on the first batch of the epoch, network order. The
  /// weights stay as they are.
  ///
  /// - Throws: a `DatasetError` where the file of the images cannot be read.
  public func operands() throws(DatasetError) -> [ConvolutionOperands] {
    var batch = Batch()
    loader.start(epoch: progress.epoch)
    guard try loader.next(into: &batch) else { return [] }
    loader.stop()
    model.stage(batch.images)
    model.forward(images: batch.count, training: true)
    _ = model.evaluate(SoftmaxCrossEntropy(), labels: batch.labels, images: batch.count)
    return model.backwardWithOperands(images: batch.count)
  }
}

extension Model {
  /// Runs `backward` and keeps what each convolution reads, just before it does: activations and
  /// gradients share memory with later ones.
  func backwardWithOperands(images: Int) -> [ConvolutionOperands] {
    let pass = PassSettings(
      engine: engine, images: images, training: true, seed: 0, denseGradients: false,
      observes: false)
    var operands: [ConvolutionOperands] = []
    for layer in layers.reversed() {
      if let convolution = layer as? ConvolutionLayer {
        let ports = convolution.ports
        operands.append(
          ConvolutionOperands(
            name: convolution.name, geometry: convolution.geometry, mask: convolution.mask,
            weights: convolution.denseWeights,
            input: firstImage(ports.inputs[0], ports.inputMaps[0], images: images),
            gradient: firstImage(ports.upstream, ports.outputMap, images: images)))
      }
      layer.backward(pass)
    }
    return operands.reversed()
  }

  private func firstImage(_ tensor: Tensor, _ map: MapShape, images: Int) -> [Float] {
    let planar = Tensor(count: images * map.count)
    engine.unblockImages(tensor, into: planar, map: map, images: images)
    return planar.prefix(map.count).array()
  }
}
