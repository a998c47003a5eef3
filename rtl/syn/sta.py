# SPDX-License-Identifier: Apache-2.0
"""Compares the longest paths of our timing with OpenSTA's on the same netlists, cells, slews and loads.

    python sta.py --liberty FOLDER --liberty FILE [--unit mac-2]

Needs pyosys and OpenSTA (`sta`). Ends with an error where the two differ by more than 3 %.
docs/processor/synthesis.md lists the intended differences.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import units as all_of
from characterise import GOALS, library_of
from netlist import Netlist
from synthesise import synthesise
from timing import Timing

LARGEST_DIFFERENCE = 0.03
# Small and large, with and without registers.
UNITS = ("multiply", "add-2", "mac-2", "mac-3", "stages-16", "compress-16", "benes-16", "hamming-16")
# Longer than any path, in picoseconds; not by much, for OpenSTA counts in single precision.
PERIOD = 1e5


def verilog(netlist):
    """The netlist as a module whose ports have one bit each, `p` and the number of their net."""
    def name(net):
        return f"1'b{net}" if net < 2 else f"n{net}"

    inputs = sorted({net for port in netlist.inputs() for net in netlist.ports[port][1]})
    outputs = [net for port in netlist.outputs() for net in netlist.ports[port][1]]
    lines = [
        f"module unit ({', '.join([f'p{n}' for n in inputs] + [f'o{k}' for k in range(len(outputs))])});",
        *(f"input p{net};" for net in inputs),
        *(f"output o{place};" for place in range(len(outputs))),
        *(f"wire n{net};" for net in range(2, netlist.net_count)),
        *(f"assign n{net} = p{net};" for net in inputs),
        *(f"assign o{place} = {name(net)};" for place, net in enumerate(outputs)),
    ]
    for number, instance in enumerate(netlist.instances):
        pins = ", ".join(f".{pin}({name(net)})" for pin, net in instance.nets.items())
        lines.append(f"{instance.cell.name} i{number} ({pins});")
    return "\n".join([*lines, "endmodule", ""])


def script(netlist, timing, library, files):
    """The script for OpenSTA: ideal clock, no wires, our slew at every input, our load at every output.

    A library's own default wire load is left out of its text.
    """
    time, capacitance = library.units
    place = {port: netlist.ports[port][1] for port in netlist.ports}
    clock = f"[get_ports p{place['clk_i'][0]}]" if "clk_i" in place else ""
    ends = [net for port in ("clk_i", "rst_ni") for net in place.get(port, [])]
    data = [
        f"p{net}" for port in netlist.inputs() for net in place[port] if net not in ends
    ]
    outputs = sum(len(place[port]) for port in netlist.outputs())
    slew = timing.input_slew / time
    return "\n".join([
        *(f"read_liberty {file}" for file in files),
        "read_verilog unit.v",
        "link_design unit",
        f"create_clock -name clock -period {PERIOD / time} {clock}",
        f"set_clock_transition {slew} [get_clocks clock]" if clock else "",
        f"set_input_transition {slew} [get_ports {{{' '.join(data)}}}]",
        f"set_input_delay 0 -clock clock [get_ports {{{' '.join(data)}}}]",
        f"set_output_delay 0 -clock clock [get_ports {{{' '.join(f'o{n}' for n in range(outputs))}}}]",
        f"set_load {timing.output_load / capacitance} "
        f"[get_ports {{{' '.join(f'o{n}' for n in range(outputs))}}}]",
        *(f"set_false_path -from [get_ports p{net}]" for net in place.get("rst_ni", [])),
        "report_checks -path_delay max -digits 6",
        "exit",
    ])


def by_opensta(netlist, timing, library):
    """The longest path that OpenSTA finds, in picoseconds."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        texts = library.excerpts({instance.cell.name for instance in netlist.instances})
        files = [f"cells{number}.lib" for number in range(len(texts))]
        for file, text in zip(files, texts):
            text = re.sub(r"^\s*default_wire_load\w*\s*:.*$", "", text, flags=re.M)
            (folder / file).write_text(text)
        (folder / "unit.v").write_text(verilog(netlist))
        (folder / "unit.tcl").write_text(script(netlist, timing, library, files))
        ran = subprocess.run(
            ["sta", "-no_init", "-no_splash", "-exit", "unit.tcl"], cwd=folder, capture_output=True,
            text=True, check=False)
    slack = re.search(r"(-?[\d.]+)\s+slack", ran.stdout)
    if not slack:
        sys.exit(f"OpenSTA found no path:\n{ran.stdout}\n{ran.stderr}")
    return PERIOD - float(slack.group(1)) * library.units[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--liberty", action="append", required=True)
    parser.add_argument("--unit", action="append", default=[])
    options = parser.parse_args()
    chosen = options.unit or UNITS
    worst = 0.0
    for path in options.liberty:
        library = library_of(path)
        for unit in all_of.all_units():
            if unit.name not in chosen:
                continue
            netlist = Netlist(
                synthesise(
                    unit.top, unit.parameters, library, GOALS["relaxed"], unit.is_large, unit.apart, unit.package),
                library)
            timing = Timing(netlist)
            ours, theirs = timing.critical_path(), by_opensta(netlist, timing, library)
            difference = ours / theirs - 1
            worst = max(worst, abs(difference))
            print(
                f"{library.name} {unit.name}: {ours:.1f} ps, OpenSTA {theirs:.1f} ps, "
                f"{difference:+.2%}", flush=True)
    print(f"largest difference {worst:.2%}; {LARGEST_DIFFERENCE:.0%} is allowed")
    if worst > LARGEST_DIFFERENCE:
        sys.exit(1)


if __name__ == "__main__":
    main()
