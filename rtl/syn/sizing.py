# SPDX-License-Identifier: Apache-2.0
"""Gives a placed netlist other sizes of its cells, and buffers, where the loads of its wires ask for them.

What drives more than its cell may is given the smallest size that may; then, along the longest paths as
long as they get shorter, each cell the size with which it and what drives it are fastest, and a buffer
behind it if it is faster with one. Cells stay where they are, and a buffer is beside what it follows.
"""

import collections
import re

from synthesise import is_unwanted
from timing import Timing

ROUNDS = 60
# Rounds without a shorter path after which it ends.
PATIENCE = 10
# Ends whose longest paths a round looks at.
ENDS = 64


class Sizes:
    """Cells of a library that do the same with the same pins, smallest first."""

    def __init__(self, library):
        self._stems = collections.defaultdict(list)
        for name in library.names():
            if not is_unwanted(name):
                self._stems[_stem(name)].append(name)
        self._library, self._known = library, {}
        named = [name for name in library.names() if "buf" in name.lower() and not is_unwanted(name)]
        self.buffers = [cell for cell in (library[name] for name in named) if _repeats(cell)]

    def of(self, cell):
        """All sizes of a cell; of one that has no other, itself."""
        if cell.name not in self._known:
            cells = [self._library[name] for name in self._stems[_stem(cell.name)]]
            same = [other for other in cells if _does(other) == _does(cell)]
            self._known[cell.name] = sorted(same or [cell], key=lambda c: c.area)
        return self._known[cell.name]


def _stem(name):
    """A cell's name without its first size."""
    return re.sub(r"(?<=x)\d+(?=_ASAP7)|(?<=X)\d+$|(?<=_)\d+$", "", name)


def _does(cell):
    functions = tuple(sorted(
        (name, pin.direction, pin.function.source if pin.function else "")
        for name, pin in cell.pins.items()))
    return functions, cell.next.source if cell.is_register else ""


def _repeats(cell):
    inputs, outputs = cell.inputs(), cell.outputs()
    if cell.is_register or len(inputs) != 1 or len(outputs) != 1:
        return False
    function = cell.pins[outputs[0]].function
    return function is not None and [t for t in function.tokens if t not in "()"] == inputs


def resize(netlist, library, wires):
    """Changes the netlist in place; gives its timing, and how many cells were changed and buffers put in."""
    sizes = Sizes(library)
    instances = list(netlist.instances)
    before = [instance.cell for instance in instances]
    timing = Timing(netlist, wires)
    for instance in instances:
        _carry(instance, timing, sizes)
    timing = Timing(netlist, wires)
    best, kept = timing.critical_path(), _cells(netlist)
    tried, buffers, kept_buffers, since = set(), [], 0, 0
    for _ in range(ROUNDS):
        path = [i for i in timing.longest(ENDS) if _state(i) not in tried]
        if not path or since == PATIENCE:
            break
        for instance in path:
            tried.add(_state(instance))
            _quicken(instance, timing, sizes)
        for instance in path:
            buffers += _buffer(netlist, instance, timing, sizes)
        timing = Timing(netlist, wires)
        since += 1
        if timing.critical_path() < best:
            best, kept, kept_buffers, since = timing.critical_path(), _cells(netlist), len(buffers), 0
    for place in reversed(buffers[kept_buffers:]):
        netlist.take_out(*place)
    for instance, cell in zip(netlist.instances, kept, strict=True):
        instance.cell = cell
    changed = sum(a is not b.cell for a, b in zip(before, instances))
    return Timing(netlist, wires), changed, kept_buffers


def _cells(netlist):
    return [instance.cell for instance in netlist.instances]


def _state(instance):
    """What a cell's choice depends on, of the cell itself."""
    return id(instance), instance.cell.name, tuple(instance.nets.values())


def _carry(instance, timing, sizes):
    """The smallest size that may drive what its outputs drive."""
    for cell in sizes.of(instance.cell):
        if cell.area >= instance.cell.area and all(
                cell.pins[pin].maximum >= timing.loads[instance.nets[pin]]
                for pin in cell.outputs() if pin in instance.nets):
            instance.cell = cell
            return


def _quicken(instance, timing, sizes):
    """The size with which the cell, and what drives it, is fastest."""
    def cost(cell):
        total = 0.0
        for pin in cell.outputs():
            if pin in instance.nets:
                total += timing.delay(instance, cell, pin)
        for pin in cell.inputs():
            net = instance.nets[pin]
            driver = timing.drivers.get(net)
            if driver:
                more = cell.pins[pin].capacitance - instance.cell.pins[pin].capacitance
                total += timing.delay(driver[0], driver[0].cell, driver[1], more)
        return total

    instance.cell = min(sizes.of(instance.cell), key=lambda cell: (cost(cell), cell.area))


def _buffer(netlist, instance, timing, sizes):
    """Puts a buffer behind each output that is faster with one; where, as `Netlist.take_out` is given it."""
    found = []
    for pin in instance.cell.outputs():
        if pin not in instance.nets:
            continue
        quickest = min(
            sizes.buffers, default=None,
            key=lambda cell: (timing.buffered(instance, instance.cell, pin, cell), cell.area))
        if quickest and timing.buffered(instance, instance.cell, pin, quickest) < timing.delay(
                instance, instance.cell, pin):
            found.append((netlist.insert(quickest, instance, pin), instance, pin))
    return found
