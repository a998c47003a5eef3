# SPDX-License-Identifier: Apache-2.0
"""Proves the properties of swpu_zero_pack_formal.sv for words of the sizes given as arguments, each
LANES,WIDTH: values of a word, bits of a value.

Yosys does it by Boolean satisfiability, over all values and rubbish. Ends with an error if a property
can be violated.
"""

import pathlib
import sys

from pyosys import libyosys

rtl = pathlib.Path(__file__).resolve().parent.parent
sources = [
    rtl / "src/hardware/swpu_pkg.sv",
    rtl / "src/network/swpu_compress_settings.sv",
    rtl / "src/network/swpu_compress_stages.sv",
    rtl / "src/step/swpu_zero_pack.sv",
    rtl / "src/step/swpu_zero_unpack.sv",
    rtl / "formal/swpu_zero_pack_formal.sv",
]
top = "swpu_zero_pack_formal"

for argument in sys.argv[1:]:
    lanes, width = map(int, argument.split(","))
    design = libyosys.Design()
    for command in [
        f"read_slang --top {top} -G Lanes={lanes} -G Width={width} " + " ".join(map(str, sources)),
        f"prep -flatten -top {top}",
        # Three properties: without them a proof would prove nothing.
        "select -assert-count 3 t:$check",
        "chformal -lower",
        "opt -full",
        f"sat -verify -prove-asserts -show-ports {top}",
    ]:
        libyosys.run_pass(command, design)
    print(f"{lanes} lanes of {width} bits: zeros packed, and all values restored")
