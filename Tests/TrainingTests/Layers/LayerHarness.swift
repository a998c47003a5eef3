// SPDX-License-Identifier: Apache-2.0
import Foundation
import Tensor

@testable import Training

/// One layer between plain arrays `[image][channel][row][column]`: what tests feed and read.
struct LayerHarness {
  let model: Model
  let layer: any RunningLayer
  let images: Int
  private let inputMaps: [MapShape]

  /// A layer with as many inputs of `map` as it takes; `build` appends it.
  init(
    map: MapShape, images: Int, inputs: Int = 1, kernels: Kernels = .best,
    build: (inout Network, [Network.Value]) throws -> Void
  ) throws {
    var network = Network(name: "harness", input: map)
    // Other layers make the inputs, so that the tested layer has to compute gradients.
    var values: [Network.Value] = []
    for index in 0..<inputs {
      values.append(try network.activation("input\(index)", network.input, .none))
    }
    try build(&network, values)
    model = try Model(network, engine: Engine(kernels: kernels, threads: 2), batch: images, seed: 7)
    layer = model.layers.last!
    self.images = images
    inputMaps = layer.ports.inputMaps
  }

  func parameter(_ ending: String) -> Parameter {
    layer.parameters.first { $0.name.hasSuffix(ending) }!
  }

  private func write(_ values: [Float], to tensor: Tensor, _ map: MapShape) {
    model.engine.blockImages(Tensor(values), into: tensor, map: map, images: images)
  }

  private func read(_ tensor: Tensor, _ map: MapShape) -> [Float] {
    let planar = Tensor(count: images * map.count)
    model.engine.unblockImages(tensor, into: planar, map: map, images: images)
    return planar.array()
  }

  private func pass(_ training: Bool) -> PassSettings {
    PassSettings(
      engine: model.engine, images: images, training: training, seed: 3, denseGradients: false,
      observes: false)
  }

  func forward(_ inputs: [[Float]], training: Bool = true) -> [Float] {
    for (index, values) in inputs.enumerated() {
      write(values, to: layer.ports.inputs[index], inputMaps[index])
    }
    layer.forward(pass(training))
    return read(layer.ports.output, layer.ports.outputMap)
  }

  /// The gradients of the inputs.
  func backward(_ upstream: [Float]) -> [[Float]] {
    write(upstream, to: layer.ports.upstream, layer.ports.outputMap)
    layer.backward(pass(true))
    return zip(layer.ports.inputGradients, inputMaps).map { slot, map in
      read(slot!.tensor, map)
    }
  }
}

/// Random values in -1...1.
func randomValues(_ count: Int, _ random: inout SeededRandom) -> [Float] {
  (0..<count).map { _ in 2 * random.uniform() - 1 }
}
