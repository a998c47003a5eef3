# SPDX-License-Identifier: Apache-2.0
"""Holds tables of small Liberty texts against values worked out by hand: axes in either order, places that
stand in the template alone, and what is refused.

    python -m unittest discover rtl/syn
"""

import pathlib
import tempfile
import unittest

from liberty import Library, Unsupported
from netlist import Netlist
from timing import Timing

SLEWS, LOADS = "0.01, 0.03", "0.001, 0.002, 0.005"
# Delay of a gate in ns, a row a slew and a column a load: 1 + 10 slew + 100 load.
DELAYS = ["1.2, 1.3, 1.6", "1.4, 1.5, 1.8"]
BY_LOAD = ["1.2, 1.4", "1.3, 1.5", "1.6, 1.8"]
# Set-up time, a row a slew of the data and a column a slew of the clock.
CONSTRAINED, RELATED = "0.01, 0.02", "0.01, 0.03"
SETUP = ["0.1, 0.3", "0.2, 0.4"]
BY_CLOCK = ["0.1, 0.2", "0.3, 0.4"]


def template(kind, name, axes):
    lines = [
        f'variable_{n} : {variable}; index_{n} ("{places}");'
        for n, (variable, places) in enumerate(axes, 1)
    ]
    return f"{kind} ({name}) {{ {' '.join(lines)} }}"


def table(name, template, rows, indices=()):
    own = "".join(f'index_{n} ("{places}"); ' for n, places in enumerate(indices, 1))
    values = ", ".join(f'"{row}"' for row in rows)
    return f"{name} ({template}) {{ {own}values ({values}); }}"


def library(delay_axes, setup_axes, delays, setup, indices=(), header="", extra=""):
    """An inverter and a flip-flop, all of whose delays and slews are one table."""
    def delay(name):
        return table(name, "delay", delays, indices)

    edges = " ".join(
        delay(name) for name in ("cell_rise", "cell_fall", "rise_transition", "fall_transition"))
    text = f"""
library (small) {{
  time_unit : "1ns"; capacitive_load_unit (1,pf); nom_voltage : 1.0; {header}
  {template("lu_table_template", "delay", delay_axes)}
  {template("lu_table_template", "setup", setup_axes)}
  cell (INV) {{
    area : 1;
    pin (A) {{ direction : input; capacitance : 0.003; }}
    pin (Y) {{ direction : output; function : "!A";
      timing () {{ related_pin : "A"; timing_sense : negative_unate; {edges} }} {extra} }}
  }}
  cell (DFF) {{
    area : 2;
    ff (IQ, IQN) {{ clocked_on : "C"; next_state : "D"; }}
    pin (C) {{ direction : input; clock : true; capacitance : 0.001; }}
    pin (D) {{ direction : input; capacitance : 0.002;
      timing () {{ related_pin : "C"; timing_type : setup_rising;
        {table("rise_constraint", "setup", setup)} {table("fall_constraint", "setup", setup)} }} }}
    pin (Q) {{ direction : output; function : "IQ";
      timing () {{ related_pin : "C"; timing_type : rising_edge;
        {edges} }} }}
  }}
}}
"""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "small.lib"
        file.write_text(text)
        return Library([file])


SLEW_FIRST = [("input_net_transition", SLEWS), ("total_output_net_capacitance", LOADS)]
DATA_FIRST = [("constrained_pin_transition", CONSTRAINED), ("related_pin_transition", RELATED)]
NONSENSE = "1000, 1001, 1002"


class LibertyTests(unittest.TestCase):
    def check(self, small):
        delay = next(a for a in small["INV"].arcs).tables["cell_rise"]
        # 1 + 10 · 0.02 + 100 · 0.004 ns, in picoseconds, slew and load in picoseconds and femtofarads.
        self.assertAlmostEqual(delay(20, 4), 1600)
        # Beyond the places it extrapolates.
        self.assertAlmostEqual(delay(0, 7), 1700)
        setup = next(a for a in small["DFF"].arcs if a.pin == "D").tables["rise_constraint"]
        self.assertAlmostEqual(setup(20, 10), 200)
        self.assertAlmostEqual(setup(10, 30), 300)

    def test_either_order_and_places_of_the_template(self):
        self.check(library(SLEW_FIRST, DATA_FIRST, DELAYS, SETUP))
        self.check(library(SLEW_FIRST[::-1], DATA_FIRST[::-1], BY_LOAD, BY_CLOCK))
        self.check(library(SLEW_FIRST[::-1], DATA_FIRST, BY_LOAD, SETUP))
        # A table's own places override its template's.
        nonsense = [(variable, NONSENSE) for variable, _ in SLEW_FIRST]
        self.check(library(nonsense, DATA_FIRST, DELAYS, SETUP, indices=(SLEWS, LOADS)))
        self.check(library(nonsense[::-1], DATA_FIRST, BY_LOAD, SETUP, indices=(LOADS, SLEWS)))

    def test_tables_of_one_axis(self):
        by_slew = library(SLEW_FIRST[:1], DATA_FIRST, ["1.2, 1.4"], SETUP)
        self.assertAlmostEqual(by_slew["INV"].arcs[0].tables["cell_rise"](20, 99), 1300)
        by_load = library(SLEW_FIRST[1:], DATA_FIRST, ["1.2, 1.3, 1.6"], SETUP)
        self.assertAlmostEqual(by_load["INV"].arcs[0].tables["cell_rise"](99, 4), 1500)
        # One place on an axis: the value does not depend on it.
        flat = library(
            [SLEW_FIRST[0], (SLEW_FIRST[1][0], "0.001")], DATA_FIRST, ["1.2", "1.4"], SETUP)
        self.assertAlmostEqual(flat["INV"].arcs[0].tables["cell_rise"](20, 99), 1300)

    def test_setup_is_looked_up_by_data_then_clock(self):
        for axes, values in ((DATA_FIRST, SETUP), (DATA_FIRST[::-1], BY_CLOCK)):
            small = library(SLEW_FIRST, axes, DELAYS, values)
            unit = Netlist({
                "ports": {
                    "clk_i": {"direction": "input", "bits": [2]},
                    "q": {"direction": "output", "bits": [4]},
                },
                "cells": {"r": {"type": "DFF", "connections": {"C": [2], "D": [4], "Q": [4]}}},
            }, small)
            timing = Timing(unit)
            # No table has three slews, so that the clock's slew is 0: 1 + 100 · 0.004 ns to Q, with a
            # slew of as much, and a set-up time of 0.1 · (slew / 0.01) - 0.1 ns beyond.
            load = timing.loads[4]
            self.assertAlmostEqual(load, 2 + 1.5)
            arrival = 1000 + 100 * load
            self.assertAlmostEqual(timing.critical_path(), arrival + arrival * 10 - 100)

    def test_what_is_not_read_is_refused_by_name(self):
        length = [("input_net_transition", SLEWS), ("output_net_length", LOADS)]
        with self.assertRaisesRegex(Unsupported, "small, cell INV: .*over output_net_length"):
            library(length, DATA_FIRST, DELAYS, SETUP)["INV"]
        twice = [SLEW_FIRST[0], ("input_transition_time", LOADS)]
        with self.assertRaisesRegex(Unsupported, "input_net_transition and input_transition_time"):
            library(twice, DATA_FIRST, DELAYS, SETUP)["INV"]
        with self.assertRaisesRegex(Unsupported, "has 4 values, and axes of 2 x 3"):
            library(SLEW_FIRST, DATA_FIRST, SETUP, SETUP)["INV"]
        with self.assertRaisesRegex(Unsupported, "no template other"):
            power = table("rise_power", "other", DELAYS)
            library(
                SLEW_FIRST, DATA_FIRST, DELAYS, SETUP, extra=f"internal_power () {{ {power} }}")["INV"]

    def test_units(self):
        small = library(SLEW_FIRST, DATA_FIRST, DELAYS, SETUP, header='leakage_power_unit : "10nW";')
        self.assertEqual(small["INV"].pins["A"].capacitance, 3)
        with self.assertRaisesRegex(Unsupported, "leakage_power_unit is 1V"):
            library(SLEW_FIRST, DATA_FIRST, DELAYS, SETUP, header='leakage_power_unit : "1V";')


if __name__ == "__main__":
    unittest.main()
