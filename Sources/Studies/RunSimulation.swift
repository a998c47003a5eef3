// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor

/// A whole training run with its masks: each of its snapshots simulated, and counted for the
/// steps until the next one.
public struct RunSimulation: Codable, Sendable {
  /// One snapshot.
  public struct Moment: Codable, Sendable {
    /// Steps done when the masks were taken.
    public var step: Int
    /// Steps that ran with them.
    public var steps: Int
    /// Density: the fraction of the weights of all layers that is kept.
    public var density: Double
    /// A training step with these masks.
    public var totals: Totals
  }

  /// The snapshots, oldest first.
  public var moments: [Moment] = []
  /// All steps of the training.
  public var totals = Totals()

  /// An epoch with the last masks; nil while its length is not known.
  public private(set) var epoch: Totals?

  /// An empty training.
  public init() {}

  /// Counts an epoch of so many steps with the last masks.
  public mutating func countEpoch(of steps: Int) {
    guard let last = moments.last?.totals else { return }
    var totals = Totals()
    totals.add(last, times: steps)
    totals.utilization = last.utilization
    epoch = totals
  }

  /// Adds a snapshot that was in force for `steps` steps.
  public mutating func add(
    _ result: StepResult, _ workload: Workload, step: Int, steps: Int,
    hardware: HardwareDescription
  ) {
    let weights = workload.layers.reduce(0) { $0 + $1.mask.shape.count }
    let kept = workload.layers.reduce(0) { $0 + $1.mask.keptElements }
    moments.append(
      Moment(
        step: step, steps: steps, density: Double(kept) / Double(max(1, weights)),
        totals: result.totals))
    totals.add(result.totals, times: steps)
    totals.utilization = hardware.utilization(totals.effectualMACs, cycles: totals.cycles)
  }
}
