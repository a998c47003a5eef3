// SPDX-License-Identifier: Apache-2.0
import Masks
import Tensor
import Training

/// One convolution, its three passes apart, against the peak of the machine.
public struct LayerBenchmark {
  /// The passes of a layer.
  public enum Pass: String, CaseIterable, Sendable {
    /// Output from input.
    case forward
    /// Gradient of the input.
    case inputGradient = "input-gradient"
    /// Gradient of the weights.
    case weightGradient = "weight-gradient"
  }

  /// The layers of the benchmark: the stages of ResNet-18, a layer of stride 2 and a 1x1 layer.
  public static let layers: [(name: String, geometry: ConvolutionGeometry)] = {
    func layer(
      _ name: String, _ channels: Int, _ side: Int, _ filters: Int, kernel: Int, stride: Int = 1
    ) -> (String, ConvolutionGeometry) {
      let geometry = ConvolutionGeometry(
        input: MapShape(channels: channels, height: side, width: side), filters: filters,
        rows: kernel, columns: kernel, stride: stride, paddingRows: kernel / 2,
        paddingColumns: kernel / 2)
      guard let geometry else { preconditionFailure("a layer of the benchmark fits its map") }
      return (name, geometry)
    }
    return [
      layer("3x3 64@32x32", 64, 32, 64, kernel: 3),
      layer("3x3 128@16x16", 128, 16, 128, kernel: 3),
      layer("3x3 256@8x8", 256, 8, 256, kernel: 3),
      layer("3x3 512@4x4", 512, 4, 512, kernel: 3),
      layer("3x3/2 64-128@32x32", 64, 32, 128, kernel: 3, stride: 2),
      layer("1x1 256-64@32x32", 256, 32, 64, kernel: 1),
    ]
  }()

  /// A result of the benchmark.
  public struct Row: Codable, Sendable {
    /// The layer.
    public let layer: String
    /// The pass.
    public let pass: String
    /// Images.
    public let batch: Int
    /// Threads.
    public let threads: Int
    /// Density: the fraction of the weights that is kept.
    public let density: Double
    /// Granularity of the random mask.
    public let granularity: String
    /// Instruction set.
    public let kernels: String
    /// Median time.
    public let medianMilliseconds: Double
    /// All times.
    public let samples: [Double]
    /// Billions of operations per second on kept weights whose taps are inside the feature map.
    public let gflopsOnNonZeros: Double
    /// The same as a percentage of the peak of all threads with multiply-adds in registers.
    public let percentOfPeak: Double
  }

  private let name: String
  private let batch: Int
  private let density: Double
  private let granularity: Granularity
  private let engine: Engine
  private let filters: PackedFilters
  private let weights: Tensor
  private let input, output, inputGradient, outputGradient, gradient, scratch: Tensor
  private var samples: [Pass: Samples] = [:]

  /// A layer with a random mask.
  ///
  /// - Parameter granularity: `line` keeps kernel rows at random; `sub-structured` keeps three
  ///   quarters of the shapes and as many lines as make up the density.
  public init(
    _ name: String, geometry: ConvolutionGeometry, batch: Int, density: Double,
    granularity: Granularity, engine: Engine
  ) {
    self.name = name
    self.batch = batch
    self.granularity = density < 1 ? granularity : .dense
    self.engine = engine
    var random = SeededRandom(seed: 1)
    let patterns = Self.patterns(geometry, density, granularity, &random)
    filters = PackedFilters(
      geometry: geometry, packing: Packing(for: geometry, scattered: false), patterns: patterns)
    self.density =
      Double(patterns.reduce(0) { $0 + $1.nonzeroBitCount }) / Double(geometry.weights)
    weights = Tensor(filters.pack((0..<geometry.weights).map { _ in random.normal() * 0.1 }))
    func tensor(_ map: MapShape) -> Tensor {
      let tensor = Tensor(count: engine.floats(map, images: batch))
      engine.blockImages(
        Tensor((0..<batch * map.count).map { _ in random.uniform() - 0.5 }), into: tensor,
        map: map, images: batch)
      return tensor
    }
    input = tensor(geometry.input)
    output = tensor(geometry.output)
    inputGradient = tensor(geometry.input)
    outputGradient = tensor(geometry.output)
    gradient = Tensor(count: filters.weightCount)
    scratch = Tensor(count: max(1, engine.weightGradientScratch(filters)))
  }

  private static func patterns(
    _ geometry: ConvolutionGeometry, _ density: Double, _ granularity: Granularity,
    _ random: inout SeededRandom
  ) -> [UInt16] {
    let all: UInt16 = (1 << geometry.columns) - 1
    let rows = geometry.channelsPerGroup * geometry.rows
    var patterns = [UInt16](repeating: all, count: geometry.filters * rows)
    if density >= 1 { return patterns }
    if geometry.rows == 1 {
      // The lines of a 1x1 layer are blocks of 4x4.
      let blocks = (geometry.channelsPerGroup + 3) / 4
      let kept = (0..<(geometry.filters + 3) / 4 * blocks).map { _ in
        Double(random.uniform()) < density
      }
      for filter in 0..<geometry.filters {
        for channel in 0..<rows where !kept[filter / 4 * blocks + channel / 4] {
          patterns[filter * rows + channel] = 0
        }
      }
      return patterns
    }
    let shapeDensity = granularity == .subStructured ? 0.75 : 1
    let shapes = (0..<rows).map { _ -> UInt16 in
      var pattern: UInt16 = 0
      for column in 0..<geometry.columns where Double(random.uniform()) < shapeDensity {
        pattern |= 1 << column
      }
      return pattern
    }
    for line in patterns.indices {
      let kept = Double(random.uniform()) < density / shapeDensity
      patterns[line] = kept ? shapes[line % rows] : 0
    }
    return patterns
  }

  /// Runs a pass.
  private func run(_ pass: Pass, images: Int, path: ConvolutionPath = .kernels) {
    switch pass {
    case .forward:
      engine.forward(
        filters, weights, bias: nil, input: input, output: output, images: images, path: path)
    case .inputGradient:
      engine.inputGradient(
        filters, weights, outputGradient: outputGradient, inputGradient: inputGradient,
        accumulate: false, images: images, path: path)
    case .weightGradient:
      engine.weightGradient(
        filters, input: input, outputGradient: outputGradient, gradient: gradient,
        scratch: scratch, images: images, path: path)
    }
  }

  /// Runs every pass once more.
  ///
  /// - Parameter counts: whether the times count; the first ones fill the caches.
  public mutating func measure(counts: Bool) {
    for pass in Pass.allCases {
      let milliseconds = measureMilliseconds { run(pass, images: batch) }
      if counts { samples[pass, default: Samples()].add(milliseconds) }
    }
  }

  /// The largest difference between the kernels and plain loops over all passes, relative to the
  /// largest value, on one block of images.
  public func largestError() -> Double {
    let images = min(batch, engine.kernels.lanes)
    var largest = 0.0
    for pass in Pass.allCases {
      let result: Tensor =
        switch pass {
        case .forward: output
        case .inputGradient: inputGradient
        case .weightGradient: gradient
        }
      let map = pass == .forward ? filters.geometry.output : filters.geometry.input
      let count =
        pass == .weightGradient ? filters.weightCount : engine.floats(map, images: images)
      run(pass, images: images)
      let found = result.prefix(count).array()
      run(pass, images: images, path: .reference)
      let expected = result.prefix(count).array()
      let scale = expected.reduce(Float.leastNormalMagnitude) { max($0, abs($1)) }
      for (value, right) in zip(found, expected) {
        let error = Double(abs(value - right) / scale)
        // `max` would lose a NaN.
        if !(error <= largest) { largest = error.isFinite ? error : .infinity }
      }
    }
    return largest
  }

  /// What has been measured so far.
  ///
  /// - Parameter peak: billions of operations per second that all threads reach.
  public func rows(peak: Double) -> [Row] {
    let operations = 2 * Double(filters.insideMACs) * Double(batch)
    return Pass.allCases.map { pass in
      let found = samples[pass] ?? Samples()
      let gflops = found.median > 0 ? operations / found.median * 1e-6 : 0
      return Row(
        layer: name, pass: pass.rawValue, batch: batch, threads: engine.pool.threads,
        density: density, granularity: granularity.rawValue, kernels: engine.kernels.name,
        medianMilliseconds: found.median, samples: found.milliseconds, gflopsOnNonZeros: gflops,
        percentOfPeak: peak > 0 ? 100 * gflops / peak : 0)
    }
  }
}
