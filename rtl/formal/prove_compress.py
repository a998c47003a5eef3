# SPDX-License-Identifier: Apache-2.0
"""Proves the properties of swpu_compress_formal.sv for networks of the lanes given as arguments.

Yosys does it by Boolean satisfiability, over all masks, data and rubbish. Ends with an error if a
property can be violated.
"""

import pathlib
import sys

from pyosys import libyosys

rtl = pathlib.Path(__file__).resolve().parent.parent
sources = [
    rtl / "src/hardware/swpu_pkg.sv",
    rtl / "src/network/swpu_compress_settings.sv",
    rtl / "src/network/swpu_compress_stages.sv",
    rtl / "formal/swpu_compress_formal.sv",
]
top = "swpu_compress_formal"

for lanes in sys.argv[1:]:
    design = libyosys.Design()
    for command in [
        f"read_slang --top {top} -G Lanes={lanes} " + " ".join(map(str, sources)),
        f"prep -flatten -top {top}",
        # Two properties: without them a proof would prove nothing.
        "select -assert-count 2 t:$check",
        "chformal -lower",
        "opt -full",
        f"sat -verify -prove-asserts -show-ports {top}",
    ]:
        libyosys.run_pass(command, design)
    print(f"{lanes} lanes: packed to the front and brought back, for every mask")
