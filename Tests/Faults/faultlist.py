# SPDX-License-Identifier: Apache-2.0
"""Reads lists of faults, finds their places in the sources, and writes sources that hold all of them.

A list names a file, the suites that must fail, perhaps a program of the Makefile that is run before them
because it is faster, and then one fault a line: text of the file in which
«right → wrong» marks an expression and ⟪right → wrong⟫ statements; ⏎ stands for a line break and the
indentation behind it. The text must occur once in the file.

Building a program for each fault would take days. Instead every place chooses by a number that the
program reads from the environment when it starts (mutant schemata, Untch et al. 1993), so one build
serves all faults.
"""
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "SWPU_FAULT"
MARK = re.compile(r"«(?P<e>.*?)»|⟪(?P<s>.*?)⟫")


class ListError(Exception):
    """A list that cannot be used: its file and line, and why."""


@dataclass(frozen=True)
class Fault:
    area: str
    line: int
    file: str  # the end of its path
    suite: str
    program: str | None  # with its arguments
    text: str
    before: str
    right: str
    wrong: str
    after: str
    is_statement: bool

    @property
    def number(self):
        """Follows from the text, so that another fault in a list does not rebuild everything."""
        return zlib.crc32(f"{self.file}: {self.text}".encode()) & 0x7FFFFFFF or 1

    @property
    def place(self):
        return f"{self.area}:{self.line}"


def read(path):
    file = suite = program = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        key, _, rest = line.partition(" ")
        if key == "file":
            file = rest.strip()
            continue
        if key == "suite":
            suite, program = rest.strip(), None
            continue
        if key == "program":
            program = rest.strip()
            continue
        marks = list(MARK.finditer(line))
        if len(marks) != 1 or file is None or suite is None:
            raise ListError(f"{path.name}:{number}: one «right → wrong» behind a file and a suite, not: {line}")
        mark = marks[0]
        text = mark["e"] if mark["e"] is not None else mark["s"]
        right, arrow, wrong = text.partition("→")
        if not arrow:
            raise ListError(f"{path.name}:{number}: no → in: {line}")
        # The switch is an expression or a statement; half of an expression would not compile.
        if mark["e"] and re.match(r"\s*[-+*/%&|<>=?]+\s", right):
            raise ListError(f"{path.name}:{number}: a whole expression on the left of the →, not: {right}")
        yield Fault(
            area=path.stem, line=number, file=file, suite=suite,
            program=program, text=line,
            before=line[:mark.start()], right=right.strip(), wrong=wrong.strip(),
            after=line[mark.end():], is_statement=mark["s"] is not None)


def read_all(folder):
    faults = [fault for path in sorted(folder.glob("*.txt")) for fault in read(path)]
    known = {}
    for fault in faults:
        if fault.number in known:
            raise ListError(f"{fault.place}: the same fault as {known[fault.number].place}")
        known[fault.number] = fault
    return faults


def _pattern(text):
    """A pattern for text of a list, of which ⏎ is a line break with the spaces around it."""
    return r"\n\s*".join(re.escape(part) for part in re.split(r"\s*⏎\s*", text))


def locate(fault, sources):
    """The path of the fault's file and the place of its right text.

    `sources`: text of every source by its path. Raises `ListError` where there is not exactly one place.
    """
    paths = [path for path in sources if ("/" + path).endswith("/" + fault.file)]
    if len(paths) != 1:
        raise ListError(f"{fault.place}: {len(paths)} files end in {fault.file}")
    pattern = (f"(?P<before>{_pattern(fault.before)})(?P<right>{_pattern(fault.right)})"
               f"{_pattern(fault.after)}")
    found = list(re.finditer(pattern, sources[paths[0]]))
    if len(found) != 1:
        raise ListError(f"{fault.place}: {len(found)} places in {paths[0]} read {fault.text}")
    return paths[0], found[0].start("right"), found[0].end("right")


def instrument(path, text, places):
    """The text of a file with its faults, `places` being (start, end, fault)."""
    is_swift = path.endswith(".swift")

    def chosen(fault, right):
        test = f"isFault({fault.number})" if is_swift else f"(swpu_fault == {fault.number})"
        wrong = fault.wrong.replace("⏎", "\n")
        if fault.is_statement:
            return f"if {test} {{ {wrong} }} else {{ {right} }}"
        return f"({test} ? ({wrong}) : ({right}))"

    def rendered(start, end, inside):
        result, at = "", start
        while inside:
            first = inside[0]
            within = [p for p in inside[1:] if p[1] <= first[1]]
            beyond = inside[1 + len(within):]
            if any(p[0] < first[1] for p in beyond):
                raise ListError(f"{first[2].place}: overlaps another fault")
            result += text[at:first[0]] + chosen(first[2], rendered(first[0], first[1], within))
            at, inside = first[1], beyond
        return result + text[at:end]

    places = sorted(places, key=lambda p: (p[0], -p[1], p[2].number))
    declaration = "" if is_swift else "extern int swpu_fault;\n"
    return declaration + rendered(0, len(text), places)


SWIFT_SWITCH = f"""import Foundation

/// The fault of this run of the program; 0 for none.
let activeFault = Int(ProcessInfo.processInfo.environment["{VARIABLE}"] ?? "") ?? 0
func isFault(_ number: Int) -> Bool {{ activeFault == number }}
"""

C_SWITCH = f"""#include <stdlib.h>

int swpu_fault;
__attribute__((constructor)) static void read_fault(void) {{
  const char *value = getenv("{VARIABLE}");
  swpu_fault = value ? atoi(value) : 0;
}}
"""


def with_faults(sources, faults, allow_absent=False):
    """Sources that hold all faults, and the faults that they hold."""
    places, held = {}, []
    problems = []
    for fault in faults:
        try:
            path, start, end = locate(fault, sources)
        except ListError as error:
            problems.append(str(error))
            continue
        places.setdefault(path, []).append((start, end, fault))
        held.append(fault)
    if problems and not allow_absent:
        raise ListError("\n".join(problems))
    changed = dict(sources)
    for path, found in places.items():
        changed[path] = instrument(path, sources[path], found)
        module = "/".join(path.split("/")[:2])
        if path.endswith(".swift"):
            changed[f"{module}/FaultSwitch.swift"] = SWIFT_SWITCH
        else:
            changed[f"{module}/fault_switch.c"] = C_SWITCH
    return changed, held


def is_source(path):
    return Path(path).parts[0] == "Sources" and Path(path).suffix in {".swift", ".c", ".h", ".inc"}
