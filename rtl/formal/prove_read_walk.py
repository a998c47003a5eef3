# SPDX-License-Identifier: Apache-2.0
"""Proves the properties of swpu_read_walk_formal.sv for walks of the sizes given as arguments, each
ITEMS,PORTS,BITS: items, ports, bits of the reads of an item.

Yosys does it by induction over time: from reset, and from any state in which the properties hold. Ends
with an error if one can be violated.
"""

import pathlib
import sys

from pyosys import libyosys

rtl = pathlib.Path(__file__).resolve().parent.parent
sources = [
    rtl / "src/hardware/swpu_pkg.sv",
    rtl / "src/hardware/swpu_types_pkg.sv",
    rtl / "src/core/swpu_read_walk.sv",
    rtl / "formal/swpu_read_walk_formal.sv",
]
top = "swpu_read_walk_formal"

for argument in sys.argv[1:]:
    items, ports, bits = map(int, argument.split(","))
    design = libyosys.Design()
    for command in [
        f"read_slang --top {top} -G Items={items} -G Ports={ports} -G ReadBits={bits} "
        + " ".join(map(str, sources)),
        f"prep -flatten -top {top}",
        # Four properties, two of each port, and an assumption: without them a proof would prove nothing.
        f"select -assert-count {5 + 2 * ports} t:$check",
        "async2sync",
        "dffunmap",
        "chformal -lower",
        "opt -full",
        "sat -verify -tempinduct -prove-asserts -set-assumes -set-init-zero -maxsteps 4 "
        f"-show-ports {top}",
    ]:
        libyosys.run_pass(command, design)
    print(f"{items} items, {ports} ports: the same reads as one after the other")
