// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Max or average pooling over square windows.
final class PoolingLayer: RunningLayer {
  private let geometry: PoolingGeometry
  let ports: Ports
  private let winners: PoolingWinners?

  init(geometry: PoolingGeometry, ports: Ports) {
    self.geometry = geometry
    self.ports = ports
    winners = geometry.kind == .max ? PoolingWinners(floats: ports.output.count) : nil
  }

  func forward(_ pass: Pass) {
    pass.engine.pool(
      geometry, input: ports.inputs[0], output: ports.output,
      winners: pass.training ? winners : nil, images: pass.images)
  }

  func backward(_ pass: Pass) {
    guard let slot = ports.inputGradients[0] else { return }
    pass.engine.poolGradient(
      geometry, outputGradient: ports.upstream, inputGradient: slot.tensor, winners: winners,
      accumulate: slot.accumulate, images: pass.images)
  }
}

/// The mean of each plane; its gradient spreads evenly.
final class GlobalAveragePoolLayer: RunningLayer {
  let ports: Ports

  init(ports: Ports) { self.ports = ports }

  func forward(_ pass: Pass) {
    pass.engine.globalPool(
      input: ports.inputs[0], output: ports.output, map: ports.inputMaps[0], images: pass.images)
  }

  func backward(_ pass: Pass) {
    guard let slot = ports.inputGradients[0] else { return }
    pass.engine.globalPoolGradient(
      outputGradient: ports.upstream, inputGradient: slot.tensor, accumulate: slot.accumulate,
      map: ports.inputMaps[0], images: pass.images)
  }
}
