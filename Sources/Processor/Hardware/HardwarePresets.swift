// SPDX-License-Identifier: Apache-2.0
extension HardwareDescription {
  /// The default: 1,024 multipliers in 8 cores. A sweep over masks of a ResNet-18 training chose the
  /// array (docs/results/processor): few rows share a window, so rows seldom stall on the slowest,
  /// and many lanes share a row's network and weights.
  public static let swpu = HardwareDescription(
    name: "swpu",
    machine: .swpu,
    array: Array(
      cores: 8, rows: 8, lanes: 16, slots: 1, window: 16, windowsInFlight: 4, adderStages: 2,
      sumBanks: 2, operands: .bf16, results: .bf16),
    techniques: Techniques(
      reorder: .hamming, reorderLines: .balanced, detectBeforeLoad: true, compress: true,
      gateZeroOperands: true, holdZeroLanes: true, maskOutputs: true),
    memory: Memory(
      activationKibibytes: 256, weightKibibytes: 128, outputKibibytes: 256, maskKibibytes: 32,
      portsPerCore: 4, portElements: 16, dramGigabytesPerSecond: 12.8, dram: .lpddr4,
      stashFormat: .bf16, gradientFormat: .bf16, compressZeros: true, poolKibibytes: 1024),
    schedule: Schedule(fuseNormalisation: true, fuseBackward: true, fuseUpdate: true),
    stream: Stream(elementsPerCycle: 32),
    vectorUnit: VectorUnit(lanes: 32),
    supply: Supply(
      volts: 1.0, memoryMinimumVolts: 0.7, nominalMegahertz: 675, nominalVolts: 1.0,
      thresholdVolts: 0.43, alpha: 1.45))

  /// A machine small enough to step through manually and in RTL simulation, without stream units and
  /// with one bank of sums.
  public static let small: HardwareDescription = {
    var small = swpu
    small.name = "swpu-small"
    small.array = Array(
      cores: 1, rows: 4, lanes: 4, slots: 1, window: 8, windowsInFlight: 2, adderStages: 2,
      sumBanks: 1, operands: .bf16, results: .fp32)
    small.memory = Memory(
      activationKibibytes: 16, weightKibibytes: 8, outputKibibytes: 16, maskKibibytes: 2,
      portsPerCore: 2, portElements: 8, dramGigabytesPerSecond: 1.6, dram: .lpddr4,
      stashFormat: .bf16, gradientFormat: .bf16, compressZeros: false, poolKibibytes: 0)
    small.techniques.reorderLines = .none
    small.techniques.holdZeroLanes = false
    small.techniques.maskOutputs = false
    small.schedule = Schedule(fuseNormalisation: false, fuseBackward: false, fuseUpdate: false)
    small.stream = Stream(elementsPerCycle: 4)
    small.vectorUnit = VectorUnit(lanes: 4)
    return small
  }()

  /// A baseline with the multipliers, memories, streams and supply of another machine: with all but its
  /// three techniques.
  public static func baseline(
    _ machine: Machine, like hardware: HardwareDescription = .swpu
  ) -> HardwareDescription {
    var baseline = hardware
    baseline.name = machine.rawValue
    baseline.machine = machine
    baseline.techniques.reorder = .natural
    baseline.techniques.reorderLines = .none
    baseline.techniques.detectBeforeLoad = false
    baseline.techniques.compress = false
    if machine == .unstructured || machine == .twoSided {
      // Their publications leave out what no row needs; without detection a network of masks would
      // be compared with a machine that nobody built. And a window of 1x1 kernels has as many lines as
      // entries, all of which they have to read in the time of the few that a row keeps.
      baseline.techniques.detectBeforeLoad = true
      baseline.memory.portsPerCore = max(hardware.memory.portsPerCore, hardware.array.window)
    }
    return baseline
  }

  /// The baseline of single weights without detection and with the ports of another machine: what
  /// compression alone is worth.
  public static func unstructuredWithoutDetection(
    like hardware: HardwareDescription = .swpu
  ) -> HardwareDescription {
    var baseline = baseline(.unstructured, like: hardware)
    baseline.name = "unstructured-without-detection"
    baseline.techniques.detectBeforeLoad = false
    baseline.memory.portsPerCore = hardware.memory.portsPerCore
    return baseline
  }

  /// All that come with the model: `swpu`, `swpu-small`, and one for each baseline.
  public static let presets: [HardwareDescription] =
    [swpu, small] + Machine.baselines.map { baseline($0) }

  /// The ablation: a machine without each of the three techniques, one at a time.
  public static func ablations(of hardware: HardwareDescription) -> [HardwareDescription] {
    func variant(_ suffix: String, _ change: (inout Techniques) -> Void) -> HardwareDescription {
      var variant = hardware
      variant.name += "-" + suffix
      change(&variant.techniques)
      return variant
    }
    return [
      variant("without-reorder") {
        $0.reorder = .natural
        $0.reorderLines = .none
      },
      variant("without-detection") { $0.detectBeforeLoad = false },
      variant("without-compression") { $0.compress = false },
    ]
  }
}
