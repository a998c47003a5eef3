# SPDX-License-Identifier: Apache-2.0
"""Energy of a netlist from its library and what its nets did: a trace of settled values.

Energy of switching is C·V²/2 a transition, C being the pins on the net, and its wire where the timing
has wires. Internal energy comes from the tables, each transition with the slew of its cause and the
load; groups with `when` count in the cycles in which it holds. A trace without delays has no glitches: a
lower bound.
"""

import collections
import dataclasses


@dataclasses.dataclass
class Energy:
    """Femtojoules a cycle and vector, and leakage in picowatts."""

    # Gates, and the nets that they and the inputs drive.
    gates: float = 0.0
    # Registers' outputs and data pins.
    registers: float = 0.0
    # Clock pins of the registers, in every cycle.
    clock: float = 0.0
    leakage_picowatts: float = 0.0

    @property
    def dynamic(self):
        return self.gates + self.registers + self.clock


def energy(netlist, timing, trace, volts, moves=None):
    """Energy of a trace; `moves` counts the transitions of every net where that is more than the
    trace shows, for then internal energy grows in proportion."""
    glitches = {}
    for net, count in enumerate(moves or []):
        settled = trace.toggles(net).bit_count()
        if settled:
            glitches[net] = count / settled
    return _Estimate(netlist, timing, trace, volts, glitches).total()


class _Estimate:
    def __init__(self, netlist, timing, trace, volts, glitches):
        self.netlist, self.timing, self.trace, self.volts = netlist, timing, trace, volts
        self.glitches = glitches
        self.rises, self.falls = {}, {}

    def _edges(self, net):
        if net not in self.rises:
            before, after = self.trace.previous(net), self.trace.present(net)
            self.rises[net] = after & ~before
            self.falls[net] = before & ~after
        return self.rises[net], self.falls[net]

    def total(self):
        result = Energy()
        steps = self.trace.steps
        registered = {
            r.nets[pin] for r in self.netlist.registers for pin in r.cell.outputs() if pin in r.nets
        }
        for net, load in enumerate(self.timing.loads):
            moved = self.trace.toggles(net).bit_count() * self.glitches.get(net, 1.0)
            switching = moved * load * self.volts**2 / 2
            if net in registered:
                result.registers += switching
            else:
                result.gates += switching
        for gate in self.netlist.gates:
            result.gates += self._internal(gate)
            result.leakage_picowatts += self._leakage(gate)
        # Both edges of the clock's wires in every cycle.
        for net in self.netlist.ports.get("clk_i", ("", []))[1]:
            result.clock += steps * self.timing.wires.get(net, 0.0) * self.volts**2
        for register in self.netlist.registers:
            clock = self._clock(register)
            result.clock += clock
            result.registers += self._internal(register)
            result.leakage_picowatts += self._leakage(register)
        result.gates /= steps
        result.registers /= steps
        result.clock /= steps
        return result

    def _pins(self, instance):
        return {pin: self.trace.present(net) for pin, net in instance.nets.items()}

    def _by_supply(self, powers):
        """Groups of each supply pin separately; their energies are to be added."""
        groups = collections.defaultdict(list)
        for power in powers:
            groups[power.supply].append(power)
        return groups.values()

    def _internal(self, instance):
        """All but the clock pin of a register, in femtojoules over the whole trace."""
        cell, ones = instance.cell, self.trace.ones
        pins = self._pins(instance)
        if cell.is_register:
            # Data move right after the rising edge.
            pins[cell.clock] = ones
        total = 0.0
        passive = collections.defaultdict(list)
        driven = collections.defaultdict(lambda: collections.defaultdict(list))
        for power in cell.powers:
            if power.pin not in instance.nets:
                continue
            if power.related:
                driven[power.pin][power.related].append(power)
            elif not (cell.is_register and power.pin == cell.clock):
                passive[power.pin].append(power)
        for pin, powers in passive.items():
            net = instance.nets[pin]
            rises, falls = self._edges(net)
            slew = self.timing.slew(net)
            more = self.glitches.get(net, 1.0)
            for group in self._by_supply(powers):
                rest = ones
                for power in sorted(group, key=lambda p: p.when is None):
                    holds = power.when(pins, ones) & rest if power.when else rest
                    rest &= ~holds
                    total += more * self._edge_energy(power, rises & holds, falls & holds, slew, 0.0)
        for pin, by_cause in driven.items():
            net = instance.nets[pin]
            rises, falls = self._edges(net)
            if not rises and not falls:
                continue
            more = self.glitches.get(net, 1.0)
            load = self.timing.loads[net]
            if cell.is_register:
                for group in self._by_supply(by_cause.get(cell.clock, [])):
                    for power in group:
                        total += self._edge_energy(
                            power, rises, falls, self.timing.input_slew, load)
                continue
            # Of several inputs that move in a cycle each is the cause with the same likelihood.
            moved = {c: self.trace.toggles(instance.nets[c]) for c in by_cause}
            counts = {c: ((rises | falls) & moved[c]).bit_count() for c in by_cause}
            causes = sum(counts.values())
            if not causes:
                continue
            share = (rises | falls).bit_count() / causes
            for cause, powers in by_cause.items():
                slew = self.timing.slew(instance.nets[cause])
                up, down = rises & moved[cause], falls & moved[cause]
                for group in self._by_supply(powers):
                    rest = ones
                    for power in sorted(group, key=lambda p: p.when is None):
                        holds = power.when(pins, ones) & rest if power.when else rest
                        rest &= ~holds
                        total += more * share * self._edge_energy(
                            power, up & holds, down & holds, slew, load)
                    # States that no group names, since several inputs moved: the mean of the groups.
                    if (up | down) & rest:
                        total += more * share * sum(
                            self._edge_energy(p, up & rest, down & rest, slew, load)
                            for p in group) / len(group)
        return total

    def _clock(self, register):
        """The clock pin's two edges in every cycle, by the state before the rising one."""
        cell, ones, steps = register.cell, self.trace.ones, self.trace.steps
        pins = {pin: self.trace.previous(net) for pin, net in register.nets.items()}
        capacitance = cell.pins[cell.clock].capacitance
        total = steps * capacitance * self.volts**2
        for group in self._by_supply(
                [p for p in cell.powers if p.pin == cell.clock and not p.related]):
            for edge in ("rise", "fall"):
                pins[cell.clock] = 0 if edge == "rise" else ones
                rest = ones
                for power in sorted(group, key=lambda p: p.when is None):
                    names = power.when.names if power.when else []
                    missing = {n: self._complement(register, pins, n) for n in names if n not in pins}
                    holds = power.when({**pins, **missing}, ones) & rest if power.when else rest
                    rest &= ~holds
                    table = getattr(power, edge)
                    if table:
                        total += holds.bit_count() * table(self.timing.input_slew, 0.0)
        return total

    def _complement(self, register, pins, name):
        """An output that nothing is connected to, from the one that is."""
        function = register.cell.pins[name].function
        other = next(n for n in register.cell.outputs() if n in register.nets)
        same = function.source == register.cell.pins[other].function.source
        return pins[other] if same else self.trace.ones ^ pins[other]

    def _leakage(self, instance):
        cell, ones, steps = instance.cell, self.trace.ones, self.trace.steps
        pins = self._pins(instance)
        clocks = (0, ones) if cell.is_register else (0,)
        total = 0.0
        for clock in clocks:
            if cell.is_register:
                pins[cell.clock] = clock
            rest = ones
            for when, value in sorted(cell.leakages, key=lambda entry: entry[0] is None):
                names = when.names if when else []
                missing = {n: self._complement(instance, pins, n) for n in names if n not in pins}
                holds = when({**pins, **missing}, ones) & rest if when else rest
                rest &= ~holds
                total += value * holds.bit_count() / steps
        return total / len(clocks)

    @staticmethod
    def _edge_energy(power, rises, falls, slew, load):
        total = 0.0
        if rises and power.rise:
            total += rises.bit_count() * power.rise(slew, load)
        if falls and power.fall:
            total += falls.bit_count() * power.fall(slew, load)
        return total
