# SPDX-License-Identifier: Apache-2.0
"""Prints the tables of docs/processor/synthesis.md from a file of results.

    python tables.py synthesis.json
"""

import json
import pathlib
import sys

LIBRARIES = ("asap7", "sg13g2")
NETWORKS = {
    "stages-16": ("log shifter, isolated, both ways", 49), "butterfly-16": ("inverse butterfly", 64),
    "benes-16": ("Benes", 112), "crossbar-16": ("crossbar", 240),
}


def number(value):
    """Three digits, or all before the point."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{float(f'{value:.3g}'):g}"


class File:
    def __init__(self, path):
        self.document = json.loads(pathlib.Path(path).read_text())
        self.units = {}
        for unit in self.document["units"]:
            library = next(name for name in LIBRARIES if unit["library"].startswith(name))
            self.units.setdefault(unit["unit"], {})[library] = unit

    def path(self, name, library, placed):
        """The delay of the mapping for speed where there is one."""
        mappings = self.units[name][library]["mappings"]
        mapping = mappings.get("fastest", mappings["relaxed"])
        mapping = mapping.get("placed") if placed else mapping
        return mapping and mapping["criticalPathPicoseconds"]

    def area(self, name, library):
        return self.units[name][library]["mappings"]["relaxed"]["squareMicrometres"]

    def energy(self, name, library, stimulus, wires, activity, part="total"):
        found = self.units[name][library]["energies"][stimulus].get(wires)
        return found and found[activity][part] / 1000


def row(*cells):
    print("| " + " | ".join(cells) + " |")


def units(file):
    row("unit", "flip-flops", *(f"{k}" for l in ("ASAP7", "SG13G2") for k in (
        f"{l} µm²", "ps", "with wires")))
    for name, found in sorted(file.units.items()):
        if set(found) != set(LIBRARIES):
            continue
        cells = []
        for library in LIBRARIES:
            cells += [
                number(file.area(name, library)), number(file.path(name, library, False)),
                number(file.path(name, library, True))]
        row(f"`{name}`", number(found["asap7"]["mappings"]["relaxed"]["flipFlops"]), *cells)


def energies(file):
    for name, found in sorted(file.units.items()):
        if set(found) != set(LIBRARIES):
            continue
        for stimulus in found["sg13g2"]["energies"]:
            cells = []
            for library in LIBRARIES:
                for wires in ("bare", "placed"):
                    for activity in ("zeroDelay", "gateDelay"):
                        cells.append(number(file.energy(name, library, stimulus, wires, activity)))
            row(f"`{name}`", stimulus, *cells)


def networks(file):
    for name, (title, multiplexers) in NETWORKS.items():
        cells = []
        for library in LIBRARIES:
            for wires in ("bare", "placed"):
                cells.append(number(file.path(name, library, wires == "placed")))
                cells.append(number(file.energy(name, library, "windows", wires, "zeroDelay")))
        ratios = []
        for wires in ("bare", "placed"):
            pair = []
            for library in LIBRARIES:
                this, least = (
                    file.energy(n, library, "windows", wires, "zeroDelay")
                    for n in (name, "stages-16"))
                pair.append(f"{this / least:.1f}" if this and least else "–")
            ratios.append(" / ".join(pair))
        row(title, str(multiplexers), *cells, *ratios)


def constants(file):
    for name, found in file.document.get("reading", {}).get("constants", {}).items():
        row(name, found["unit"], *(
            number(found.get(key)) for key in ("withoutWires", "value", "withGlitches")))


def main():
    file = File(sys.argv[1])
    for title in (units, energies, networks, constants):
        print(f"\n{title.__name__}\n")
        title(file)


if __name__ == "__main__":
    main()
