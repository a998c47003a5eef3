// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The masks of a run at one step, with what a hardware model needs of each layer.
///
/// File: the 8 bytes `SWPUMASK`; version, step, epoch and the number of layers as little-endian
/// 32-bit numbers; the layers; the checksum of everything before it. Version 2, which repeated the
/// sizes of `network.json`, is read too.
///
/// ```swift
/// let mask = LayerMask(dense: FilterShape(filters: 2, channels: 2, rows: 3, columns: 3))
/// let snapshot = MaskSnapshot(
///   step: 100, epoch: 1,
///   layers: [
///     MaskSnapshot.Layer(
///       name: "conv1", granularity: .line, mask: mask, inputSparsity: 0.5, gradientSparsity: nil)
///   ])
/// let read = try MaskSnapshot(decoding: snapshot.encoded(), file: "step-100.masks")
/// print(read == snapshot)  // true
/// ```
public struct MaskSnapshot: Sendable, Equatable {
  /// One convolution or linear layer.
  public struct Layer: Sendable, Equatable {
    /// Name of the layer in its network.
    public var name: String
    /// The granularity of the layer's pruning; `dense` for a layer that is never pruned.
    public var granularity: Granularity
    /// What is kept.
    public var mask: LayerMask
    /// Sparsity of the layer's input in one batch; `nil` where no batch was observed, as before the first
    /// step.
    public var inputSparsity: Double?
    /// Sparsity of the output's gradient in the same batch.
    public var gradientSparsity: Double?
    /// Which values of the input, and of the output's gradient, are zero: read from arrays of NumPy,
    /// not held in the file of a snapshot.
    public var inputZeros: ZeroMask?
    /// The same of the output's gradient.
    public var gradientZeros: ZeroMask?

    /// A layer with its mask.
    public init(
      name: String, granularity: Granularity, mask: LayerMask, inputSparsity: Double?,
      gradientSparsity: Double?
    ) {
      self.name = name
      self.granularity = granularity
      self.mask = mask
      self.inputSparsity = inputSparsity
      self.gradientSparsity = gradientSparsity
    }

    /// Sizes of its weights; channels are those of one group.
    public var shape: FilterShape { mask.shape }
  }

  /// Steps done.
  public var step: Int
  /// Epochs done.
  public var epoch: Int
  /// The convolutions and linear layers, dense ones included, in the order of the network.
  public var layers: [Layer]

  /// A snapshot of these layers.
  public init(step: Int, epoch: Int, layers: [Layer]) {
    self.step = step
    self.epoch = epoch
    self.layers = layers
  }
}
