# SPDX-License-Identifier: Apache-2.0
"""Holds lengths of wires, and what they do to timing and energy, against figures worked out by hand.

    python -m unittest discover rtl/syn
"""

import importlib.util
import unittest

import test_estimator
from placement import KITS, Kit, half_perimeter, place, spanning_tree, steiner
from power import energy
from timing import Timing


class WireTests(unittest.TestCase):
    def test_lengths(self):
        self.assertEqual(half_perimeter([(1, 1), (4, 3), (2, 7)]), 3 + 6)
        # A chain of neighbours, not all from the first.
        self.assertEqual(spanning_tree([(0, 0), (10, 0), (20, 0), (20, 5)]), 25)
        self.assertEqual(spanning_tree([(3, 3)]), 0)
        self.assertEqual(spanning_tree([]), 0)
        factors = [steiner(pins) for pins in range(2, 200)]
        self.assertEqual(factors[:2], [1, 1])
        self.assertEqual(factors, sorted(factors))

    def test_wires_are_charged_and_take_time(self):
        unit = test_estimator.netlist(
            [("DFF", {"C": 2, "D": 3, "Q": 4}), ("INV", {"A": 4, "Y": 5})],
            {"clk_i": 2, "d": 3}, {"y": 5})
        trace = test_estimator.EstimatorTests().run_netlist(unit, {"d": "01"}, 9)
        bare = energy(unit, Timing(unit), trace, 2.0)
        wired = energy(unit, Timing(unit, {2: 10.0, 4: 3.0, 5: 0.5}), trace, 2.0)
        # Of the clock both edges in every cycle; net 4 and 5 move once in it.
        self.assertAlmostEqual(wired.clock - bare.clock, 10 * 4)
        self.assertAlmostEqual(wired.registers - bare.registers, 3 * 4 / 2)
        self.assertAlmostEqual(wired.gates - bare.gates, 0.5 * 4 / 2)

    @unittest.skipUnless(importlib.util.find_spec("coloquinte"), "Coloquinte is not installed")
    def test_a_chain_is_placed_in_rows_and_the_same_again(self):
        cells = [("INV", {"A": 2 + i, "Y": 3 + i}) for i in range(60)]
        unit = test_estimator.netlist(cells, {"in": 2}, {"out": 62})
        kit = Kit(row=1.0, site=0.5, signal=2.0, clock=1.0)
        first, again = place(unit, kit), place(unit, kit)
        self.assertEqual(first.wires, again.wires)
        # 60 cells of 1.5 µm² at 70 %: 61 nets, each at least from cell to cell, none across all.
        self.assertAlmostEqual(first.width * first.height, 90 / 0.7, delta=20)
        self.assertEqual(len(first.wires), 61)
        self.assertGreater(first.signal_length, 30)
        self.assertLess(first.signal_length, 61 * (first.width + first.height) / 3)
        self.assertAlmostEqual(sum(first.wires.values()), 2 * first.signal_length)
        self.assertEqual(first.clock_length, 0)

    def test_kits_have_sizes_of_their_nodes(self):
        for kit in KITS.values():
            self.assertGreater(kit.row, 4 * kit.site)
            self.assertTrue(0.1 < kit.clock <= kit.signal < 0.3)


if __name__ == "__main__":
    unittest.main()
