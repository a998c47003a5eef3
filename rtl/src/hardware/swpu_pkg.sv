// SPDX-License-Identifier: Apache-2.0
// Sizes of the machine, under the names of the hardware description; the values are those of the
// preset `swpu`. `swpu rtl generate` writes this file for other machines.
package swpu_pkg;

  // Cores, each an array of its own.
  parameter int unsigned Cores = 8;
  // Rows G of a core: output planes worked on together.
  parameter int unsigned Rows = 8;
  // Lanes T of a row: neighbouring outputs of a plane.
  parameter int unsigned Lanes = 16;
  // Slots L of a row: entries that it takes in a cycle.
  parameter int unsigned Slots = 1;
  // Entries E of a window.
  parameter int unsigned Window = 16;
  // Windows D in flight: how far the fastest row may run ahead of the slowest.
  parameter int unsigned WindowsInFlight = 4;
  // Cycles A of the floating-point adder; as many interleaved partial sums a lane.
  parameter int unsigned AdderStages = 2;
  // Banks of partial sums of a row, 1 or 2. With 2, a row adds up those of a tile, or of a window of the
  // weight gradient, while it takes the next.
  parameter int unsigned SumBanks = 2;
  // Whether outputs and input gradients leave a row as BF16, in the upper half of a word.
  parameter bit RoundResults = 1'b1;
  // Whether the controller walks a list of the lines that a group needs; else it scans masks.
  parameter bit ListLines = 1'b1;
  // Runs of neighbouring elements that a core reads in a cycle, of operand vectors and as many of
  // output gradients.
  parameter int unsigned PortsPerCore = 4;
  // Elements of such a run, a power of two.
  parameter int unsigned PortElements = 16;
  // Kibibytes of the memories: activations (output gradients in the input-gradient pass), kept
  // weights, outputs (in the weight-gradient pass output gradients and weight gradients), masks.
  parameter int unsigned ActivationKibibytes = 256;
  parameter int unsigned WeightKibibytes = 128;
  parameter int unsigned OutputKibibytes = 256;
  parameter int unsigned MaskKibibytes = 32;
  // Whether a multiplier whose operand is zero is clock-gated.
  parameter bit GateZeroOperands = 1'b1;
  // Whether a lane whose operand is zero holds: nothing of it moves but its valid bit.
  parameter bit HoldZeroLanes = 1'b1;
  // Values that a stream unit takes in a cycle.
  parameter int unsigned StreamElements = 32;

  // Mask bits that a memory gives in a cycle.
  parameter int unsigned MaskWord = 64;

endpackage
