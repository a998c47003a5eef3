// SPDX-License-Identifier: Apache-2.0
import CKernels

extension Engine {
  /// One step of stochastic gradient descent (PyTorch's form): `d = scale·g + decay·w`,
  /// `m ← momentum·m + d`, `w ← w - rate·m`, with Nesterov `w ← w - rate·(d + momentum·m)`.
  public func sgd(
    weights: Tensor, gradient: Tensor, momentum: Tensor, rate: Float, momentumFactor: Float,
    nesterov: Bool, decay: Float, gradientScale: Float
  ) {
    precondition(
      weights.count == gradient.count && weights.count == momentum.count, "tensors of one size")
    if weights.count == 0 { return }
    run(
      ck_sgd_args(
        count: Int64(weights.count), weights: weights.pointer, momentum: momentum.pointer,
        gradient: gradient.pointer, learning_rate: rate, momentum_factor: momentumFactor,
        weight_decay: decay, gradient_scale: gradientScale, nesterov: nesterov ? 1 : 0),
      shards: shards(weights: weights.count), kernels.table.pointee.sgd)
  }

  /// One step of AdamW (Loshchilov and Hutter 2019, PyTorch's form) at step `step`, counted from 1.
  public func adamW(
    weights: Tensor, gradient: Tensor, first: Tensor, second: Tensor, rate: Float, beta1: Float,
    beta2: Float, epsilon: Float, decay: Float, step: Int, gradientScale: Float
  ) {
    precondition(
      weights.count == gradient.count && weights.count == first.count
        && weights.count == second.count, "tensors of one size")
    if weights.count == 0 { return }
    let power = { (beta: Float) -> Float in
      var value = 1.0
      var base = Double(beta)
      var exponent = step
      while exponent > 0 {
        if exponent & 1 != 0 { value *= base }
        base *= base
        exponent >>= 1
      }
      return Float(1 - value)
    }
    run(
      ck_adamw_args(
        count: Int64(weights.count), weights: weights.pointer, first: first.pointer,
        second: second.pointer, gradient: gradient.pointer, learning_rate: rate, beta1: beta1,
        beta2: beta2, epsilon: epsilon, weight_decay: decay, gradient_scale: gradientScale,
        correction1: power(beta1), correction2: power(beta2)),
      shards: shards(weights: weights.count), kernels.table.pointee.adamw)
  }

  // Waking the pool costs more than a small update.
  func shards(weights count: Int) -> Int { count < 16_384 ? 1 : Engine.shards }
}
