// SPDX-License-Identifier: Apache-2.0
import Processor

extension HardwareDescription {
  /// The SystemVerilog package `swpu_pkg` with the sizes of the machine.
  ///
  /// The RTL has both detection and compression always on, and multiplies BF16; lanes, windows and
  /// elements of a port are powers of two.
  public func rtlPackage() throws(RTLError) -> String {
    func check(_ holds: Bool, _ key: String, _ value: some Any, _ allowed: String) throws(RTLError)
    {
      if !holds { throw RTLError("\(key) is \(value); the RTL takes \(allowed)") }
    }
    func isPowerOfTwo(_ number: Int) -> Bool { number > 0 && number.nonzeroBitCount == 1 }
    try check(machine == .swpu, "machine", machine.rawValue, "swpu")
    try check(techniques.detectBeforeLoad, "detect-before-load", false, "true")
    try check(techniques.compress, "compress", false, "true")
    try check(array.operands == .bf16, "operands", array.operands.rawValue, "bf16")
    try check(isPowerOfTwo(array.lanes), "lanes", array.lanes, "powers of two")
    try check(
      isPowerOfTwo(array.window) && array.window >= 2, "window", array.window,
      "powers of two from 2 on")
    try check(
      isPowerOfTwo(memory.portElements), "port-elements", memory.portElements, "powers of two")
    try check(
      (1...3).contains(array.adderStages), "adder-stages", array.adderStages, "1, 2 or 3")
    return """
      // SPDX-License-Identifier: Apache-2.0
      // Sizes of the machine, under the names of the hardware description; the values are those of the
      // preset `\(name)`. `swpu rtl generate` writes this file for other machines.
      package swpu_pkg;

        // Cores, each an array of its own.
        parameter int unsigned Cores = \(array.cores);
        // Rows G of a core: output planes worked on together.
        parameter int unsigned Rows = \(array.rows);
        // Lanes T of a row: neighbouring outputs of a plane.
        parameter int unsigned Lanes = \(array.lanes);
        // Slots L of a row: entries that it takes in a cycle.
        parameter int unsigned Slots = \(array.slots);
        // Entries E of a window.
        parameter int unsigned Window = \(array.window);
        // Windows D in flight: how far the fastest row may run ahead of the slowest.
        parameter int unsigned WindowsInFlight = \(array.windowsInFlight);
        // Cycles A of the floating-point adder; as many interleaved partial sums a lane.
        parameter int unsigned AdderStages = \(array.adderStages);
        // Banks of partial sums of a row, 1 or 2. With 2, a row adds up those of a tile, or of a window of the
        // weight gradient, while it takes the next.
        parameter int unsigned SumBanks = \(array.sumBanks);
        // Whether outputs and input gradients leave a row as BF16, in the upper half of a word.
        parameter bit RoundResults = 1'b\(array.results == .bf16 ? 1 : 0);
        // Whether the controller walks a list of the lines that a group needs; else it scans masks.
        parameter bit ListLines = 1'b\(techniques.reorderLines == .balanced ? 1 : 0);
        // Runs of neighbouring elements that a core reads in a cycle, of operand vectors and as many of
        // output gradients.
        parameter int unsigned PortsPerCore = \(memory.portsPerCore);
        // Elements of such a run, a power of two.
        parameter int unsigned PortElements = \(memory.portElements);
        // Kibibytes of the memories: activations (output gradients in the input-gradient pass), kept
        // weights, outputs (in the weight-gradient pass output gradients and weight gradients), masks.
        parameter int unsigned ActivationKibibytes = \(memory.activationKibibytes);
        parameter int unsigned WeightKibibytes = \(memory.weightKibibytes);
        parameter int unsigned OutputKibibytes = \(memory.outputKibibytes);
        parameter int unsigned MaskKibibytes = \(memory.maskKibibytes);
        // Whether a multiplier whose operand is zero is clock-gated.
        parameter bit GateZeroOperands = 1'b\(techniques.gateZeroOperands ? 1 : 0);
        // Whether a lane whose operand is zero holds: nothing of it moves but its valid bit.
        parameter bit HoldZeroLanes = 1'b\(techniques.holdZeroLanes ? 1 : 0);
        // Values that a stream unit takes in a cycle.
        parameter int unsigned StreamElements = \(stream.elementsPerCycle);

        // Mask bits that a memory gives in a cycle.
        parameter int unsigned MaskWord = \(CorePipeline.maskWord);

      endpackage

      """
  }
}
