// SPDX-License-Identifier: Apache-2.0
import Exchange
import Foundation
import Processor

/// The claims of the SWPU paper's abstract, next to the results of this model. Nothing is fitted to a
/// claim but the clock at 1.0 V, which is the paper's own.
public struct PaperClaims: Codable, Sendable {
  /// One claim.
  public struct Claim: Codable, Sendable {
    /// The claim.
    public var claim: String
    /// The paper's figure.
    public var paper: String
    /// The figure here.
    public var ours: String
    /// The definition of the figure, and its workload.
    public var definition: String
    /// Why it differs.
    public var reading: String
  }

  /// The claims, in the order of the abstract.
  public var claims: [Claim]

  /// The claims on a comparison whose machines ran the same masks, a surface of efficiency at the
  /// lowest voltage, and what trainings came to, if there are data.
  public init(
    hardware: HardwareDescription, comparison: Comparison, surface: EfficiencySurface,
    workload: String, study: RatioStudy? = nil
  ) {
    func scopes(_ name: String, _ masks: String = "same") -> Comparison.Scopes {
      guard
        let machine = comparison.machines.first(where: { $0.name == name && $0.masks == masks })
      else { preconditionFailure("a comparison without \(name), masks \(masks)") }
      return machine.scopes
    }
    let ours = scopes(hardware.name)
    func times(_ values: [Double]) -> String {
      values.map { String(format: "%.2fx", $0) }.joined(separator: " / ")
    }
    /// Times in the three scopes.
    func speed(_ other: Comparison.Scopes) -> String {
      times([
        Double(other.arrayCycles) / Double(max(1, ours.arrayCycles)),
        Double(other.coreCycles) / Double(max(1, ours.coreCycles)),
        Double(other.cycles) / Double(max(1, ours.cycles)),
      ])
    }
    func energy(_ other: Comparison.Scopes) -> String {
      times([
        other.arrayPicojoules / ours.arrayPicojoules, other.corePicojoules / ours.corePicojoules,
        other.picojoules / ours.picojoules,
      ])
    }
    let (dense, activationOnly, unstructured) = (
      scopes("dense", Comparison.unpruned), scopes("activation-only", Comparison.unpruned),
      scopes("unstructured")
    )
    let conditions = String(
      format: "%@; DRAM %@ of %.1f GB/s; outputs in %d and gradients in %d bits", workload,
      hardware.memory.dram.rawValue, hardware.memory.dramGigabytesPerSecond,
      hardware.memory.stashFormat.bits, hardware.memory.gradientFormat.bits)
    let inScopes = "in three scopes: array / step without stalls on the DRAM / step with them"
    var slow = hardware.supply
    slow.volts = surface.volts
    let peak = surface[0.9, 0.9] ?? 0
    let weightsOnly = surface[0, 0.9] ?? 0
    let densePeak = surface[0, 0] ?? 0

    claims = [
      Self.ratio(study),
      Claim(
        claim: "energy efficiency against unstructured pruning", paper: "1.53x",
        ours: energy(unstructured),
        definition:
          "energy of 'unstructured' / SWPU, same masks, \(inScopes); \(conditions)",
        reading:
          "the baseline detects what no row needs and has a Benes network; without detection "
          + "\(energy(scopes("unstructured-without-detection"))). With masks of unstructured pruning "
          + "at equal accuracy: swpu compare --own unstructured=RUN"),
      Claim(
        claim: "peak energy efficiency", paper: "126.04 TFLOPS/W",
        ours: String(format: "%.1f TFLOPS/W", peak),
        definition: String(
          format: "dense-equivalent, core only, %.2f V, 90 %% of activations and of weights zero",
          surface.volts),
        reading: String(
          format: "with weights alone at 90 %% it is %.1f, dense %.2f. 126 asks for both "
            + "operands' zeros to cost almost nothing (1.59 pJ for each effectual MAC, "
            + "everything included); in BF16 the bound is 65 to 80 once clock, leakage and memories "
            + "scale with what is multiplied. 126 takes 8-bit operands, skipping of both operands' "
            + "zeros, a third of the leakage, and memories at the logic's voltage, all together",
          weightsOnly, densePeak)),
      Claim(
        claim: "against the best training processor", paper: "1.67x",
        ours: times([peak / 75.68]),
        definition: "that peak / 75.68 TFLOPS/W, GANPU's at FP16 (65 nm, published)",
        reading: "126.04 / 75.68 is 1.67; GANPU's figure is quoted, not modelled"),
      Claim(
        claim: "energy of ResNet-18 training", paper: "3.72x less",
        ours: "\(energy(activationOnly)); dense \(energy(dense))",
        definition:
          "energy of 'activation-only', and of 'dense', that train the unpruned network / SWPU, "
          + "\(inScopes); \(conditions)",
        reading:
          "the paper does not name its peers; these are ours, on the same multipliers, streams "
          + "and DRAM"),
      Claim(
        claim: "speed of ResNet-18 training", paper: "4.69x",
        ours: "\(speed(activationOnly)); dense \(speed(dense))",
        definition:
          "time of 'activation-only', and of 'dense', that train the unpruned network / SWPU, "
          + "\(inScopes); \(conditions)",
        reading:
          "against 'unstructured' on the same masks \(speed(unstructured)). What moves to and "
          + "from the DRAM gains nothing from pruned weights"),
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
  private static func ratio(_ study: RatioStudy?) -> Claim {
    let missing =
      study.map { "not known: \($0.origin) lacks trainings" } ?? "not known without --study"
    let further =
      study.map { study in
        "within a point: \(study.reading(within: 0.01) ?? "not known"); fewer weights left at equal accuracy: "
          + "\(study.equalAccuracy ?? "not known"); \(study.origin)"
      }
      ?? "--study takes the data of trainings with --granularity sub-structured and channel or filter "
      + "at several --sparsity, as Benchmarks/study writes them"
    return Claim(
      claim: "pruning ratio against structured pruning", paper: "+50.1 %",
      ours: study?.reading(within: 0.005) ?? missing,
      definition: "highest sparsity within half a point of dense accuracy; three readings of the "
        + "claim: 2x fewer weights left, 1.501x the sparsity, +50.1 points",
      reading: further)
  }
}
