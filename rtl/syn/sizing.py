# SPDX-License-Identifier: Apache-2.0
"""Gives a placed netlist other sizes of its cells where the loads of its wires ask for them.

What drives more than its cell may is given the smallest size that may; then, along the longest path as
long as it gets shorter, each cell the size with which it and what drives it are fastest. Cells stay
where they are.
"""

import collections
import re

from synthesise import is_unwanted
from timing import Timing

ROUNDS = 60


class Sizes:
    """Cells of a library that do the same with the same pins, smallest first."""

    def __init__(self, library):
        self._stems = collections.defaultdict(list)
        for name in library.names():
            if not is_unwanted(name):
                self._stems[_stem(name)].append(name)
        self._library, self._known = library, {}

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


def resize(netlist, library, wires):
    """Changes cells of the netlist in place; gives its timing and how many were changed."""
    sizes = Sizes(library)
    before = [instance.cell for instance in netlist.instances]
    timing = Timing(netlist, wires)
    for instance in netlist.instances:
        _carry(instance, timing, sizes)
    timing = Timing(netlist, wires)
    best, kept = timing.critical_path(), [instance.cell for instance in netlist.instances]
    tried = set()
    for _ in range(ROUNDS):
        path = [i for i in timing.longest() if (id(i), i.cell.name) not in tried]
        if not path:
            break
        for instance in path:
            tried.add((id(instance), instance.cell.name))
            _quicken(instance, timing, sizes)
        timing = Timing(netlist, wires)
        if timing.critical_path() < best:
            best, kept = timing.critical_path(), [instance.cell for instance in netlist.instances]
    for instance, cell in zip(netlist.instances, kept):
        instance.cell = cell
    changed = sum(a is not b for a, b in zip(before, kept))
    return Timing(netlist, wires), changed


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
