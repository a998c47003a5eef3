// SPDX-License-Identifier: Apache-2.0
import Masks
import Processor
import Pruning

/// Dense-equivalent efficiency over the sparsity of both operands: how a figure like "TFLOPS/W at 90 %
/// activation and 90 % weight sparsity" comes about, and what it becomes on a real layer.
public struct EfficiencySurface: Codable, Sendable {
  /// One corner of the surface.
  public struct Point: Codable, Sendable {
    /// Sparsity of activations and gradients.
    public var activationSparsity: Double
    /// Sparsity of the weights.
    public var weightSparsity: Double
    /// Dense-equivalent TFLOPS/W of the three passes, without the DRAM.
    public var teraflopsPerWatt: Double
  }

  /// The points, weight sparsity changing first.
  public var points: [Point]
  /// Volts of the logic.
  public var volts: Double

  /// The surface of a machine at a voltage, on the layers of a network with random masks. Zeros are
  /// spread evenly and independently; in the weight-gradient pass either operand may be zero.
  ///
  /// - Throws: `MemoryPlanError` when the memories are too small for a layer.
  public init(
    _ hardware: HardwareDescription, network: NetworkDescription, volts: Double,
    sparsities: [Double] = [0, 0.5, 0.8, 0.9], seed: UInt64 = 1, table: EnergyTable = .standard
  ) throws {
    var machine = hardware
    machine.supply.volts = volts
    let simulator = Simulator(machine, table: table)
    self.volts = volts
    points = []
    for activations in sparsities {
      for weights in sparsities {
        let workload = Workload(
          network, pruning: PruningConfiguration(granularity: .subStructured, sparsity: weights),
          seed: seed,
          assuming: Workload.AssumedZeros(activations: activations, gradients: activations))
        var totals = Totals()
        for layer in workload.layers where layer.convolution.prunable {
          for pass in Pass.allCases {
            totals.add(try simulator.pass(pass, of: layer, images: workload.batch))
          }
        }
        points.append(
          Point(
            activationSparsity: activations, weightSparsity: weights,
            teraflopsPerWatt: totals.teraflopsPerWatt.denseEquivalentCore))
      }
    }
  }

  /// The point at given sparsities.
  public subscript(activations: Double, weights: Double) -> Double? {
    points.first { $0.activationSparsity == activations && $0.weightSparsity == weights }?
      .teraflopsPerWatt
  }
}
