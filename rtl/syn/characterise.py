# SPDX-License-Identifier: Apache-2.0
"""Characterises the units of the RTL with Liberty files: area, longest path, energy of an operation.

    python characterise.py --liberty FOLDER --liberty FILE --output synthesis.json
    python characterise.py --liberty FILE --unit mac-2 --output synthesis.json

The first replaces the file, the second the unit in it. Needs pyosys. docs/processor/synthesis.md says
what the figures mean.
"""

import argparse
import datetime
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
from power import energy
from stimuli import Operands
from synthesise import synthesise
from timing import Timing

# Delays that the mapping aims at, in picoseconds: none can be met, and all can.
GOALS = {"fastest": 1, "relaxed": 1_000_000}


def library_of(path):
    """The library in a folder's files, or in one file. SRAM macros beside cells are left out."""
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


def measured(netlist, timing, stimulus, volts):
    trace = simulate(
        netlist, stimulus.drive, stimulus.vectors, stimulus.cycles, stimulus.skipped)
    stimulus.check(outcome(netlist, trace))
    # Four ticks to a typical gate.
    delays = [
        glitches.delay(gate, pin, timing)
        for gate in netlist.gates for pin in gate.cell.outputs()
        if pin in gate.nets and gate.cell.pins[pin].function and gate.cell.inputs()
    ]
    tick = statistics.median(delays) / 4
    moves = glitches.moves(netlist, timing, trace, tick)
    result = {"work": stimulus.work}
    for name, found in [
        ("zeroDelay", energy(netlist, timing, trace, volts)),
        ("gateDelay", energy(netlist, timing, trace, volts, moves)),
    ]:
        result[name] = {
            "gates": round(found.gates, 3), "registers": round(found.registers, 3),
            "clock": round(found.clock, 3), "total": round(found.dynamic, 3),
        }
    result["leakageNanowatts"] = round(found.leakage_picowatts / 1000, 3)
    return result


def characterise(unit, library, operands):
    result = {"unit": unit.name, "module": unit.top, "parameters": unit.parameters,
              "library": library.name, "mappings": {}}
    for goal in unit.goals:
        netlist = Netlist(
            synthesise(
                unit.top, unit.parameters, library, GOALS[goal], unit.is_large, unit.apart),
            library)
        timing = Timing(netlist)
        path = timing.critical_path()
        registers = netlist.registers
        mapping = {
            "cells": len(netlist.instances),
            "flipFlops": len(registers),
            "squareMicrometres": round(netlist.area(), 3),
            "flipFlopSquareMicrometres": round(sum(r.cell.area for r in registers), 3),
            "criticalPathPicoseconds": round(path, 1),
            "maximumMegahertz": round(1e6 / path, 3),
        }
        result["mappings"][goal] = mapping
    # Of the last mapping, the relaxed one; femtojoules a cycle.
    result["energies"] = {
        name: measured(netlist, timing, stimulus(operands, name), library.volts)
        for name, stimulus in unit.stimuli.items()
    }
    return result


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
                f"{m['squareMicrometres']:.1f} um2 {m['criticalPathPicoseconds']:.0f} ps"
                for m in found[-1]["mappings"].values())
            energies = "  ".join(
                f"{name} {e['zeroDelay']['total']:.0f} to {e['gateDelay']['total']:.0f} fJ"
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
        "tools": {"pyosys": version("pyosys"), "python": sys.version.split()[0]},
    }


def version(package):
    from importlib import metadata

    return metadata.version(package)


if __name__ == "__main__":
    main()
