// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Processor

/// What the abstract of the SWPU paper says, beside what this model gives. Nothing is fitted to a
/// claim but the clock at 1.0 V, which is the paper's own.
public struct PaperClaims: Codable, Sendable {
  /// One claim.
  public struct Claim: Codable, Sendable {
    /// What is claimed.
    public var claim: String
    /// The paper's figure.
    public var paper: String
    /// The figure here.
    public var ours: String
    /// What was divided by what, on which workload.
    public var definition: String
    /// Why it differs.
    public var reading: String
  }

  /// The claims, in the order of the abstract.
  public var claims: [Claim]

  /// The claims on a comparison whose machines ran the same masks, and a surface of efficiency at the
  /// lowest voltage.
  public init(
    hardware: HardwareDescription, comparison: Comparison, surface: EfficiencySurface,
    workload: String
  ) {
    func totals(_ name: String) -> Totals {
      guard let machine = comparison.machines.first(where: { $0.name == name }) else {
        preconditionFailure("a comparison without \(name)")
      }
      return machine.totals
    }
    let ours = totals(hardware.name)
    func energyRatio(_ name: String) -> Double {
      totals(name).energyPicojoules.core / ours.energyPicojoules.core
    }
    func speedRatio(_ name: String) -> Double { totals(name).seconds / ours.seconds }
    func times(_ value: Double) -> String { String(format: "%.2fx", value) }
    var slow = hardware.supply
    slow.volts = surface.volts
    let peak = surface[0.9, 0.9] ?? 0
    let weightsOnly = surface[0, 0.9] ?? 0
    let dense = surface[0, 0] ?? 0

    claims = [
      Claim(
        claim: "pruning ratio against structured pruning", paper: "+50.1 %",
        ours: "a result of training",
        definition: "highest ratio within half a point of dense accuracy; three readings: ratio "
          + "x 1.501, half the weights that survive, +50.1 points",
        reading: "train with --granularity sub-structured and channel (or filter) at several "
          + "--sparsity; docs/results has what was measured"),
      Claim(
        claim: "energy efficiency against unstructured pruning", paper: "1.53x",
        ours: times(energyRatio("unstructured")),
        definition:
          "core energy of a step, \(workload): 'unstructured' baseline / SWPU, same masks",
        reading: "the baseline runs at the same density with an element mask and a Benes network; "
          + "the paper's peer may have been a published chip"),
      Claim(
        claim: "peak energy efficiency", paper: "126.04 TFLOPS/W",
        ours: String(format: "%.1f TFLOPS/W", peak),
        definition: String(
          format: "dense-equivalent, core only, %.2f V, 90 %% of activations and of weights zero",
          surface.volts),
        reading: String(
          format: "with weights alone at 90 %% it is %.1f, dense %.2f. 126 asks for both "
            + "operands' zeros to cost next to nothing (1.59 pJ for each product that is left)",
          weightsOnly, dense)),
      Claim(
        claim: "against the best training processor", paper: "1.67x",
        ours: times(peak / 75.68),
        definition: "that peak / 75.68 TFLOPS/W, GANPU's at FP16 (65 nm, published)",
        reading: "126.04 / 75.68 is 1.67; GANPU's figure is quoted, not modelled"),
      Claim(
        claim: "energy of ResNet-18 training", paper: "3.72x less",
        ours: "\(times(energyRatio("activation-only"))) / \(times(energyRatio("dense")))",
        definition:
          "core energy of a step, \(workload): 'activation-only' / SWPU, and 'dense' / SWPU",
        reading: "the paper does not name its peers; these are ours, on the same multipliers"),
      Claim(
        claim: "speed of ResNet-18 training", paper: "4.69x",
        ours: "\(times(speedRatio("activation-only"))) / \(times(speedRatio("dense")))",
        definition: "seconds of a step, \(workload), DRAM and vector unit included",
        reading: "what passes through the vector unit and the DRAM gains nothing from pruning"),
      Claim(
        claim: "supply and clock", paper: "0.56-1.0 V, 675 MHz at most",
        ours: String(
          format: "%.2f V: %.0f MHz; %.2f V: %.0f MHz", slow.volts, slow.hertz / 1e6,
          hardware.supply.nominalVolts, hardware.supply.nominalMegahertz),
        definition: "alpha-power law through the nominal point",
        reading: "the nominal point is the paper's; the law between is assumed. A synthesis with "
          + "open tools did not reach it (docs/processor/synthesis.md)"),
    ]
  }
}
