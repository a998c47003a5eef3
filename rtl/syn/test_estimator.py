# SPDX-License-Identifier: Apache-2.0
"""Holds timing, activity and energy against figures worked out by hand, with a library of three cells.

    python -m unittest discover rtl/syn
"""

import pathlib
import tempfile
import unittest

import glitches
import networks
from liberty import Expression, Library
from netlist import Netlist, simulate
from power import energy
from timing import Timing


def table(name, value):
    return f'{name} (scalar) {{ values ("{value}"); }}'


def arc(related, sense, delay):
    values = "".join(
        table(name, value) for name, value in [
            ("cell_rise", delay), ("cell_fall", delay),
            ("rise_transition", 5), ("fall_transition", 5)])
    return f"timing () {{ related_pin : \"{related}\"; timing_sense : {sense}; {values} }}"


def power(rise, fall, related=None, when=None):
    related = f'related_pin : "{related}";' if related else ""
    when = f'when : "{when}";' if when else ""
    return (
        f"internal_power () {{ {related} {when} {table('rise_power', rise)}"
        f" {table('fall_power', fall)} }}")


LIBRARY = f"""
library (by_hand) {{
  time_unit : "1ps"; voltage_unit : "1V"; leakage_power_unit : "1pW";
  capacitive_load_unit (1,ff); nom_voltage : 2.0;
  cell (INV) {{
    area : 1.5
    leakage_power () {{ when : "A"; value : 10; }}
    leakage_power () {{ when : "!A"; value : 30; }}
    pin (A) {{ direction : input; capacitance : 2; }}
    pin (Y) {{ direction : output; function : "A'"; {arc("A", "negative_unate", 10)}
      {power(0.5, 0.25, related="A")} }}
  }}
  cell (XOR) {{
    area : 3;
    pin (A) {{ direction : input; capacitance : 3; }}
    pin (B) {{ direction : input; capacitance : 4; }}
    pin (Y) {{ direction : output; function : "(A * !B) + (!A * B)";
      {arc("A", "non_unate", 20)} {arc("B", "non_unate", 20)}
      {power(1, 1, related="A", when="B")} {power(3, 3, related="A", when="!B")}
      {power(8, 8, related="B")} }}
  }}
  cell (DFF) {{
    area : 6;
    ff (IQ, IQN) {{ clocked_on : "C"; next_state : "D"; }}
    pin (C) {{ direction : input; clock : true; capacitance : 1;
      {power(0, 7, when="D * !Q")} {power(5, 7, when="D * Q")} {power(11, 13)} }}
    pin (D) {{ direction : input; capacitance : 2; }}
    pin (Q) {{ direction : output; function : "IQ";
      timing () {{ related_pin : "C"; timing_type : rising_edge;
        {table("cell_rise", 40)} {table("cell_fall", 40)}
        {table("rise_transition", 5)} {table("fall_transition", 5)} }}
      {power(100, 100, related="C")} }}
  }}
}}
"""


def netlist(cells, inputs, outputs):
    """A netlist of cells (type, {pin: net}) with ports of one bit."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "by_hand.lib"
        file.write_text(LIBRARY)
        library = Library([file])
        module = {
            "ports": {
                **{n: {"direction": "input", "bits": [b]} for n, b in inputs.items()},
                **{n: {"direction": "output", "bits": [b]} for n, b in outputs.items()},
            },
            "cells": {
                f"c{i}": {"type": kind, "connections": {p: [n] for p, n in pins.items()}}
                for i, (kind, pins) in enumerate(cells)
            },
        }
        return Netlist(module, library)


def bits(pattern):
    """One value of 8 equal vectors for a cycle of a pattern that repeats."""
    return lambda cycle: 0xFF if pattern[cycle % len(pattern)] == "1" else 0


class EstimatorTests(unittest.TestCase):
    def run_netlist(self, unit, patterns, cycles):
        drive = lambda cycle, read: {n: [bits(p)(cycle)] for n, p in patterns.items()}
        return simulate(unit, drive, 8, cycles, skipped=2)

    def test_inverter_chain(self):
        unit = netlist(
            [("INV", {"A": 2, "Y": 3}), ("INV", {"A": 3, "Y": 4}), ("INV", {"A": 4, "Y": 5})],
            {"in": 2}, {"out": 5})
        timing = Timing(unit)
        self.assertEqual(timing.critical_path(), 30)
        self.assertEqual(unit.area(), 4.5)
        trace = self.run_netlist(unit, {"in": "01"}, 9)
        found = energy(unit, timing, trace, 2.0)
        # A cycle moves four nets of 2 fF (the output drives a typical pin): 4 · 2 · 2²/2 = 16 fJ, and
        # three inverters' outputs, rising and falling in turn: 3 · (0.5 + 0.25)/2.
        self.assertAlmostEqual(found.gates, 16 + 1.125)
        self.assertAlmostEqual(found.registers + found.clock, 0)
        self.assertAlmostEqual(found.leakage_picowatts, 3 * 20)
        still = energy(unit, timing, self.run_netlist(unit, {"in": "1"}, 5), 2.0)
        self.assertAlmostEqual(still.gates, 0)
        self.assertAlmostEqual(still.leakage_picowatts, 10 + 30 + 10)

    def test_groups_count_where_they_hold(self):
        unit = netlist([("XOR", {"A": 2, "B": 3, "Y": 4})], {"a": 2, "b": 3}, {"y": 4})
        timing = Timing(unit)
        load = 3.5  # the mean of the two pins, for the output
        for b, internal in [("0", 3), ("1", 1)]:
            trace = self.run_netlist(unit, {"a": "01", "b": b}, 9)
            found = energy(unit, timing, trace, 2.0).gates
            self.assertAlmostEqual(found, (3 + load) * 2 + internal)
        # Both change: the output does not, and nothing inside is counted.
        trace = self.run_netlist(unit, {"a": "01", "b": "01"}, 9)
        self.assertAlmostEqual(energy(unit, timing, trace, 2.0).gates, (3 + 4) * 2)

    def test_glitches(self):
        # b comes late by two inverters, 20 ps: as long as the XOR's delay, so the pulse passes; by
        # one, 10 ps, it does not.
        for inverters, moves in [(2, 2), (1, 0)]:
            cells = [("INV", {"A": 2 + i, "Y": 3 + i}) for i in range(inverters)]
            late = 2 + inverters
            cells.append(("XOR", {"A": 2, "B": late, "Y": 9}))
            unit = netlist(cells, {"in": 2}, {"out": 9})
            timing = Timing(unit)
            trace = self.run_netlist(unit, {"in": "01"}, 9)
            counts = glitches.moves(unit, timing, trace, 5.0)
            self.assertEqual(trace.toggles(9), 0)
            self.assertEqual(counts[9], moves * 8 * 8)
            self.assertEqual(counts[late], 8 * 8)

    def test_register(self):
        unit = netlist(
            [("DFF", {"C": 2, "D": 3, "Q": 4})], {"clk_i": 2, "d": 3}, {"q": 4})
        timing = Timing(unit)
        self.assertEqual(timing.critical_path(), 40)
        clock_pin = 1 * 2.0**2
        # D and Q at 1: the group of that state.
        found = energy(unit, timing, self.run_netlist(unit, {"d": "1"}, 9), 2.0)
        self.assertAlmostEqual(found.clock, clock_pin + 5 + 7)
        self.assertAlmostEqual(found.registers, 0)
        # D at 0: no group names it, the one without a state counts.
        found = energy(unit, timing, self.run_netlist(unit, {"d": "0"}, 9), 2.0)
        self.assertAlmostEqual(found.clock, clock_pin + 11 + 13)
        # Alternating: Q moves in every cycle, by 100 and 1.5 fF; half the cycles start with D = 1 and
        # Q = 0.
        found = energy(unit, timing, self.run_netlist(unit, {"d": "01"}, 9), 2.0)
        self.assertAlmostEqual(found.clock, clock_pin + (0 + 7 + 11 + 13) / 2)
        self.assertAlmostEqual(found.registers, 100 + 1.5 * 2.0)
        self.assertAlmostEqual(found.gates, 2 * 2.0)

    def test_expressions(self):
        for text, expected in [("A'", 0b0011), ("!(A+B)", 0b0001), ("A B", 0b1000),
                               ("A ^ B", 0b0110), ("!A & B | A & !B", 0b0110)]:
            self.assertEqual(Expression(text)({"A": 0b1100, "B": 0b1010}, 15), expected, text)


class NetworkTests(unittest.TestCase):
    def cross(self, values, columns, distances):
        for crosses, apart in zip(columns, distances):
            for index, (low, high) in enumerate(networks.pairs(len(values), apart)):
                if crosses >> index & 1:
                    values[low], values[high] = values[high], values[low]
        return values

    def test_every_mask_of_8_lanes(self):
        for needed in range(256):
            kept = [lane for lane in range(8) if needed >> lane & 1]
            packed = self.cross(list(range(8)), networks.butterfly(8, needed), [1, 2, 4])
            self.assertEqual(packed[: len(kept)], kept)
            goes = networks.permutation(8, needed)
            packed = self.cross(list(range(8)), networks.benes(8, goes), [4, 2, 1, 2, 4])
            self.assertEqual([goes[lane] for lane in packed], list(range(8)))


if __name__ == "__main__":
    unittest.main()
