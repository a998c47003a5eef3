// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Tensor

/// How fast the model runs: the convolutions of ResNet-18 on 224x224 images, all three passes, with
/// random sub-structured masks.
public enum SimulationBenchmark {
  /// A run of one pass through all layers.
  public struct Measurement: Codable, Sendable {
    /// The level that ran.
    public let level: Level
    /// The pass that ran.
    public let pass: Pass
    /// Seconds on one core, from masks to timing and counts.
    public let seconds: Double
    /// Products of the layers without pruning.
    public let denseMACs: Int
    /// Cycles simulated, layer after layer.
    public let cycles: Int

    /// Dense-equivalent multiply-accumulates simulated per second.
    public var denseMACsPerSecond: Double { Double(denseMACs) / seconds }
  }

  /// Runs the three passes at the fast or the cycle level.
  ///
  /// - Parameters:
  ///   - sparsity: fraction of each layer's weights that is pruned.
  ///   - seed: random seed of the masks.
  ///   - images: images of the batch.
  public static func run(
    _ level: Level, sparsity: Double = 0.9, seed: UInt64 = 1, images: Int = 1,
    hardware: HardwareDescription = .swpu
  ) -> [Measurement] {
    precondition(level != .value, "values are not timed")
    let layers = resNet18.enumerated().map { index, geometry in
      (geometry, mask(geometry, sparsity: sparsity, seed: seed, stream: UInt64(index)))
    }
    return Pass.allCases.map { pass in
      var denseMACs = 0
      var cycles = 0
      let clock = ContinuousClock()
      let duration = clock.measure {
        // The images need no gradient.
        for (geometry, mask) in pass == .inputGradient ? layers.dropFirst() : layers[...] {
          let schedule = PassSchedule(
            geometry, mask: mask, pass: pass, images: images, hardware: hardware)
          let activity = schedule.activity(hardware, inputSparsity: 0, gradientSparsity: 0)
          denseMACs += activity.denseMACs
          switch level {
          case .fast: cycles += schedule.fastTiming(hardware).cycles
          case .cycle, .value: cycles += schedule.cycleStepped(hardware).timing.cycles
          }
        }
      }
      return Measurement(
        level: level, pass: pass,
        seconds: Double(duration.components.seconds)
          + Double(duration.components.attoseconds) * 1e-18,
        denseMACs: denseMACs, cycles: cycles)
    }
  }

  /// The convolutions of ResNet-18 (He et al. 2015, table 1), in order.
  static let resNet18: [ConvolutionGeometry] = {
    func convolution(_ channels: Int, _ size: Int, _ filters: Int, kernel: Int, stride: Int)
      -> ConvolutionGeometry
    {
      guard
        let geometry = ConvolutionGeometry(
          input: MapShape(channels: channels, height: size, width: size), filters: filters,
          rows: kernel, columns: kernel, stride: stride, paddingRows: kernel / 2,
          paddingColumns: kernel / 2)
      else { preconditionFailure("a layer of ResNet-18 does not fit together") }
      return geometry
    }
    var layers = [convolution(3, 224, 64, kernel: 7, stride: 2)]
    var (channels, size) = (64, 56)
    for filters in [64, 128, 256, 512] {
      let stride = filters / channels
      layers.append(convolution(channels, size, filters, kernel: 3, stride: stride))
      if stride == 2 {
        layers.append(convolution(channels, size, filters, kernel: 1, stride: stride))
      }
      (channels, size) = (filters, size / stride)
      for _ in 0..<3 {
        layers.append(convolution(channels, size, filters, kernel: 3, stride: 1))
      }
    }
    return layers
  }()

  /// A mask that keeps three fifths of the shapes, and of the lines what meets the sparsity; where
  /// more is to be kept, all shapes.
  private static func mask(
    _ geometry: ConvolutionGeometry, sparsity: Double, seed: UInt64, stream: UInt64
  ) -> LayerMask {
    var random = SeededRandom(seed: seed, stream: stream)
    let density = 1 - sparsity
    let shapeDensity = density < 0.6 ? 0.6 : 1
    func drawn(_ count: Int, density: Double) -> Bits {
      var bits = Bits(count: count)
      for index in random.permutation(count).prefix(Int((Double(count) * density).rounded())) {
        bits[index] = true
      }
      return bits
    }
    let dense = LayerMask(
      dense: FilterShape(
        filters: geometry.filters, channels: geometry.channelsPerGroup, rows: geometry.rows,
        columns: geometry.columns))
    return LayerMask(
      shape: dense.shape,
      lines: drawn(dense.lines.count, density: density / shapeDensity),
      shapes: drawn(dense.shapes.count, density: shapeDensity))
  }
}
