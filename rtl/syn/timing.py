# SPDX-License-Identifier: Apache-2.0
"""Static timing of a netlist by the tables of its library: the longest path, and the slew of each net.

A net passes on the latest of its arrivals with the slowest of their slews, as the usual tools do. The
clock is ideal. Wires are a capacitance on each net, where they are given.
"""

import math


class Timing:
    """Times in picoseconds, of the rising and of the falling edge of every net."""

    def __init__(self, netlist, wires=None):
        """`wires` has femtofarads by net; None for none."""
        self.netlist = netlist
        self.output_load = typical_load(netlist)
        self.wires = wires or {}
        # Femtofarads on every net: for energy, and for each edge.
        self.loads = self._loads(lambda pin: pin.capacitance)
        self.edge_loads = [self._loads(lambda pin: pin.edges[edge]) for edge in (0, 1)]
        self.input_slew = self._input_slew()
        # What drives a net, as (instance, pin).
        self.drivers = {
            instance.nets[pin]: (instance, pin)
            for instance in netlist.instances for pin in instance.cell.outputs()
            if pin in instance.nets
        }
        # (time, slew) of the rising and of the falling edge; None where nothing arrives.
        self.arrivals = [[None, None] for _ in range(netlist.net_count)]
        # The net and edge that the latest arrival came from, by net and edge.
        self.causes = {}
        for name in netlist.inputs():
            if name not in ("clk_i", "rst_ni"):
                for net in netlist.ports[name][1]:
                    self.arrivals[net] = [(0.0, self.input_slew), (0.0, self.input_slew)]
        for register in netlist.registers:
            clock = (0.0, self.input_slew)
            for arc in register.cell.arcs:
                if arc.kind == "rising_edge" and arc.pin in register.nets:
                    for edge in (0, 1):
                        self._arrive(arc, register.nets[arc.pin], edge, clock, None)
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
                            self._arrive(
                                arc, gate.nets[arc.pin], edge, source[from_edge],
                                (gate.nets[arc.related], from_edge))

    def _input_slew(self):
        for instance in self.netlist.instances:
            for arc in instance.cell.arcs:
                # A constraint's axes are other slews than those that cells are characterised for.
                table = arc.tables.get("cell_rise")
                if table and len(table.slews) > 2 and table.loads:
                    return table.slews[1]
        return 0.0

    def _arrive(self, arc, net, edge, source, cause):
        delay, slew = (("cell_rise", "rise_transition"), ("cell_fall", "fall_transition"))[edge]
        if delay not in arc.tables:
            return
        load = self.edge_loads[edge][net]
        found = source[0] + arc.tables[delay](source[1], load), arc.tables[slew](source[1], load)
        known = self.arrivals[net][edge]
        if not known or found[0] > known[0]:
            self.causes[net, edge] = cause
        self.arrivals[net][edge] = (
            (max(found[0], known[0]), max(found[1], known[1])) if known else found)

    def _ends(self):
        """All paths' ends: time with the set-up time of the register that it ends in, net and edge."""
        for name in self.netlist.outputs():
            for net in self.netlist.ports[name][1]:
                for edge, arrival in enumerate(self.arrivals[net]):
                    if arrival:
                        yield arrival[0], net, edge
        for register in self.netlist.registers:
            for arc in register.cell.arcs:
                if arc.kind != "setup_rising":
                    continue
                net = register.nets[arc.pin]
                for edge, name in enumerate(("rise_constraint", "fall_constraint")):
                    arrival = self.arrivals[net][edge]
                    if arrival and name in arc.tables:
                        setup = arc.tables[name](arrival[1], self.input_slew)
                        yield arrival[0] + setup, net, edge

    def critical_path(self):
        """The longest of all paths."""
        return max((end[0] for end in self._ends()), default=0.0)

    def longest(self, count=1):
        """The instances on the longest paths to so many ends, from their ends, each once."""
        latest = {}
        for time, net, edge in self._ends():
            latest[net] = max(latest.get(net, (0.0, edge)), (time, edge))
        ends = sorted(((time, net, edge) for net, (time, edge) in latest.items()), reverse=True)
        path = {}
        for _, *place in ends[:count]:
            place = tuple(place)
            while place and place[0] in self.drivers:
                instance = self.drivers[place[0]][0]
                if id(instance) in path:
                    break
                path[id(instance)] = instance
                place = self.causes.get(place)
        return list(path.values())

    def delay(self, instance, cell, pin, more=0.0):
        """The mean delay to an output if the instance were another cell of the same pins, in picoseconds,
        with femtofarads more to drive."""
        return self._mean(instance, cell, pin, more, ("cell_rise", "cell_fall"))

    def buffered(self, instance, cell, pin, buffer):
        """The same with a buffer behind the output."""
        (source,), (sink,) = buffer.inputs(), buffer.outputs()
        load = self.loads[instance.nets[pin]]
        more = buffer.pins[source].capacitance - load
        slew = self._mean(instance, cell, pin, more, ("rise_transition", "fall_transition"))
        return self.delay(instance, cell, pin, more) + _mean([
            arc.tables[name](slew, load)
            for arc in buffer.arcs if arc.pin == sink
            for name in ("cell_rise", "cell_fall") if name in arc.tables
        ])

    def _mean(self, instance, cell, pin, more, names):
        load = self.loads[instance.nets[pin]] + more
        return _mean([
            arc.tables[name](
                self.input_slew if cell.is_register else self.slew(instance.nets[arc.related]), load)
            for arc in cell.arcs if arc.pin == pin and arc.kind in ("combinational", "rising_edge")
            for name in names if name in arc.tables
        ])

    def _loads(self, capacitance):
        """Femtofarads of every net's pins and wire; an output of the unit drives as much as a typical
        input."""
        result = [self.wires.get(net, 0.0) for net in range(self.netlist.net_count)]
        for net, sinks in self.netlist.sinks.items():
            for instance, pin in sinks:
                result[net] += capacitance(instance.cell.pins[pin])
        for name in self.netlist.outputs():
            for net in self.netlist.ports[name][1]:
                result[net] += self.output_load
        return result

    def slew(self, net):
        """The mean slew of a net's two edges."""
        known = [arrival[1] for arrival in self.arrivals[net] if arrival]
        return math.fsum(known) / len(known) if known else self.input_slew


def _mean(values):
    return math.fsum(values) / max(1, len(values))


def typical_load(netlist):
    """The mean of a pin, in femtofarads."""
    pins = [
        instance.cell.pins[pin].capacitance
        for sinks in netlist.sinks.values() for instance, pin in sinks
    ]
    return math.fsum(pins) / max(1, len(pins))
