// SPDX-License-Identifier: Apache-2.0

import Masks

extension Pass {
  /// The pass of a convolution that does the work of this pass of its transposed one: forward and input
  /// gradient change places, and in the weight gradient the map read and the gradient written do.
  var transposed: Pass {
    switch self {
    case .forward: .inputGradient
    case .inputGradient: .forward
    case .weightGradient: .weightGradient
    }
  }
}

extension Workload.Layer {
  /// The convolution and its pass that a pass of this layer is lowered to.
  func lowered(_ pass: Pass) -> (layer: Workload.Layer, pass: Pass) {
    if !convolution.isTransposed { return (self, pass) }
    var layer = self
    layer.convolution.isTransposed = false
    layer.inputSparsity = gradientSparsity
    layer.gradientSparsity = inputSparsity
    layer.inputZeros = gradientZeros
    layer.gradientZeros = inputZeros
    return (layer, pass.transposed)
  }
}
