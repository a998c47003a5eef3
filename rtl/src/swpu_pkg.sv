// Sizes of the machine, under the names of the hardware description; the values are those of the
// preset `swpu`. Modules take them as parameters, so that other machines can be built.
package swpu_pkg;

  // Rows G of a core: output planes worked on together.
  parameter int unsigned Rows = 8;
  // Lanes T of a row: neighbouring outputs of a plane.
  parameter int unsigned Lanes = 16;
  // Slots L of a row: entries that it takes in a cycle.
  parameter int unsigned Slots = 1;
  // Entries E of a window.
  parameter int unsigned Window = 16;
  // Windows D in flight: how far the fastest row may run ahead of the slowest.
  parameter int unsigned WindowsInFlight = 8;
  // Cycles A of the floating-point adder; as many interleaved partial sums a lane.
  parameter int unsigned AdderStages = 2;

  // Mask bits that a memory gives in a cycle.
  parameter int unsigned MaskWord = 64;

endpackage
