// SPDX-License-Identifier: Apache-2.0
import Foundation

/// One processor: every size, technique and supply that the model knows. A YAML file holds one; the
/// keys are the names below in kebab case.
///
/// ```swift
/// var hardware = try HardwareDescription.swpu.setting("array.rows", to: "32")
/// hardware.supply.volts = 0.6
/// try hardware.validate(file: "mine")
/// print(hardware.array.multipliers, hardware.yaml)
/// ```
public struct HardwareDescription: Codable, Hashable, Sendable {
  /// Name of the machine, for reports.
  public var name: String
  /// Which machine: ours, or a baseline that abstracts a published one.
  public var machine: Machine
  /// The multipliers and how they are fed.
  public var array: Array
  /// The three techniques, each of which can be switched off, and an option.
  public var techniques: Techniques
  /// Memories on and off the chip.
  public var memory: Memory
  /// What is processed together, rather than layer by layer through the DRAM.
  public var schedule: Schedule
  /// The units that process values while they move between DRAM and memories.
  public var stream: Stream
  /// The unit for everything but multiplication by weights.
  public var vectorUnit: VectorUnit
  /// Clock and voltage.
  public var supply: Supply

  /// The machines.
  public enum Machine: String, Codable, Sendable, CaseIterable {
    /// The SWPU.
    case swpu
    /// Makes one effectual MAC per multiplier and cycle: a bound, not a machine.
    case ideal
    /// Skips nothing.
    case dense
    /// Skips what is pruned in whole shapes, channels and filters.
    case structured
    /// Skips zero activations (the idea of GANPU and LNPU).
    case activationOnly = "activation-only"
    /// Skips single weights, with a Benes network and halves of filters paired for balance (the idea
    /// of PNPU and Procrustes).
    case unstructured
    /// Skips pruned weights and zero activations at once (the idea of PNPU and Trainer).
    case twoSided = "two-sided"
    /// Skips zeros of one operand within a short reach (the idea of TensorDash).
    case lookahead

    /// All but the SWPU: what it is compared with.
    public static let baselines = allCases.filter { $0 != .swpu }
  }

  /// The array of a core, times the cores.
  public struct Array: Codable, Hashable, Sendable {
    /// Cores, each an array of its own.
    public var cores: Int
    /// Rows G of a core: output channels processed together.
    public var rows: Int
    /// Lanes T of a row: neighbouring outputs of a channel.
    public var lanes: Int
    /// Slots L of a row: entries that it takes in a cycle.
    public var slots: Int
    /// Entries E of a window.
    public var window: Int
    /// Windows D in flight: how far the fastest row may run ahead of the slowest.
    public var windowsInFlight: Int
    /// Cycles A of the floating-point adder; as many interleaved partial sums a lane.
    public var adderStages: Int
    /// Banks of partial sums of a row, 1 or 2. With 2, a row adds up those of a tile, or of a window of
    /// the weight-gradient pass, while it takes the next.
    public var sumBanks: Int
    /// Format of what is multiplied. Sums are FP32.
    public var operands: OperandFormat
    /// Format in which outputs and input gradients leave a row. Weight gradients are FP32.
    public var results: ResultFormat

    enum CodingKeys: String, CodingKey, CaseIterable {
      case cores, rows, lanes, slots, window
      case windowsInFlight = "windows-in-flight"
      case adderStages = "adder-stages"
      case sumBanks = "sum-banks"
      case operands, results
    }
  }

  /// Formats of outputs and input gradients on the chip.
  public enum ResultFormat: String, Codable, Sendable, CaseIterable {
    /// As they were summed.
    case fp32
    /// Rounded to nearest even.
    case bf16

    /// Bits of a result.
    public var bits: Int { self == .fp32 ? 32 : 16 }

    /// A sum as it is written.
    func rounded(_ sum: Float) -> Float {
      self == .fp32 ? sum : OperandFormat.bf16.rounded(sum)
    }
  }

  /// Formats of the operands.
  public enum OperandFormat: String, Codable, Sendable, CaseIterable {
    /// 8 exponent bits, 7 fraction bits.
    case bf16
    /// 5 exponent bits, 10 fraction bits.
    case fp16
    /// 4 exponent bits, 3 fraction bits, no infinities.
    case fp8e4m3 = "fp8-e4m3"
    /// 5 exponent bits, 2 fraction bits.
    case fp8e5m2 = "fp8-e5m2"

    /// Bits of an operand.
    public var bits: Int {
      switch self {
      case .bf16, .fp16: 16
      case .fp8e4m3, .fp8e5m2: 8
      }
    }
  }

  /// How the machine treats pruned weights and zeros.
  public struct Techniques: Codable, Hashable, Sendable {
    /// T1: how the reorder unit groups the rows of a layer.
    public var reorder: Reorder
    /// T1: in which order the controller goes through the lines of a group.
    public var reorderLines: LineReorder
    /// T2: whether entries that no row of a group needs are found before they are loaded.
    public var detectBeforeLoad: Bool
    /// T3: whether each row packs the entries that it needs; otherwise all rows step through every
    /// entry of a window.
    public var compress: Bool
    /// Whether a multiplier whose operand is zero is clock-gated.
    public var gateZeroOperands: Bool
    /// Whether a lane whose operand is zero is operand-isolated all along its path (memory outputs,
    /// wires, window buffer, network) and its multiplier clock-gated.
    public var holdZeroLanes: Bool
    /// Whether input gradients that the activation's mask sets to zero are not multiplied or written.
    public var maskOutputs: Bool

    enum CodingKeys: String, CodingKey, CaseIterable {
      case reorder
      case reorderLines = "reorder-lines"
      case detectBeforeLoad = "detect-before-load"
      case compress
      case gateZeroOperands = "gate-zero-operands"
      case holdZeroLanes = "hold-zero-lanes"
      case maskOutputs = "mask-outputs"
    }
  }

  /// Orders in which rows are grouped.
  public enum Reorder: String, Codable, Sendable, CaseIterable {
    /// As they come.
    case natural
    /// By the number of entries that they need.
    case popcount
    /// Greedy: start from the sparsest remaining row, repeatedly add the row at the least summed Hamming
    /// distance.
    case hamming
    /// Hamming or popcount, then exchanges while an estimate of the cycles falls: an offline order to
    /// compare with, a local optimum, not a unit to build.
    case swapRefined = "swap-refined"
  }

  /// Orders of the lines of a group.
  public enum LineReorder: String, Codable, Sendable, CaseIterable {
    /// As they come; the controller scans the masks.
    case none
    /// Balanced, so that each row needs about equally many entries of every window; the controller
    /// walks a list.
    case balanced
  }

  /// The memories.
  public struct Memory: Codable, Hashable, Sendable {
    /// Activations (output gradients in the input-gradient pass), all cores together.
    public var activationKibibytes: Int
    /// Kept weights, packed.
    public var weightKibibytes: Int
    /// Outputs; in the weight-gradient pass output gradients and weight gradients.
    public var outputKibibytes: Int
    /// Masks.
    public var maskKibibytes: Int
    /// Runs of neighbouring elements that a core reads in a cycle, of operand vectors and, in the
    /// weight-gradient pass, as many of output gradients.
    public var portsPerCore: Int
    /// Elements of such a run at most.
    public var portElements: Int
    /// Bandwidth of the DRAM in 10^9 bytes per second.
    public var dramGigabytesPerSecond: Double
    /// Kind of the DRAM, which decides the energy of a bit.
    public var dram: DRAM
    /// Format of outputs and activations in the DRAM; with 8 bits each channel has a scale.
    public var stashFormat: OperandFormat
    /// Format of gradients of activations in the DRAM; with 8 bits each tensor has a scale.
    public var gradientFormat: OperandFormat
    /// Whether zeros of activations and gradients are packed in the DRAM, by a bitmap.
    public var compressZeros: Bool
    /// Memory in which parts of tensors stay from one use to the next.
    public var poolKibibytes: Int

    /// Devices of 32 pins that the DRAM's bandwidth takes.
    public var dramDevices: Int {
      Int((dramGigabytesPerSecond / dram.gigabytesPerSecond).rounded(.up))
    }

    enum CodingKeys: String, CodingKey, CaseIterable {
      case activationKibibytes = "activation-kibibytes"
      case weightKibibytes = "weight-kibibytes"
      case outputKibibytes = "output-kibibytes"
      case maskKibibytes = "mask-kibibytes"
      case portsPerCore = "ports-per-core"
      case portElements = "port-elements"
      case dramGigabytesPerSecond = "dram-gigabytes-per-second"
      case dram
      case stashFormat = "stash-format"
      case gradientFormat = "gradient-format"
      case compressZeros = "compress-zeros"
      case poolKibibytes = "pool-kibibytes"
    }
  }

  /// Kinds of DRAM.
  public enum DRAM: String, Codable, Sendable, CaseIterable {
    /// LPDDR4; 12.8 GB/s over 32 pins.
    case lpddr4
    /// LPDDR4X; 17 GB/s over 32 pins.
    case lpddr4x
    /// LPDDR5; 25.6 GB/s over 32 pins.
    case lpddr5

    /// Bandwidth of a device of 32 pins in 10^9 bytes per second.
    public var gigabytesPerSecond: Double {
      switch self {
      case .lpddr4: 12.8
      case .lpddr4x: 17
      case .lpddr5: 25.6
      }
    }
  }

  /// What is processed together.
  public struct Schedule: Codable, Hashable, Sendable {
    /// Whether normalisation, residual and activation are applied, and the sums of statistics made,
    /// while values move; otherwise they are passes of their own over the DRAM.
    public var fuseNormalisation: Bool
    /// Whether input and weight gradient of a block share one read of the gradient.
    public var fuseBackward: Bool
    /// Whether weights are updated while their gradient is on the chip.
    public var fuseUpdate: Bool

    enum CodingKeys: String, CodingKey, CaseIterable {
      case fuseNormalisation = "fuse-normalisation"
      case fuseBackward = "fuse-backward"
      case fuseUpdate = "fuse-update"
    }
  }

  /// The stream units.
  public struct Stream: Codable, Hashable, Sendable {
    /// Values that each of them takes in a cycle.
    public var elementsPerCycle: Int

    enum CodingKeys: String, CodingKey, CaseIterable {
      case elementsPerCycle = "elements-per-cycle"
    }
  }

  /// The vector unit.
  public struct VectorUnit: Codable, Hashable, Sendable {
    /// FP32 operations a cycle.
    public var lanes: Int

    enum CodingKeys: String, CodingKey, CaseIterable { case lanes }
  }

  /// Clock and voltage: the alpha-power law `f(V) ∝ (V - Vt)^α / V`, fitted at one point.
  public struct Supply: Codable, Hashable, Sendable {
    /// Volts of the logic.
    public var volts: Double
    /// Volts below which the memories do not go, on a rail of their own.
    public var memoryMinimumVolts: Double
    /// Clock at `nominalVolts`, in MHz.
    public var nominalMegahertz: Double
    /// Volts of the nominal clock.
    public var nominalVolts: Double
    /// Threshold Vt, in volts.
    public var thresholdVolts: Double
    /// Exponent α.
    public var alpha: Double

    enum CodingKeys: String, CodingKey, CaseIterable {
      case volts
      case memoryMinimumVolts = "memory-minimum-volts"
      case nominalMegahertz = "nominal-megahertz"
      case nominalVolts = "nominal-volts"
      case thresholdVolts = "threshold-volts"
      case alpha
    }
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case name, machine, array, techniques, memory, schedule, stream
    case vectorUnit = "vector-unit"
    case supply
  }
}

extension HardwareDescription.Array {
  /// Multipliers of all cores.
  public var multipliers: Int { cores * multipliersPerCore }
  /// Multipliers of one core: G·T·L.
  public var multipliersPerCore: Int { rows * lanes * slots }
}

extension HardwareDescription.Supply {
  /// The clock at `volts`, in Hz.
  public var hertz: Double {
    func speed(_ volts: Double) -> Double {
      pow(volts - thresholdVolts, alpha) / volts
    }
    return nominalMegahertz * 1e6 * speed(volts) / speed(nominalVolts)
  }
}

extension HardwareDescription {
  /// Peak throughput in operations per second: two for each multiplier and cycle.
  public var peakFlops: Double { 2 * Double(array.multipliers) * supply.hertz }
}

extension HardwareDescription.Memory {
  /// All memory on the chip.
  public var kibibytes: Int {
    activationKibibytes + weightKibibytes + outputKibibytes + maskKibibytes + poolKibibytes
  }
}
