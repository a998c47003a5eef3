# SPDX-License-Identifier: Apache-2.0
"""Proves the properties of swpu_hold_formal.sv for rows of so many lanes as the arguments say.

Yosys does it by induction over time: from reset, and from any state in which the properties hold. Ends
with an error if one can be violated.
"""

import pathlib
import re
import sys
import tempfile

from pyosys import libyosys

rtl = pathlib.Path(__file__).resolve().parent.parent
sources = [
    rtl / "src/hardware/swpu_types_pkg.sv",
    rtl / "src/arithmetic/swpu_bf16_multiply.sv",
    rtl / "src/arithmetic/swpu_fp32_add.sv",
    rtl / "src/arithmetic/swpu_bf16_mac.sv",
    rtl / "formal/swpu_hold_formal.sv",
]
top = "swpu_hold_formal"

for argument in sys.argv[1:]:
    lanes = int(argument)
    text = (rtl / "src/hardware/swpu_pkg.sv").read_text()
    text, count = re.subn(r"(parameter int unsigned Lanes = )\d+", rf"\g<1>{lanes}", text)
    assert count == 1, f"swpu_pkg.sv has {count} parameters Lanes"
    with tempfile.TemporaryDirectory() as folder:
        sizes = pathlib.Path(folder) / "swpu_pkg.sv"
        sizes.write_text(text)
        design = libyosys.Design()
        for command in [
            f"read_slang --top {top} " + " ".join(map(str, [sizes, *sources])),
            f"prep -flatten -top {top}",
            # Three properties and one of each lane: without them a proof would prove nothing.
            f"select -assert-count {3 + lanes} t:$check",
            "async2sync",
            "dffunmap",
            "chformal -lower",
            "opt -full",
            "sat -verify -tempinduct -prove-asserts -set-assumes -set-init-zero -maxsteps 3 "
            f"-show-ports {top}",
        ]:
            libyosys.run_pass(command, design)
    print(f"{lanes} lanes: those that hold change nothing that is used")
