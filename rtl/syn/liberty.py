"""Reads what timing and power need from Liberty files: cells, pins, tables, states.

Values come in the units of one library for all: picoseconds, femtofarads, femtojoules, picowatts, µm².
Cells are read when they are first asked for, since a netlist uses few of a library's.
"""

import gzip
import pathlib
import re

TOKEN = re.compile(r'"[^"]*"|[A-Za-z_][\w.\[\]<>]*|-?[\d.][\w.+-]*|[{}():;,]')
COMMENT = re.compile(r"/\*.*?\*/", re.S)
# An attribute whose semicolon is missing, which some libraries have and readers forgive.
OPEN_END = re.compile(r"^(\s*\w+\s*:\s*[^;{}\n]*[^;{}\s\\])\s*$", re.M)


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


class Table:
    """A look-up table over the slew of an input and the load of an output, bilinear in between."""

    def __init__(self, group, scale, axes):
        def numbers(value):
            parts = value if isinstance(value, list) else [value]
            return [float(x) for part in parts for x in part.replace(",", " ").split()]

        def axis(index):
            found = group.text(f"index_{index}")
            return [x * axes[index - 1] for x in numbers(found)] if found else []

        self.slews, self.loads = axis(1), axis(2)
        self.values = [x * scale for x in numbers(group.text("values"))]

    @staticmethod
    def _place(axis, value):
        low = 0
        while low < len(axis) - 2 and axis[low + 1] < value:
            low += 1
        return low, (value - axis[low]) / (axis[low + 1] - axis[low])

    def __call__(self, slew, load):
        if len(self.values) == 1:
            return self.values[0]
        i, x = self._place(self.slews, slew)
        if not self.loads:
            return self.values[i] * (1 - x) + self.values[i + 1] * x
        j, y = self._place(self.loads, load)
        width = len(self.loads)
        low, high = i * width + j, (i + 1) * width + j
        below = self.values[low] * (1 - y) + self.values[low + 1] * y
        above = self.values[high] * (1 - y) + self.values[high + 1] * y
        return below * (1 - x) + above * x


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
        self.is_clock = group.text("clock") == "true"
        function = group.text("function")
        self.function = Expression(function) if function else None


class Power:
    """Internal energy of a pin's transition, where `when` holds: `rise` and `fall`."""

    def __init__(self, pin, group, scale, axes):
        self.pin, self.related = pin, group.text("related_pin")
        self.supply = group.text("related_pg_pin", "")
        when = group.text("when")
        self.when = Expression(when) if when else None
        tables = {table.name: Table(table, scale, axes) for table in group.groups}
        either = tables.get("power")
        self.rise = tables.get("rise_power", either)
        self.fall = tables.get("fall_power", either)


class Arc:
    """Delay from a pin to another, or a constraint between them."""

    def __init__(self, pin, related, group, time, axes):
        self.pin, self.related = pin, related
        self.kind = group.text("timing_type", "combinational")
        self.sense = group.text("timing_sense", "non_unate")
        constraint = (time, time)
        self.tables = {
            table.name: Table(table, time, constraint if "constraint" in table.name else axes)
            for table in group.groups
            if table.name
            in (
                "cell_rise", "cell_fall", "rise_transition", "fall_transition",
                "rise_constraint", "fall_constraint",
            )
        }


class Cell:
    def __init__(self, group, units):
        time, capacitance, energy, leakage = units
        axes = (time, capacitance)
        self.name, self.area = group.arguments[0], group.number("area")
        self.pins, self.powers, self.arcs = {}, [], []
        for pin in group.all("pin"):
            name = pin.arguments[0]
            self.pins[name] = Pin(pin, capacitance)
            self.powers += [Power(name, power, energy, axes) for power in pin.all("internal_power")]
            for timing in pin.all("timing"):
                for related in (timing.text("related_pin") or "").split():
                    self.arcs.append(Arc(name, related, timing, time, axes))
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
        self._texts, self._cells = {}, {}
        for file in self.files:
            raw = file.read_bytes()
            text = (gzip.decompress(raw) if file.suffix == ".gz" else raw).decode()
            starts = [m for m in re.finditer(r"^\s*cell\s*\(\s*\"?(\w+)\"?\s*\)\s*{", text, re.M)]
            header = self._header(text[: starts[0].start()])
            for start, following in zip(starts, starts[1:] + [None]):
                end = following.start() if following else text.rindex("}")
                self._texts[start.group(1)] = (text[start.start() : end], header)
            self.name, self.volts = header[1], header[2]

    @staticmethod
    def _header(text):
        def attribute(name, otherwise=None):
            found = re.search(rf"\b{name}\s*:\s*\"?([^\";]+)\"?\s*;", text)
            return found.group(1).strip() if found else otherwise

        time = {"1ps": 1.0, "1ns": 1000.0}[attribute("time_unit")]
        found = re.search(r"capacitive_load_unit\s*\(\s*([\d.]+)\s*,\s*\"?(\w+)", text)
        capacitance = float(found.group(1)) * {"ff": 1.0, "pf": 1000.0}[found.group(2).lower()]
        volts = float(attribute("nom_voltage"))
        # Energies are in the unit of capacitance times that of voltage squared.
        leakage = {"1pW": 1.0, "1nW": 1e3, "1uW": 1e6}[attribute("leakage_power_unit", "1pW")]
        name = re.search(r"library\s*\(\s*\"?([^\s\")]+)", text).group(1)
        return (time, capacitance, capacitance, leakage), name, volts

    def __contains__(self, name):
        return name in self._texts

    def names(self):
        return list(self._texts)

    def __getitem__(self, name):
        if name not in self._cells:
            text, header = self._texts[name]
            self._cells[name] = Cell(parse(text), header[0])
        return self._cells[name]
