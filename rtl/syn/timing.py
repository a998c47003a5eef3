# SPDX-License-Identifier: Apache-2.0
"""Static timing of a netlist by the tables of its library: the longest path, and the slew of each net.

No wires. The clock is ideal.
"""

import math


class Timing:
    """Times in picoseconds, for the worst edge into every net."""

    def __init__(self, netlist):
        self.netlist = netlist
        self.loads = loads(netlist)
        self.input_slew = self._input_slew()
        # (time, slew) of the rising and of the falling edge; None where nothing arrives.
        self.arrivals = [[None, None] for _ in range(netlist.net_count)]
        # The pin, edge and net that an arrival came from, to follow a path back.
        for name in netlist.inputs():
            if name not in ("clk_i", "rst_ni"):
                for net in netlist.ports[name][1]:
                    self.arrivals[net] = [(0.0, self.input_slew), (0.0, self.input_slew)]
        for register in netlist.registers:
            clock = (0.0, self.input_slew)
            for arc in register.cell.arcs:
                if arc.kind == "rising_edge" and arc.pin in register.nets:
                    for edge in (0, 1):
                        self._arrive(arc, register.nets[arc.pin], edge, clock)
        for gate in netlist.gates:
            for arc in gate.cell.arcs:
                if arc.kind != "combinational" or arc.pin not in gate.nets:
                    continue
                source = self.arrivals[gate.nets[arc.related]]
                for edge in (0, 1):
                    from_edges = {
                        "positive_unate": (edge,), "negative_unate": (1 - edge,)
                    }.get(arc.sense, (0, 1))
                    for from_edge in from_edges:
                        if source[from_edge]:
                            self._arrive(arc, gate.nets[arc.pin], edge, source[from_edge])

    def _input_slew(self):
        for instance in self.netlist.instances:
            for arc in instance.cell.arcs:
                # A constraint's axes are other slews than those that cells are characterised for.
                table = arc.tables.get("cell_rise")
                if table and len(table.slews) > 2 and table.loads:
                    return table.slews[1]
        return 0.0

    def _arrive(self, arc, net, edge, source):
        delay, slew = (("cell_rise", "rise_transition"), ("cell_fall", "fall_transition"))[edge]
        if delay not in arc.tables:
            return
        time = source[0] + arc.tables[delay](source[1], self.loads[net])
        known = self.arrivals[net][edge]
        if known is None or time > known[0]:
            self.arrivals[net][edge] = (time, arc.tables[slew](source[1], self.loads[net]))

    def critical_path(self):
        """The longest of all paths, with the set-up time of the register that it ends in."""
        longest = 0.0
        for name in self.netlist.outputs():
            for net in self.netlist.ports[name][1]:
                longest = max([longest] + [a[0] for a in self.arrivals[net] if a])
        for register in self.netlist.registers:
            for arc in register.cell.arcs:
                if arc.kind != "setup_rising":
                    continue
                for edge, name in enumerate(("rise_constraint", "fall_constraint")):
                    arrival = self.arrivals[register.nets[arc.pin]][edge]
                    if arrival and name in arc.tables:
                        setup = arc.tables[name](arrival[1], self.input_slew)
                        longest = max(longest, arrival[0] + setup)
        return longest

    def slew(self, net):
        """The mean slew of a net's two edges."""
        known = [arrival[1] for arrival in self.arrivals[net] if arrival]
        return math.fsum(known) / len(known) if known else self.input_slew


def loads(netlist):
    """Femtofarads of the pins on every net; an output of the unit drives as much as a typical input."""
    result = [0.0] * netlist.net_count
    pins = [
        (net, instance.cell.pins[pin].capacitance)
        for net, sinks in netlist.sinks.items() for instance, pin in sinks
    ]
    for net, capacitance in pins:
        result[net] += capacitance
    typical = math.fsum(c for _, c in pins) / max(1, len(pins))
    for name in netlist.outputs():
        for net in netlist.ports[name][1]:
            result[net] += typical
    return result
