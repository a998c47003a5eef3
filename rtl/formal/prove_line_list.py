# SPDX-License-Identifier: Apache-2.0
"""Proves the properties of swpu_line_list_formal.sv for the sizes given as arguments, each
ROWS,WINDOW,WORD,LOOKAHEAD: rows of a core, entries of a window, bits of a mask word, lines to choose among.

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
    rtl / "src/reorder/swpu_line_list.sv",
    rtl / "formal/swpu_line_list_formal.sv",
]
top = "swpu_line_list_formal"

for argument in sys.argv[1:]:
    rows, window, word, lookahead = map(int, argument.split(","))
    text = (rtl / "src/hardware/swpu_pkg.sv").read_text()
    for name, value in {"Rows": rows, "Window": window, "MaskWord": word}.items():
        text, count = re.subn(rf"(parameter int unsigned {name} = )\d+", rf"\g<1>{value}", text)
        assert count == 1, f"swpu_pkg.sv has {count} parameters {name}"
    with tempfile.TemporaryDirectory() as folder:
        sizes = pathlib.Path(folder) / "swpu_pkg.sv"
        sizes.write_text(text)
        design = libyosys.Design()
        for command in [
            f"read_slang --top {top} -G Lookahead={lookahead} " + " ".join(map(str, [sizes, *sources])),
            f"prep -flatten -top {top}",
            # Eleven properties and five assumptions: without them a proof would prove nothing.
            "select -assert-count 16 t:$check",
            "async2sync",
            "dffunmap",
            "chformal -lower",
            "opt -full",
            "sat -verify -tempinduct -prove-asserts -set-assumes -set-init-zero -maxsteps 3 "
            f"-show-ports {top}",
        ]:
            libyosys.run_pass(command, design)
    print(f"{rows} rows, {lookahead} lines to choose among: a list is a permutation of what is needed")
