// SPDX-License-Identifier: Apache-2.0
import Tensor

/// Takes the mean over the inputs from the weight gradient of each output, as gradient centralisation does
/// (Yong et al. 2020): `g[k, c] - mean over c of g[k, c]`.
///
/// A classifier reads features behind a ReLU, which share a large mean. Its gradient is therefore mostly
/// this mean times how much more often a class is in the batch than it is predicted, in one direction that
/// its bias covers already. Without it, a step follows what tells the images apart.
final class GradientCentring {
  /// The output of each weight, in the order of the packed weights; -1 for padding.
  private let rows: [Int32]
  private var means: [Float]
  private let counts: [Float]

  init(_ filters: PackedFilters, outputs: Int, inputs: Int) {
    rows = filters.densePositions.map { $0 < 0 ? -1 : $0 / Int32(inputs) }
    means = [Float](repeating: 0, count: outputs)
    var counts = means
    for row in rows where row >= 0 { counts[Int(row)] += 1 }
    self.counts = counts
  }

  func apply(to gradient: Tensor) {
    for row in means.indices { means[row] = 0 }
    for (index, row) in rows.enumerated() where row >= 0 { means[Int(row)] += gradient[index] }
    for row in means.indices { means[row] /= max(1, counts[row]) }
    for (index, row) in rows.enumerated() where row >= 0 { gradient[index] -= means[Int(row)] }
  }
}

/// Centres the gradients of a classifier among the parameters.
func centreGradients(_ parameters: [Parameter]) {
  for parameter in parameters where !parameter.isFrozen {
    parameter.centring?.apply(to: parameter.gradient)
  }
}
