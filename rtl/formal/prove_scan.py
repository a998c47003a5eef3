# SPDX-License-Identifier: Apache-2.0
"""Proves the properties of swpu_scan_formal.sv for scan units of the sizes given as arguments, each
ROWS,WINDOW,WORD: rows of a core, entries of a window, mask bits that are looked at in a cycle.

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
    rtl / "src/core/swpu_word_places.sv",
    rtl / "src/core/swpu_window_packer.sv",
    rtl / "src/core/swpu_scan_unit.sv",
    rtl / "formal/swpu_scan_formal.sv",
]
top = "swpu_scan_formal"


def package(**sizes):
    """The package of the default machine with other sizes."""
    text = (rtl / "src/hardware/swpu_pkg.sv").read_text()
    for name, value in sizes.items():
        text, count = re.subn(
            rf"(parameter (?:int unsigned|bit) {name} = )[\d'b]+", rf"\g<1>{value}", text)
        assert count == 1, f"swpu_pkg.sv has {count} parameters {name}"
    return text


for argument in sys.argv[1:]:
    rows, window, word = map(int, argument.split(","))
    with tempfile.TemporaryDirectory() as folder:
        sizes = pathlib.Path(folder) / "swpu_pkg.sv"
        sizes.write_text(package(Rows=rows, Window=window, MaskWord=word, ListLines="1'b0"))
        design = libyosys.Design()
        for command in [
            f"read_slang --top {top} " + " ".join(map(str, [sizes, *sources])),
            f"prep -flatten -top {top}",
            # Eight properties and eight assumptions: without them a proof would prove nothing.
            "select -assert-count 16 t:$check",
            "async2sync",
            "dffunmap",
            "chformal -lower",
            "opt -full",
            "sat -verify -tempinduct -prove-asserts -set-assumes -set-init-zero -maxsteps 3 "
            f"-show-ports {top}",
        ]:
            libyosys.run_pass(command, design)
    print(f"{rows} rows, windows of {window}, words of {word}: no needed entry is passed")
