# SPDX-License-Identifier: Apache-2.0
"""Characterises the units of the RTL with Liberty files: area, longest path, energy of an operation.

    python characterise.py --liberty FOLDER --liberty FILE --output synthesis.json
    python characterise.py --liberty FILE --unit mac-2 --output synthesis.json

The first replaces the file, the second the unit in it. Needs pyosys and coloquinte.
docs/processor/synthesis.md explains the figures.
"""

import argparse
import datetime
import math
import pathlib
import statistics
import subprocess
import sys
import time

import glitches
import results
import units as all_of
from liberty import Library
from netlist import Netlist, simulate
from placement import LARGEST, kit_of, place
from power import energy
from sizing import resize
from stimuli import Operands
from synthesise import synthesise
from timing import Timing

# Delays that the mapping aims at, in picoseconds: none can be met, and all can.
GOALS = {"fastest": 1, "relaxed": 1_000_000}


def library_of(path):
    """The library in a folder's files, or in one file. SRAM macros among the cells are left out."""
    path = pathlib.Path(path)
    if not path.exists():
        sys.exit(f"--liberty: {path} is not there")
    if not path.is_dir():
        return Library([path])
    files = sorted(f for f in path.iterdir() if f.name.endswith((".lib", ".lib.gz")))
    cells = [f for f in files if not f.name.startswith("RM_")]
    if not cells:
        sys.exit(f"--liberty: {path} holds no .lib or .lib.gz")
    return Library(cells)


def outcome(netlist, trace):
    """Reads an output port's words of all vectors in a cycle of a trace."""
    ones = (1 << trace.vectors) - 1

    def read(port, cycle):
        values = [
            trace.nets[net] >> cycle * trace.vectors & ones for net in netlist.ports[port][1]
        ]
        return all_of.unsliced(values, trace.vectors)

    return read


def measured(netlist, timings, stimulus, volts):
    """Energies with each timing by its name; work and leakage, which no wire changes."""
    trace = simulate(
        netlist, stimulus.drive, stimulus.vectors, stimulus.cycles, stimulus.skipped)
    stimulus.check(outcome(netlist, trace))
    result = {"work": stimulus.work}
    for name, timing in timings.items():
        # Four ticks to a typical gate.
        delays = [
            timing.delay(gate, gate.cell, pin)
            for gate in netlist.gates for pin in gate.cell.outputs()
            if pin in gate.nets and gate.cell.pins[pin].function and gate.cell.inputs()
        ]
        moves = glitches.moves(netlist, timing, trace, statistics.median(delays) / 4)
        found = [energy(netlist, timing, trace, volts, counts) for counts in (None, moves)]
        result[name] = {
            activity: {
                "gates": round(e.gates, 3), "registers": round(e.registers, 3),
                "clock": round(e.clock, 3), "total": round(e.dynamic, 3),
            }
            for activity, e in zip(("zeroDelay", "gateDelay"), found)
        }
        result[name]["leakageNanowatts"] = round(found[0].leakage_picowatts / 1000, 3)
    return result


def characterise(unit, library, operands):
    result = {"unit": unit.name, "module": unit.top, "parameters": unit.parameters,
              "library": library.name, "mappings": {}}
    kit = kit_of(library)
    for goal in unit.goals:
        netlist = Netlist(
            synthesise(
                unit.top, unit.parameters, library, GOALS[goal], unit.is_large, unit.apart, unit.package),
            library)
        bare = Timing(netlist)
        mapping = {"cells": len(netlist.instances), "flipFlops": len(netlist.registers)}
        mapping |= sizes(netlist, bare)
        is_last = goal == unit.goals[-1]
        if is_last:
            # Before any cell is given another size.
            bare_energies = energies(unit, netlist, {"bare": bare}, operands, library.volts)
        if kit and len(netlist.instances) <= LARGEST:
            placed = place(netlist, kit)
            unsized = Timing(netlist, placed.wires).critical_path()
            timing, resized, buffers = resize(netlist, library, placed.wires)
            mapping["placed"] = {
                **sizes(netlist, timing),
                "criticalPathBeforeResizingPicoseconds": round(unsized, 1),
                "resizedCells": resized,
                "buffers": buffers,
                "wireMicrometres": round(placed.signal_length, 1),
                "wireFemtofarads": round(placed.signal_length * kit.signal, 1),
                "pinFemtofarads": round(sum(bare.loads), 1),
                "clockWireMicrometres": round(placed.clock_length, 1),
            }
            if is_last:
                placed_energies = energies(
                    unit, netlist, {"placed": timing}, operands, library.volts)
                for name, found in placed_energies.items():
                    bare_energies[name]["placed"] = found["placed"]
        result["mappings"][goal] = mapping
    # Of the last mapping, the relaxed one; femtojoules a cycle.
    result["energies"] = bare_energies
    return result


def energies(unit, netlist, timings, operands, volts):
    return {
        name: measured(netlist, timings, stimulus(operands, name), volts)
        for name, stimulus in unit.stimuli.items()
    }


def sizes(netlist, timing):
    path = timing.critical_path()
    return {
        "squareMicrometres": round(netlist.area(), 3),
        "flipFlopSquareMicrometres": round(sum(r.cell.area for r in netlist.registers), 3),
        "criticalPathPicoseconds": round(path, 1),
        "maximumMegahertz": round(1e6 / path, 3),
    }


def git(*arguments):
    found = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--liberty", action="append", required=True)
    parser.add_argument("--unit", action="append", default=[])
    parser.add_argument("--output", default="synthesis.json")
    options = parser.parse_args()

    known = all_of.all_units()
    unknown = set(options.unit) - {unit.name for unit in known}
    if unknown:
        names = ", ".join(unit.name for unit in known)
        sys.exit(f"--unit: {', '.join(sorted(unknown))} is not one of {names}")
    chosen = [unit for unit in known if not options.unit or unit.name in options.unit]
    try:
        results.load(options.output)
    except results.Unreadable as error:
        sys.exit(f"--output: {error}")
    libraries = [library_of(path) for path in options.liberty]
    described = [
        {"name": library.name, "volts": library.volts,
         "files": [file.name for file in library.files]}
        for library in libraries
    ]
    operands = Operands()
    origin = origin_of(options, operands)
    found = []
    for library in libraries:
        for unit in chosen:
            start = time.monotonic()
            found.append(characterise(unit, library, operands))
            mappings = " | ".join(
                f"{m['squareMicrometres']:.1f} um2 {m['criticalPathPicoseconds']:.0f} ps, placed "
                f"{m.get('placed', {}).get('criticalPathPicoseconds', math.nan):.0f} ps"
                for m in found[-1]["mappings"].values())
            energies = "  ".join(
                f"{name} " + ", ".join(
                    f"{e[w]['zeroDelay']['total']:.0f} to {e[w]['gateDelay']['total']:.0f} fJ {w}"
                    for w in ("bare", "placed") if w in e)
                for name, e in found[-1]["energies"].items())
            print(
                f"{library.name[:7]} {unit.name:12} {mappings} | {energies} | "
                f"{time.monotonic() - start:.0f} s", flush=True)
            # After every unit: a long run that breaks off has not been for nothing.
            results.write(
                options.output,
                results.joined(results.load(options.output), origin, described, found[-1:]))
    if not options.unit:
        results.write(options.output, results.alone(origin, described, found))


def origin_of(options, operands):
    return {
        "date": datetime.date.today().isoformat(),
        "commit": git("rev-parse", "--short", "HEAD"),
        "command": "swpu rtl synth " + " ".join(
            [f"--liberty {pathlib.Path(path).name}" for path in options.liberty]
            + [f"--unit {name}" for name in options.unit]),
        "operands": operands.origin,
        "tools": {
            "pyosys": version("pyosys"), "coloquinte": version("coloquinte"), "python": sys.version.split()[0],
        },
    }


def version(package):
    from importlib import metadata

    return metadata.version(package)


if __name__ == "__main__":
    main()
