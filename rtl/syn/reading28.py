# SPDX-License-Identifier: Apache-2.0
"""Reads synthesis.json at 28 nm and 1.0 V: the constants of the model's energy table.

    python reading28.py synthesis.json

Energy is carried from the foundry's 130 nm by the fits of Stillmaker and Baas (Integration, 2017), area
by their table; both lack 28 nm, which is interpolated a third of the way from 32 to 20 nm. The other ways to
28 nm are computed for comparison. docs/processor/synthesis.md explains the choice.
"""

import json
import math
import pathlib
import sys

# b2, b1, b0 of the energy of a node at a supply, b2·V² + b1·V + b0.
ENERGY_FITS = {
    130: (7.171, -6.709, 2.904), 32: (0.8367, -0.4341, 0.1701), 20: (0.373, -0.1582, 0.04104),
    7: (0.1776, -0.09097, 0.02447),
}
# Area of a node over that of 130 nm.
AREA_FROM_130 = {32: 0.072, 20: 0.033}
VOLTS = 1.0
PASSES = ("forward", "input-gradient", "weight-gradient")
# Gradients that went through a normalisation are never exactly zero.
NO_ZEROS = "input-gradient"
# What a core's clock may be set by; the slowest is. No fit says what it is at 28 nm, which lies between the
# two libraries.
CORE = ("mac-3", "list-controller", "row-sequencer", "read-walk", "load-port-1")
# The node of a library, by its name's start.
NODES = {"asap7": 7, "sg13g2": 130}


def at_28(value32, value20):
    return value32 - (value32 - value20) / 3


def fit(node, volts):
    b2, b1, b0 = ENERGY_FITS[node]
    return b2 * volts**2 + b1 * volts + b0


def energy_factor(node, volts):
    return at_28(fit(32, VOLTS), fit(20, VOLTS)) / fit(node, volts)


AREA_FACTOR = at_28(AREA_FROM_130[32], AREA_FROM_130[20])


class Node:
    """What was found with one library: energies in femtojoules, by activity; with wires where a unit was
    placed, or without."""

    def __init__(self, file, node, wires=True):
        self.wires = wires
        self.node = node
        library = next(
            entry for entry in file["libraries"] if NODES.get(prefix(entry["name"])) == node)
        self.volts = library["volts"]
        self.units = {u["unit"]: u for u in file["units"] if u["library"] == library["name"]}

    def energy(self, unit, stimulus, activity, part):
        found = self.units[unit]["energies"][stimulus]
        return found["placed" if self.wires and "placed" in found else "bare"][activity][part]

    def work(self, unit, stimulus, name):
        return self.units[unit]["energies"][stimulus]["work"][name]

    def area(self, unit, key="squareMicrometres"):
        mapping = self.units[unit]["mappings"]["relaxed"]
        if self.wires and key in mapping.get("placed", {}):
            return mapping["placed"][key]
        return mapping[key]

    def path(self, unit):
        """The longest path of the mapping for speed where there is one, with wires where it was placed, in
        picoseconds."""
        mappings = self.units[unit]["mappings"]
        mapping = mappings.get("fastest", mappings["relaxed"])
        return mapping.get("placed", mapping)["criticalPathPicoseconds"]

    def slowest(self):
        """The unit that sets a core's clock, and its path."""
        return max(((self.path(unit), unit) for unit in CORE if unit in self.units), key=lambda f: f[0])

    def still(self, activity):
        """Gates of a product that is gated among others that are not: what a pass with zeros takes
        beyond its other products. Partial sums take turns at the adder meanwhile."""
        full = self.energy("mac-2", NO_ZEROS, activity, "gates")
        found = []
        for name in PASSES:
            share = self.work("mac-2", name, "executed")
            if share < 1:
                gates = self.energy("mac-2", name, activity, "gates")
                found.append((gates - share * full) / (1 - share))
        return sum(found) / len(found)

    def energies(self, activity):
        """Femtojoules of the table's events at the library's own node and supply."""
        multiply = self.energy("multiply", "gaussian", activity, "gates")
        add = self.energy("add-2", "gaussian", activity, "gates")
        gates = self.energy("mac-2", NO_ZEROS, activity, "gates")
        flip_flops = self.area("mac-2", "flipFlops")
        lanes, stages, bits = 16, 4, 16
        isolated = self.energy("stages-16", "nothing-needed", activity, "total") / (
            lanes * stages * bits)
        moves = self.work("stages-16", "windows", "moves")
        moved = (
            self.energy("stages-16", "windows", activity, "total")
            - (lanes * stages - moves) * bits * isolated) / (moves * bits)
        # The difference of the whole network and its data path sets the switches.
        route = (
            self.energy("compress-16", "windows", activity, "total")
            - self.energy("stages-16", "windows", activity, "total")) / (lanes * (1 + stages))
        words = self.work("scan", "masks", "words")
        return {
            "multiply-bf16": gates * multiply / (multiply + add),
            "add-fp32": gates * add / (multiply + add),
            "multiply-gated": self.still(activity),
            "register-bit-write": self.energy("mac-2", NO_ZEROS, activity, "registers") / flip_flops,
            "register-bit-clock": self.energy("mac-2", NO_ZEROS, activity, "clock") / flip_flops,
            "network-moved-bit": moved,
            "network-isolated-bit": isolated,
            "route-bit": route,
            # Words of 64 bits for 8 rows.
            "mask-scan-bit": self.energy("scan", "masks", activity, "total") / (words * 8 * 64),
        }

    def areas(self):
        """Square micrometres of the table's units at the library's own node."""
        registers = self.area("add-2", "flipFlopSquareMicrometres")
        return {
            "area-multiply-bf16": self.area("multiply"),
            "area-add-fp32": self.area("add-2") - registers,
            "area-register-bit": registers / self.area("add-2", "flipFlops"),
            # The log shifter's 49 multiplexers a bit at 16 lanes.
            "area-multiplexer": self.area("stages-16") / (49 * 16),
            "area-controller": self.area("controller"),
        }


def prefix(name):
    return next((start for start in NODES if name.startswith(start)), "")


def reading(file):
    near, far = Node(file, 130), Node(file, 7)
    bare = Node(file, 130, wires=False)
    factor = energy_factor(130, near.volts)
    constants = {}
    lowest, highest = near.energies("zeroDelay"), near.energies("gateDelay")
    without = bare.energies("zeroDelay")
    small = far.energies("zeroDelay")
    # How far 28 nm is from 130 to 7 nm, by logarithm.
    along = math.log(130 / 28) / math.log(130 / 7)
    for name, value in lowest.items():
        between = math.exp(
            along * math.log(small[name] / far.volts**2)
            + (1 - along) * math.log(value / near.volts**2)) * VOLTS**2
        constants[name] = {
            "unit": "pJ", "value": significant(value * factor / 1000),
            "withoutWires": significant(without[name] * factor / 1000),
            "withGlitches": significant(highest[name] * factor / 1000),
            "betweenTheLibraries": significant(between / 1000),
            "from7Nanometres": significant(small[name] * energy_factor(7, far.volts) / 1000),
        }
    areas = bare.areas()
    for name, value in near.areas().items():
        constants[name] = {
            "unit": "um2", "value": significant(value * AREA_FACTOR),
            "withoutWires": significant(areas[name] * AREA_FACTOR),
        }
    (slow, slow_unit), (quick, quick_unit) = near.slowest(), far.slowest()
    clock = {
        "lowestUnit": slow_unit, "highestUnit": quick_unit, "lowestMegahertz": significant(1e6 / slow),
        "betweenMegahertz": significant(
            1e6 / math.exp(along * math.log(quick) + (1 - along) * math.log(slow))),
        "highestMegahertz": significant(1e6 / quick),
    }
    return {
        "clock": clock, "nanometres": 28, "volts": VOLTS, "energyFactorFrom130": significant(factor),
        "energyFactorFrom7": significant(energy_factor(7, far.volts)),
        "areaFactorFrom130": significant(AREA_FACTOR), "constants": constants,
    }


def significant(value):
    return float(f"{value:.4g}")


def main():
    path = pathlib.Path(sys.argv[1])
    file = json.loads(path.read_text())
    file["reading"] = reading(file)
    path.write_text(json.dumps(file, indent=1) + "\n")
    print(*(f"{key} {value}" for key, value in file["reading"]["clock"].items()))
    for name, constant in file["reading"]["constants"].items():
        print(name, *(f"{key} {value}" for key, value in constant.items()))


if __name__ == "__main__":
    main()
