// SPDX-License-Identifier: Apache-2.0
/// Where the time of a training step goes, with the final masks and without pruning. Both networks
/// are measured interleaved, on the same batch.
public struct StepProfile: Codable, Sendable {
  /// What is computed.
  public enum Part: String, Codable, Sendable, CaseIterable {
    /// Images from planes to blocks.
    case staging
    /// Outputs of a layer.
    case forward
    /// Loss and its gradient.
    case loss
    /// Gradients of a convolution's weights.
    case weightGradient = "weight-gradient"
    /// Gradients of a convolution's input.
    case inputGradient = "input-gradient"
    /// All gradients of another layer.
    case backward
    /// The update of all weights.
    case optimiser
  }

  /// A part of a layer, or of the whole network.
  public struct Entry: Codable, Sendable {
    /// Name of the layer; nil for a part of the whole network.
    public var layer: String?
    /// What is computed.
    public var part: Part
    /// Median milliseconds with the final masks, and without pruning.
    public var milliseconds, denseMilliseconds: Double

    /// An entry.
    public init(layer: String?, part: Part, milliseconds: Double, denseMilliseconds: Double) {
      self.layer = layer
      self.part = part
      self.milliseconds = milliseconds
      self.denseMilliseconds = denseMilliseconds
    }
  }

  /// The parts in the order in which they are computed.
  public var entries: [Entry]
  /// Steps of each network that were measured.
  public var steps: Int

  /// A profile.
  public init(entries: [Entry], steps: Int) {
    self.entries = entries
    self.steps = steps
  }

  /// The profile of two networks of the same layers.
  init(_ sparse: StepClock, dense: StepClock) {
    precondition(
      sparse.laps.map(\.part) == dense.laps.map(\.part), "profiles of different networks")
    steps = sparse.laps.first?.samples.milliseconds.count ?? 0
    entries = zip(sparse.laps, dense.laps).map { sparse, dense in
      Entry(
        layer: sparse.layer, part: sparse.part, milliseconds: sparse.samples.median,
        denseMilliseconds: dense.samples.median)
    }
  }
}

/// Takes the times of the parts of steps, which must all have the same parts in the same order.
final class StepClock {
  /// A part and its times, one for each step.
  struct Lap {
    let layer: String?
    let part: StepProfile.Part
    var samples = Samples()
  }

  private(set) var laps: [Lap] = []
  private var next = 0
  private var last = ContinuousClock.now

  /// Starts a step.
  func start() {
    next = 0
    last = .now
  }

  /// Ends a part that began when the one before ended.
  func lap(_ part: StepProfile.Part, of layer: String? = nil) {
    let now = ContinuousClock.now
    if next == laps.count { laps.append(Lap(layer: layer, part: part)) }
    precondition(laps[next].layer == layer && laps[next].part == part, "steps of unequal parts")
    laps[next].samples.add((now - last) / .milliseconds(1))
    next += 1
    // What the clock itself takes belongs to no part.
    last = .now
  }
}
