// SPDX-License-Identifier: Apache-2.0
import Tensor

/// The masks of a run at one moment, with what a model of the hardware needs to know of each layer.
///
/// File: the 8 bytes `SWPUMASK`; version, step, epoch and the number of layers as little-endian
/// 32-bit numbers; the layers; FNV-1a-64 of everything before it.
///
/// ```swift
/// let geometry = ConvolutionGeometry(
///   input: MapShape(channels: 2, height: 8, width: 8), filters: 2, rows: 3, columns: 3)!
/// let mask = LayerMask(dense: FilterShape(filters: 2, channels: 2, rows: 3, columns: 3))
/// let snapshot = MaskSnapshot(
///   step: 100, epoch: 1,
///   layers: [
///     MaskSnapshot.Layer(
///       name: "conv1", geometry: geometry, granularity: .line, mask: mask, inputSparsity: 0.5,
///       gradientSparsity: nil)
///   ])
/// let read = try MaskSnapshot(decoding: snapshot.encoded(), file: "step-100.masks")
/// print(read == snapshot)  // true
/// ```
public struct MaskSnapshot: Sendable, Equatable {
  /// One convolution or linear layer.
  public struct Layer: Sendable, Equatable {
    /// Name of the layer in its network.
    public var name: String
    /// Sizes of its weights; channels are those of one group.
    public var shape: FilterShape
    /// Groups of channels.
    public var groups: Int
    /// Step of the kernel along both axes.
    public var stride: Int
    /// Zeros above and below the input.
    public var paddingRows: Int
    /// Zeros left and right of the input.
    public var paddingColumns: Int
    /// Rows of the map read.
    public var inputHeight: Int
    /// Columns of the map read.
    public var inputWidth: Int
    /// Rows of the map written.
    public var outputHeight: Int
    /// Columns of the map written.
    public var outputWidth: Int
    /// The unit by which the layer was pruned; `dense` where pruning leaves it alone.
    public var granularity: Granularity
    /// What is kept.
    public var mask: LayerMask
    /// Fraction of the activations entering that are zero in one batch; `nil` where no batch was
    /// observed, as before the first step.
    public var inputSparsity: Double?
    /// Fraction of the output's gradient that is zero in the same batch.
    public var gradientSparsity: Double?

    /// A layer; `mask` is a mask of `shape`.
    public init(
      name: String, shape: FilterShape, groups: Int, stride: Int, paddingRows: Int,
      paddingColumns: Int, inputHeight: Int, inputWidth: Int, outputHeight: Int, outputWidth: Int,
      granularity: Granularity, mask: LayerMask, inputSparsity: Double?, gradientSparsity: Double?
    ) {
      precondition(mask.shape == shape, "a mask of \(mask.shape) for a layer of \(shape)")
      self.name = name
      self.shape = shape
      self.groups = groups
      self.stride = stride
      self.paddingRows = paddingRows
      self.paddingColumns = paddingColumns
      self.inputHeight = inputHeight
      self.inputWidth = inputWidth
      self.outputHeight = outputHeight
      self.outputWidth = outputWidth
      self.granularity = granularity
      self.mask = mask
      self.inputSparsity = inputSparsity
      self.gradientSparsity = gradientSparsity
    }

    /// A layer of a geometry; `mask` is a mask of its filters.
    public init(
      name: String, geometry: ConvolutionGeometry, granularity: Granularity, mask: LayerMask,
      inputSparsity: Double?, gradientSparsity: Double?
    ) {
      self.init(
        name: name,
        shape: FilterShape(
          filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
          columns: geometry.columns),
        groups: geometry.groups, stride: geometry.stride, paddingRows: geometry.paddingRows,
        paddingColumns: geometry.paddingColumns, inputHeight: geometry.input.height,
        inputWidth: geometry.input.width, outputHeight: geometry.output.height,
        outputWidth: geometry.output.width, granularity: granularity, mask: mask,
        inputSparsity: inputSparsity, gradientSparsity: gradientSparsity)
    }
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
