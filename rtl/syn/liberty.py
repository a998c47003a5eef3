# SPDX-License-Identifier: Apache-2.0
"""Reads what timing and power need from Liberty files: cells, pins, tables, states.

Values come in the units of one library for all: picoseconds, femtofarads, femtojoules, picowatts, µm².
Cells are read when they are first asked for, since a netlist uses few of a library's.
"""

import gzip
import math
import pathlib
import re

TOKEN = re.compile(r'"[^"]*"|[A-Za-z_][\w.\[\]<>]*|-?[\d.][\w.+-]*|[{}():;,]')
COMMENT = re.compile(r"/\*.*?\*/", re.S)
# An attribute whose semicolon is missing, which some libraries have and readers forgive.
OPEN_END = re.compile(r"^(\s*\w+\s*:\s*[^;{}\n]*[^;{}\s\\])\s*$", re.M)

TEMPLATE = re.compile(r"\b(?:lu_table|power_lut)_template\s*\(\s*\"?([\w.]+)\"?\s*\)\s*{[^}]*}")


class Group:
    """`name (arguments) { attributes and groups }`."""

    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments
        self.attributes, self.groups = {}, []

    def all(self, name):
        return [group for group in self.groups if group.name == name]

    def text(self, name, otherwise=None):
        return self.attributes.get(name, otherwise)

    def number(self, name, otherwise=0.0):
        return float(self.attributes.get(name, otherwise))


def parse(text):
    """The group that a text is."""
    text = OPEN_END.sub(r"\1;", COMMENT.sub(" ", text.replace("\\\n", " ")))
    tokens = TOKEN.findall(text)
    place = 0
    outer = Group("", [])
    stack = [outer]
    while place < len(tokens):
        name = tokens[place]
        if name == "}":
            stack.pop()
            place += 1
            continue
        if name == ";":
            place += 1
            continue
        if tokens[place + 1] == ":":
            end = place + 2
            while tokens[end] not in (";", "}"):
                end += 1
            stack[-1].attributes[name] = "".join(tokens[place + 2 : end]).strip('"')
            place = end
            continue
        end = tokens.index(")", place)
        arguments = [token.strip('"') for token in tokens[place + 2 : end] if token != ","]
        place = end + 1
        if place < len(tokens) and tokens[place] == "{":
            group = Group(name, arguments)
            stack[-1].groups.append(group)
            stack.append(group)
            place += 1
        else:
            stack[-1].attributes[name] = arguments
    return outer.groups[0]


class Unsupported(Exception):
    """A library has something that is not supported; the message names where and what."""


# What the axes of a table may be, by the name of a template's variable: the first is looked up by the
# first argument of a table, the second by the second, whichever of them the template names first.
FIRST = {"input_net_transition", "input_transition_time", "constrained_pin_transition"}
SECOND = {"total_output_net_capacitance", "related_pin_transition"}


def numbers(value):
    parts = value if isinstance(value, list) else [value]
    return [float(x) for part in parts for x in part.replace(",", " ").split()]


class Template:
    """The axes of tables, in the order of their values: a variable and its places each."""

    def __init__(self, group):
        self.axes = []
        for number in (1, 2, 3):
            variable = group.text(f"variable_{number}")
            if variable is None:
                break
            self.axes.append((variable, numbers(group.text(f"index_{number}", []))))


class Table:
    """A look-up table, bilinear in between and beyond: of delays and energies over the slew of an input
    and the load of an output, of constraints over the slews of the constrained and of the related pin.

    Which of the two comes first, and the places that the table itself does not give, is for its
    template to say.
    """

    def __init__(self, group, scale, units, templates):
        """`units` has the unit of time and that of capacitance."""
        values = [x * scale for x in numbers(group.text("values"))]
        name = group.arguments[0] if group.arguments else "scalar"
        # Of a value that does not depend on anything no template needs to be known.
        axes = [] if len(values) == 1 else self._axes(group, name, units, templates)
        if math.prod(len(places) for _, places in axes) != len(values):
            raise Unsupported(
                f"{group.name} ({name}) has {len(values)} values, and axes of "
                + " x ".join(str(len(places)) for _, places in axes))
        if len(axes) == 2 and axes[0][0] in SECOND:
            height, width = len(axes[0][1]), len(axes[1][1])
            values = [values[row * width + column] for column in range(width) for row in range(height)]
            axes.reverse()
        self.values = values
        # An axis of one place decides nothing.
        self.slews, self.loads = (
            next((places for variable, places in axes if variable in kind and len(places) > 1), [])
            for kind in (FIRST, SECOND))

    @staticmethod
    def _axes(group, name, units, templates):
        if name not in templates:
            raise Unsupported(f"{group.name} ({name}): the library has no template {name}")
        axes = []
        for number, (variable, places) in enumerate(templates[name].axes, 1):
            if variable not in FIRST | SECOND:
                raise Unsupported(
                    f"{group.name} ({name}) is over {variable}; read are tables over "
                    + ", ".join(sorted(FIRST | SECOND)))
            own = group.text(f"index_{number}")
            unit = units[1] if variable == "total_output_net_capacitance" else units[0]
            axes.append((variable, [x * unit for x in (numbers(own) if own else places)]))
        if len({variable in FIRST for variable, _ in axes}) != len(axes):
            raise Unsupported(
                f"{group.name} ({name}) is over {' and '.join(variable for variable, _ in axes)}")
        return axes

    @staticmethod
    def _place(axis, value):
        if not axis:
            return 0, 0.0
        low = 0
        while low < len(axis) - 2 and axis[low + 1] < value:
            low += 1
        return low, (value - axis[low]) / (axis[low + 1] - axis[low])

    def __call__(self, first, second):
        i, x = self._place(self.slews, first)
        j, y = self._place(self.loads, second)
        width = len(self.loads) or 1
        low, high = i * width + j, (i + 1) * width + j
        below = self.values[low]
        if y:
            below += (self.values[low + 1] - below) * y
        if not x:
            return below
        above = self.values[high]
        if y:
            above += (self.values[high + 1] - above) * y
        return below + (above - below) * x


class Expression:
    """A Boolean expression of Liberty as Python source over integers of many vectors: bit v of every
    name is its value in vector v, and `M` has all bits set."""

    def __init__(self, text):
        self.tokens = re.findall(r"\w+|[!'*&+|^()]", text)
        self.place = 0
        self.names = sorted({token for token in self.tokens if re.match(r"[A-Za-z_]", token)})
        self.source = self._sum()
        self.code = compile(self.source, text, "eval")

    def __call__(self, values, ones):
        return eval(self.code, {"M": ones}, values)

    def _peek(self):
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def _sum(self):
        terms = [self._exclusive()]
        while self._peek() in ("+", "|"):
            self.place += 1
            terms.append(self._exclusive())
        return terms[0] if len(terms) == 1 else "(" + " | ".join(terms) + ")"

    def _exclusive(self):
        terms = [self._product()]
        while self._peek() == "^":
            self.place += 1
            terms.append(self._product())
        return terms[0] if len(terms) == 1 else "(" + " ^ ".join(terms) + ")"

    def _product(self):
        terms = [self._factor()]
        while self._peek() in ("*", "&") or re.match(r"[\w!(]", self._peek()):
            if self._peek() in ("*", "&"):
                self.place += 1
            terms.append(self._factor())
        return terms[0] if len(terms) == 1 else "(" + " & ".join(terms) + ")"

    def _factor(self):
        token = self._peek()
        self.place += 1
        if token == "!":
            return f"(M ^ {self._factor()})"
        if token == "(":
            inner = self._sum()
            self.place += 1
        else:
            inner = {"0": "0", "1": "M"}.get(token, token)
        while self._peek() == "'":
            self.place += 1
            inner = f"(M ^ {inner})"
        return inner


class Pin:
    def __init__(self, group, capacitance):
        self.direction = group.text("direction")
        self.capacitance = group.number("capacitance") * capacitance
        # What a rising and a falling edge see.
        self.edges = tuple(
            group.number(f"{edge}_capacitance", group.number("capacitance")) * capacitance
            for edge in ("rise", "fall"))
        # The most that an output may drive.
        self.maximum = group.number("max_capacitance", "inf") * capacitance
        self.is_clock = group.text("clock") == "true"
        function = group.text("function")
        self.function = Expression(function) if function else None


class Power:
    """Internal energy of a pin's transition, where `when` holds: `rise` and `fall`."""

    def __init__(self, pin, group, scale, units, templates):
        self.pin, self.related = pin, group.text("related_pin")
        self.supply = group.text("related_pg_pin", "")
        when = group.text("when")
        self.when = Expression(when) if when else None
        tables = {table.name: Table(table, scale, units, templates) for table in group.groups}
        either = tables.get("power")
        self.rise = tables.get("rise_power", either)
        self.fall = tables.get("fall_power", either)


class Arc:
    """Delay from a pin to another, or a constraint between them."""

    def __init__(self, pin, related, group, units, templates):
        self.pin, self.related = pin, related
        self.kind = group.text("timing_type", "combinational")
        self.sense = group.text("timing_sense", "non_unate")
        self.tables = {
            table.name: Table(table, units[0], units, templates)
            for table in group.groups
            if table.name
            in (
                "cell_rise", "cell_fall", "rise_transition", "fall_transition",
                "rise_constraint", "fall_constraint",
            )
        }


class Cell:
    def __init__(self, group, units, templates):
        _, capacitance, energy, leakage = units
        self.name, self.area = group.arguments[0], group.number("area")
        self.pins, self.powers, self.arcs = {}, [], []
        for pin in group.all("pin"):
            for name in pin.arguments:
                self.pins[name] = Pin(pin, capacitance)
                self.powers += [
                    Power(name, power, energy, units, templates)
                    for power in pin.all("internal_power")
                ]
                for timing in pin.all("timing"):
                    for related in (timing.text("related_pin") or "").split():
                        self.arcs.append(Arc(name, related, timing, units, templates))
        self.leakages = []
        for entry in group.all("leakage_power"):
            if entry.text("related_pg_pin", "VDD") == "VSS":
                continue
            when = entry.text("when")
            self.leakages.append(
                (Expression(when) if when else None, entry.number("value") * leakage))
        if all(when for when, _ in self.leakages) and group.text("cell_leakage_power"):
            self.leakages.append((None, group.number("cell_leakage_power") * leakage))
        registers = group.all("ff")
        self.is_register = bool(registers)
        if registers:
            register = registers[0]
            self.state, self.inverse = register.arguments
            self.next = Expression(register.text("next_state"))
            self.clear = self._optional(register.text("clear"))
            self.preset = self._optional(register.text("preset"))
            self.clock = next(n for n, p in self.pins.items() if p.is_clock)

    @staticmethod
    def _optional(text):
        return Expression(text) if text else None

    def inputs(self):
        return [name for name, pin in self.pins.items() if pin.direction == "input"]

    def outputs(self):
        return [name for name, pin in self.pins.items() if pin.direction == "output"]


class Library:
    """The cells of some Liberty files, `.lib` or `.lib.gz`, of one corner."""

    def __init__(self, files):
        self.files = [pathlib.Path(file) for file in files]
        self._texts, self._cells, self._headers = {}, {}, {}
        for file in self.files:
            raw = file.read_bytes()
            text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
            starts = [m for m in re.finditer(r"^\s*cell\s*\(\s*\"?(\w+)\"?\s*\)\s*{", text, re.M)]
            before = text[: starts[0].start()]
            header = self._header(before)
            for start, following in zip(starts, starts[1:] + [None]):
                end = following.start() if following else text.rindex("}")
                self._texts[start.group(1)] = (text[start.start() : end], header)
                self._headers[start.group(1)] = before
            units, _, self.name, self.volts = header
            # Picoseconds and femtofarads of the library's own units.
            self.units = units[:2]

    @staticmethod
    def _header(text):
        """Units, templates, name and supply."""

        def attribute(name, otherwise=None):
            found = re.search(rf"\b{name}\s*:\s*\"?([^\";]+)\"?\s*;", text)
            return found.group(1).strip() if found else otherwise

        def unit(name, otherwise, known):
            found = attribute(name, otherwise)
            match = re.fullmatch(r"([\d.]+)\s*([a-zA-Z]+)", found)
            if not match or match.group(2).lower() not in known:
                raise Unsupported(f"{name} is {found}; read are {', '.join(known)}")
            return float(match.group(1)) * known[match.group(2).lower()]

        time = unit("time_unit", "1ns", {"fs": 1e-3, "ps": 1.0, "ns": 1e3, "us": 1e6})
        leakage = unit("leakage_power_unit", "1pw", {"pw": 1.0, "nw": 1e3, "uw": 1e6, "mw": 1e9})
        found = re.search(r"capacitive_load_unit\s*\(\s*([\d.]+)\s*,\s*\"?(\w+)", text)
        capacitance = float(found.group(1)) * {"ff": 1.0, "pf": 1000.0}[found.group(2).lower()]
        volts = float(attribute("nom_voltage"))
        templates = {
            match.group(1): Template(parse(match.group(0))) for match in TEMPLATE.finditer(text)
        }
        name = re.search(r"library\s*\(\s*\"?([^\s\")]+)", text).group(1)
        # Energies are in the unit of capacitance times that of voltage squared.
        return (time, capacitance, capacitance, leakage), templates, name, volts

    def __contains__(self, name):
        return name in self._texts

    def names(self):
        return list(self._texts)

    def excerpts(self, names):
        """Liberty texts of these cells alone, one for each file that has any."""
        cells = {}
        for name in sorted(names):
            cells.setdefault(self._headers[name], []).append(self._texts[name][0])
        return [header + "".join(texts) + "\n}\n" for header, texts in cells.items()]

    def __getitem__(self, name):
        if name not in self._cells:
            text, (units, templates, *_) = self._texts[name]
            try:
                self._cells[name] = Cell(parse(text), units, templates)
            except Unsupported as error:
                raise Unsupported(f"{self.name}, cell {name}: {error}") from error
        return self._cells[name]
