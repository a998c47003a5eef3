# SPDX-License-Identifier: Apache-2.0
"""Holds the choice of sizes against a library of inverters whose delays are worked out by hand.

    python -m unittest discover rtl/syn
"""

import pathlib
import tempfile
import unittest

from liberty import Library
from netlist import Netlist
from sizing import resize
from test_liberty import table, template
from timing import Timing

AXES = [("input_net_transition", "1, 2"), ("total_output_net_capacitance", "0, 10")]


def inverter(size, name="INV", function="!A", sense="negative_unate"):
    """10 ps and, for each femtofarad, 8 over its size; an input has its size in femtofarads."""
    rows = [f"10, {10 + 80 / size}"] * 2
    tables = " ".join(
        table(name, "delay", rows) for name in ("cell_rise", "cell_fall"))
    slews = " ".join(
        table(name, "delay", ["1, 1", "1, 1"]) for name in ("rise_transition", "fall_transition"))
    return f"""
  cell ({name}_{size}) {{
    area : {size};
    pin (A) {{ direction : input; capacitance : {size}; }}
    pin (Y) {{ direction : output; function : "{function}"; max_capacitance : {20 * size};
      timing () {{ related_pin : "A"; timing_sense : {sense}; {tables} {slews} }} }}
  }}"""


def buffer(size):
    return inverter(size, "BUF", "(A)", "positive_unate")


def chain(length, sizes=(1, 2, 4), buffers=()):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "sizes.lib"
        file.write_text(
            'library (sizes) { time_unit : "1ps"; capacitive_load_unit (1,ff); nom_voltage : 1.0;\n'
            + template("lu_table_template", "delay", AXES)
            + "".join([inverter(size) for size in sizes] + [buffer(size) for size in buffers]) + "\n}\n")
        library = Library([file])
        cells = {
            f"c{i}": {"type": "INV_1", "connections": {"A": [2 + i], "Y": [3 + i]}}
            for i in range(length)
        }
        unit = Netlist({
            "ports": {
                "in": {"direction": "input", "bits": [2]},
                "out": {"direction": "output", "bits": [2 + length]},
            },
            "cells": cells,
        }, library)
        for size in sizes:
            library[f"INV_{size}"]
        return unit, library


class SizingTests(unittest.TestCase):
    def names(self, unit):
        return [instance.cell.name for instance in unit.instances]

    def test_a_long_wire_on_the_path_gets_a_larger_driver(self):
        unit, library = chain(3)
        before = Timing(unit, {4: 9.0}).critical_path()
        # 1, 9 + 1 and 1 fF behind the three.
        self.assertAlmostEqual(before, 3 * 10 + 8 * (1 + 10 + 1))
        timing, changed, _ = resize(unit, library, {4: 9.0})
        # The second at 4: 4 fF behind the first, 10/4 behind it: 8 · (4 + 2.5); at 2 8 · (2 + 5).
        self.assertIn(self.names(unit)[1], ("INV_2", "INV_4"))
        self.assertLess(timing.critical_path(), before - 20)
        self.assertGreaterEqual(changed, 1)

    def test_a_long_wire_behind_a_cell_of_one_size_gets_a_buffer(self):
        unit, library = chain(3, sizes=(1,), buffers=(2, 8))
        before = Timing(unit, {4: 40.0})
        self.assertAlmostEqual(before.critical_path(), 3 * 10 + 8 * (1 + 41 + 1))
        # With the small one 8 · 2 + 10 + 4 · 41, with the large one 8 · 8 + 10 + 41.
        second = unit.instances[1]
        for name, expected in (("BUF_2", 10 + 16 + 10 + 164), ("BUF_8", 10 + 64 + 10 + 41)):
            found = before.buffered(second, second.cell, "Y", library[name])
            self.assertAlmostEqual(found, expected)
        unit, library = chain(3, sizes=(1,), buffers=(8,))
        timing, changed, buffers = resize(unit, library, {4: 40.0})
        self.assertEqual((changed, buffers), (0, 1))
        self.assertEqual(self.names(unit), ["INV_1"] * 3 + ["BUF_8"])
        # The output drives the mean of the pins, of 1, 1, 1 and 8 fF.
        self.assertAlmostEqual(timing.critical_path(), 4 * 10 + 8 * (1 + 8 + 11 / 4) + 41)
        # It goes on doing the same, in the order of its gates.
        self.assertEqual([g.cell.name for g in unit.gates], ["INV_1", "INV_1", "BUF_8", "INV_1"])
        values = unit.gate_function()([0, 1, 1] + [0] * (unit.net_count - 3), 1)
        self.assertEqual(values[unit.ports["out"][1][0]], 0)

    def test_a_buffer_that_is_taken_out_leaves_nothing(self):
        unit, library = chain(2, sizes=(1,), buffers=(2,))
        before = Timing(unit, {3: 5.0}).critical_path()
        place = unit.insert(library["BUF_2"], unit.instances[0], "Y"), unit.instances[0], "Y"
        self.assertNotEqual(Timing(unit, {3: 5.0}).critical_path(), before)
        unit.take_out(*place)
        self.assertEqual(Timing(unit, {3: 5.0}).critical_path(), before)
        self.assertEqual((len(unit.instances), len(unit.gates)), (2, 2))
        # A short wire gets none.
        self.assertEqual(resize(unit, library, {})[2], 0)

    def test_without_wires_nothing_gets_slower(self):
        unit, library = chain(4)
        before = Timing(unit).critical_path()
        timing, _, _ = resize(unit, library, {})
        self.assertLessEqual(timing.critical_path(), before)

    def test_what_a_cell_may_not_drive_gets_the_smallest_that_may(self):
        unit, library = chain(2)
        _, changed, _ = resize(unit, library, {3: 30.0, 4: 0.0})
        self.assertGreaterEqual(changed, 1)
        first = unit.instances[0].cell
        self.assertGreaterEqual(first.pins["Y"].maximum, 31)


if __name__ == "__main__":
    unittest.main()
