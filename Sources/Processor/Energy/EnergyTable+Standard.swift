// SPDX-License-Identifier: Apache-2.0
extension EnergyTable {
  // The scaling that several sources below share: energies of 45 nm at 0.9 V (Horowitz, ISSCC 2014)
  // by the polynomial fits of Stillmaker and Baas (Integration, 2017), the 28 nm row interpolated
  // between those of 32 and 20 nm.
  private static let scaled45 =
    "x 0.668, the energy fit of Stillmaker and Baas 2017 from 45 nm 0.9 V to 28 nm 1.0 V "
    + "(interpolated between 32 and 20 nm)"
  private static let scaledArea =
    "x 0.377, the area scaling of Stillmaker and Baas 2017 from 45 to 28 nm (interpolated)"

  /// The constants that come with the model, 28 nm. Those quoted from memory are marked.
  public static let standard = EnergyTable(
    arithmetic.merging(storage) { a, _ in a }.merging(system) { a, _ in a }
      .merging(areas) { a, _ in a },
    sram: .standard)

  private static let arithmetic: [Name: Constant] = [
    .multiplyFP16: Constant(
      0.735, .picojoules, .published, volts: 1.0,
      "FP16 multiply 1.1 pJ (Horowitz ISSCC 2014, quoted from memory) \(scaled45)"),
    .multiplyBF16: Constant(
      0.456, .picojoules, .published, volts: 1.0,
      "0.62 of the FP16 product: 0.21 to 0.34 pJ at 7 nm (Jouppi et al., ISCA 2021, quoted from "
        + "memory). With add-fp32 1.06 pJ; a 28 nm BF16 unit at 1761 GFLOPS/W is 1.14 pJ"),
    .multiplyFP8E4M3: Constant(
      0.184, .picojoules, .assumed, volts: 1.0,
      "0.25 of the FP16 product, by mantissa area (4x4 against 11x11 bits, plus exponents)"),
    .multiplyFP8E5M2: Constant(
      0.147, .picojoules, .assumed, volts: 1.0,
      "0.20 of the FP16 product, by mantissa area (3x3 against 11x11 bits, plus exponents)"),
    .multiplyGated: Constant(
      0.03, .picojoules, .assumed, volts: 1.0,
      "3 % of a multiply-accumulate: enables and the broadcast weight still toggle"),
    .addFP32: Constant(
      0.601, .picojoules, .published, volts: 1.0,
      "FP32 add 0.9 pJ (Horowitz ISSCC 2014) \(scaled45)"),
    .vectorOperation: Constant(
      1.54, .picojoules, .published, volts: 1.0,
      "mean of an FP32 multiply and add, (3.7 + 0.9) / 2 pJ (Horowitz ISSCC 2014) \(scaled45)"),
    .routeBit: Constant(
      0.0017, .picojoules, .published, volts: 0.9,
      "a full adder: INT32 add 0.1 pJ / 32 (Horowitz ISSCC 2014) x 0.532, as the others at 0.9 V"),
    .maskScanBit: Constant(
      0.004, .picojoules, .assumed, volts: 0.9,
      "an OR and a stage of a priority encoder, and half a flip-flop bit"),
    .reorderBit: Constant(
      0.0034, .picojoules, .assumed, volts: 0.9,
      "two full adders of route-bit: the XOR and the popcount tree with its running sum"),
  ]

  private static let storage: [Name: Constant] = [
    .registerBitWrite: Constant(
      0.003, .picojoules, .assumed, volts: 0.9,
      "data part of a flip-flop's 0.005 pJ a bit and cycle (0.009 pJ published for 40 nm, scaled)"),
    .registerBitClock: Constant(
      0.002, .picojoules, .assumed, volts: 0.9,
      "clock part of a flip-flop's 0.005 pJ a bit and cycle (0.009 pJ published for 40 nm, scaled)"),
    .clockIdleShare: Constant(
      0.15, .ratio, .assumed, "the tree above the clock gates of a row"),
    .windowBitWrite: Constant(
      0.010, .picojoules, .assumed, volts: 0.9,
      "a latch array: between a flip-flop's 0.005 pJ and 0.02 pJ a bit of CACTI's 0.5 KB memory"),
    .windowBitRead: Constant(
      0.010, .picojoules, .assumed, volts: 0.9,
      "a latch array: between a flip-flop's 0.005 pJ and 0.02 pJ a bit of CACTI's 0.5 KB memory"),
    .networkMovedBit: Constant(
      0.004, .picojoules, .assumed, volts: 0.9,
      "a 2:1 multiplexer of 3 fF (0.0012 pJ) and 30 um of wire of wire-bit-millimetre"),
    .networkIsolatedBit: Constant(
      0.0001, .picojoules, .assumed, volts: 0.9,
      "2.5 % of a moved bit: the enable of the isolating gate, shared by the bits of a vector"),
  ]

  private static let system: [Name: Constant] = [
    .wireBitMillimetre: Constant(
      0.09, .picojoulesPerMillimetre, .published, volts: 0.9,
      "80 to 100 fJ a bit and mm (Dally, quoted from memory): 0.2 pF/mm with repeaters"),
    .dramBit: Constant(
      14, .picojoules, .published,
      "LPDDR4, 32 Gb at 3.2 Gb/s a pin, device simulation (Ha, Stanford thesis). It has a supply of "
        + "its own"),
    .dramBitLPDDR4X: Constant(
      9, .picojoules, .published,
      "LPDDR4X at 4.27 Gb/s a pin, by the same simulation: its output stage has 0.6 V in place of "
        + "1.1 V"),
    .dramBitLPDDR5: Constant(
      9, .picojoules, .assumed,
      "LPDDR5 at 6.4 Gb/s a pin, taken to be that of LPDDR4X: its makers claim up to 20 to 30 % less, "
        + "which no simulation that we know of confirms"),
    .sramEnergyCorrection: Constant(
      1.5, .ratio, .assumed,
      "CACTI at 45 nm is 1.1 to 1.9 times below Horowitz's memories. With it 8 and 32 KB x 64 bits "
        + "are 5.2 and 10.8 pJ at 0.9 V; Horowitz scaled to 28 nm 5.3 and 10.6"),
    .sramAreaCorrection: Constant(
      1.5, .ratio, .assumed,
      "CACTI's 0.16 to 0.20 um2 a bit is optimistic; compiled macros take 0.25 to 0.30"),
    .sramLeakageCorrection: Constant(
      2, .ratio, .assumed, "CACTI's rows are at 300 K and leave gate leakage out"),
    .leakageLogic: Constant(
      5, .milliwattsPerSquareMillimetre, .assumed, volts: 1.0,
      "band 3 to 15. A 28 nm chip of 6.82 mm2 draws 12.06 mW at 0.56 V, 50 MHz and 272.8 mW at 1.1 V, "
        + "510 MHz (ISSCC 2022, quoted from memory): with C V^2 f and the law of leakage-exponent that "
        + "leaves 3.8 mW/mm2 at 1.0 V, memories included; logic leaks more than those. 15 would be 5 "
        + "to 15 % of a busy array's power"),
    .leakageExponent: Constant(
      2, .perVolt, .assumed,
      "band 1.5 to 3. Barrier lowering of 0.08 V/V over a slope of 40 mV: from 1.0 to 0.56 V leakage "
        + "power falls to 0.23"),
  ]

  private static let areas: [Name: Constant] = [
    .areaMultiplyFP16: Constant(
      618, .squareMicrometres, .published,
      "1640 um2 at 45 nm (Horowitz, quoted from memory) \(scaledArea)"),
    .areaMultiplyBF16: Constant(
      383, .squareMicrometres, .assumed, "0.62 of FP16, the ratio of their energies"),
    .areaMultiplyFP8E4M3: Constant(
      155, .squareMicrometres, .assumed, "0.25 of FP16, the ratio of their energies"),
    .areaMultiplyFP8E5M2: Constant(
      124, .squareMicrometres, .assumed, "0.20 of FP16, the ratio of their energies"),
    .areaAddFP32: Constant(
      1577, .squareMicrometres, .published,
      "4184 um2 at 45 nm (Horowitz, quoted from memory) \(scaledArea)"),
    .areaRegisterBit: Constant(
      3, .squareMicrometres, .assumed, "a flip-flop of a 28 nm library is 2.5 to 3.5 um2"),
    .areaWindowBit: Constant(
      2, .squareMicrometres, .assumed, "a latch and a read gate"),
    .areaMultiplexer: Constant(
      1, .squareMicrometres, .assumed, "a 2:1 multiplexer of a 28 nm library"),
    .areaController: Constant(
      20_000, .squareMicrometres, .assumed,
      "about 40,000 gates: masks of a group, their OR, the scan, addresses"),
    .areaReorder: Constant(
      10_000, .squareMicrometres, .assumed,
      "about 20,000 gates: 64 XORs, the popcount, sums of the rows under way"),
    .areaVectorLane: Constant(
      6_000, .squareMicrometres, .assumed,
      "FP32 multiplier and adder 4480 um2 (7700 + 4184 um2 at 45 nm, scaled), and a third for "
        + "registers and tables"),
    .areaUtilisation: Constant(
      0.7, .ratio, .assumed, "usual for a placed and routed block"),
  ]
}
