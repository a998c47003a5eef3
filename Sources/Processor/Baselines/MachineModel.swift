import Sparsity

/// Runs a pass of a layer on any machine, at the fast level.
public enum MachineModel {
  /// A pass of a layer, for `images` images, on the machine that the hardware description names.
  ///
  /// All machines have the same multipliers, memories and supply where their descriptions have; they
  /// differ in what they skip and how they share the work.
  public static func run(
    layer: Workload.Layer, pass: Pass, images: Int, hardware: HardwareDescription
  ) -> PassRun {
    let work = LayerPass(layer: layer, pass: pass, images: images, hardware: hardware)
    return switch hardware.machine {
    case .swpu: swpu(work)
    case .ideal: work.onIdealMachine()
    case .dense: work.onDenseMachine()
    case .structured: work.onStructuredMachine()
    case .activationOnly: work.onActivationOnlyMachine()
    case .unstructured: work.onUnstructuredMachine()
    case .lookahead: work.onLookaheadMachine()
    }
  }

  private static func swpu(_ work: LayerPass) -> PassRun {
    let layer = work.layer
    let schedule = PassSchedule(
      layer.geometry, mask: layer.mask, pass: work.pass, images: work.images,
      hardware: work.hardware)
    return PassRun(
      timing: schedule.fastTiming(work.hardware),
      activity: schedule.activity(
        work.hardware, inputSparsity: layer.inputSparsity,
        gradientSparsity: layer.gradientSparsity),
      maskBits: layer.mask.elements?.count ?? layer.mask.lines.count + layer.mask.shapes.count,
      storedWeights: layer.mask.keptElements)
  }
}
