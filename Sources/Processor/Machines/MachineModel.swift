// SPDX-License-Identifier: Apache-2.0
import Masks

/// Runs a pass of a layer on any machine, at the fast level.
public enum MachineModel {
  /// A pass of a layer, for `images` images, on the machine that the hardware description names.
  ///
  /// All machines have the same multipliers, memories and supply where their descriptions have; they
  /// differ in what they skip and how they share the work.
  public static func run(
    layer: Workload.Layer, pass: Pass, images: Int, hardware: HardwareDescription
  ) -> PassRun {
    LayerPass(layer: layer, pass: pass, images: images, hardware: hardware).run()
  }
}

extension LayerPass {
  /// The pass on the machine that the hardware description names.
  func run() -> PassRun {
    var run = onMachine()
    run.activity.sourceZeroShare =
      pass == .inputGradient ? layer.gradientSparsity : layer.inputSparsity
    if pass == .inputGradient, hardware.techniques.maskOutputs {
      // The gradient of what an activation set to zero is zero.
      run.activity.maskedShare = layer.inputSparsity
    }
    return run
  }

  private func onMachine() -> PassRun {
    switch hardware.machine {
    case .swpu: onSWPU()
    case .ideal: onIdealMachine()
    case .dense: onDenseMachine()
    case .structured: onStructuredMachine()
    case .activationOnly: onActivationOnlyMachine()
    case .unstructured: onUnstructuredMachine()
    case .twoSided: onTwoSidedMachine()
    case .lookahead: onLookaheadMachine()
    }
  }
}
