# SPDX-License-Identifier: Apache-2.0
"""A mapped netlist, and its zero-delay simulation cycle by cycle, for many vectors in parallel.

A value is an integer: bit v is the value in vector v. A cell is evaluated for all vectors by a few
operations on such integers.
"""

import collections


class Instance:
    def __init__(self, name, cell, connections):
        self.name, self.cell = name, cell
        # Nets by pin.
        self.nets = {pin: bits[0] for pin, bits in connections.items() if bits}


class Netlist:
    """Nets are numbers; 0 and 1 are the constants."""

    def __init__(self, module, library):
        self.ports = {
            name: (port["direction"], [self._net(bit) for bit in port["bits"]])
            for name, port in module["ports"].items()
        }
        self.instances = [
            Instance(name, library[cell["type"]], {
                pin: [self._net(bit) for bit in bits]
                for pin, bits in cell["connections"].items()
            })
            for name, cell in module["cells"].items()
        ]
        nets = {net for i in self.instances for net in i.nets.values()}
        nets |= {net for _, bits in self.ports.values() for net in bits}
        self.net_count = max(nets | {1}) + 1
        self.registers = [i for i in self.instances if i.cell.is_register]
        self.gates = self._ordered([i for i in self.instances if not i.cell.is_register])
        # Pins that a net drives, as (instance, pin).
        self.sinks = collections.defaultdict(list)
        for instance in self.instances:
            for pin in instance.cell.inputs():
                self.sinks[instance.nets[pin]].append((instance, pin))

    @staticmethod
    def _net(bit):
        return int(bit) if isinstance(bit, int) or bit in ("0", "1") else 0

    @staticmethod
    def _ordered(gates):
        """Gates in an order in which each follows those that drive it."""
        drivers = {g.nets[pin]: g for g in gates for pin in g.cell.outputs() if pin in g.nets}
        waiting = {id(g): sum(g.nets[p] in drivers for p in g.cell.inputs()) for g in gates}
        driven = collections.defaultdict(list)
        for gate in gates:
            for pin in gate.cell.inputs():
                if gate.nets[pin] in drivers:
                    driven[gate.nets[pin]].append(gate)
        ready = [g for g in gates if not waiting[id(g)]]
        order = []
        while ready:
            gate = ready.pop()
            order.append(gate)
            for pin in gate.cell.outputs():
                for next_gate in driven[gate.nets.get(pin)]:
                    waiting[id(next_gate)] -= 1
                    if not waiting[id(next_gate)]:
                        ready.append(next_gate)
        if len(order) != len(gates):
            raise ValueError("the netlist has a loop of gates")
        return order

    def insert(self, cell, instance, pin):
        """Puts a buffer between an output of an instance and all that it drives, which keep their net."""
        (source,), (sink,) = cell.inputs(), cell.outputs()
        net, between = instance.nets[pin], self.net_count
        buffer = Instance(f"{instance.name}_{pin}_buffer", cell, {source: [between], sink: [net]})
        instance.nets[pin] = between
        self.net_count += 1
        self.sinks[between] = [(buffer, source)]
        self.instances.append(buffer)
        place = 0 if instance.cell.is_register else self.gates.index(instance) + 1
        self.gates.insert(place, buffer)
        return buffer

    def take_out(self, buffer, instance, pin):
        """The opposite of `insert`."""
        (source,), (sink,) = buffer.cell.inputs(), buffer.cell.outputs()
        del self.sinks[buffer.nets[source]]
        instance.nets[pin] = buffer.nets[sink]
        self.instances.remove(buffer)
        self.gates.remove(buffer)

    def area(self):
        return sum(instance.cell.area for instance in self.instances)

    def inputs(self):
        return [n for n, (direction, _) in self.ports.items() if direction == "input"]

    def outputs(self):
        return [n for n, (direction, _) in self.ports.items() if direction == "output"]

    def gate_function(self):
        """A Python function that settles all gates of a list of values, in place."""
        lines = ["def settle(v, M):"]
        for gate in self.gates:
            for pin in gate.cell.outputs():
                if pin in gate.nets and gate.cell.pins[pin].function:
                    source = _renamed(gate.cell.pins[pin].function, gate.nets)
                    lines.append(f" v[{gate.nets[pin]}] = {source}")
        names = {}
        exec("\n".join(lines + [" return v"]), names)
        return names["settle"]


def _renamed(expression, nets):
    import re

    return re.sub(
        r"[A-Za-z_]\w*",
        lambda found: found.group(0) if found.group(0) == "M" else f"v[{nets[found.group(0)]}]",
        expression.source)


class Trace:
    """Values of every net in all vectors and cycles: bit `cycle · vectors + vector` of `nets[net]`.
    `previous` and `present` drop the last and the first cycle, so that they line up."""

    def __init__(self, nets, vectors, cycles):
        self.nets, self.vectors, self.cycles = nets, vectors, cycles
        self.steps = vectors * (cycles - 1)
        self.ones = (1 << self.steps) - 1

    def previous(self, net):
        return self.nets[net] & self.ones

    def present(self, net):
        return self.nets[net] >> self.vectors

    def toggles(self, net):
        return self.previous(net) ^ self.present(net)


def simulate(netlist, drive, vectors, cycles, skipped=0):
    """The trace of `cycles` cycles, after a reset and some that are not kept.

    `drive(cycle, read)` gives what the inputs are in a cycle after the clock's edge, by port as a list
    of values, one a bit, from cycle 0, the first after the reset, on; `read(port)` gives an output as
    the registers have it then, `read(port, before=True)` as it was before the edge. Ports named `clk_i` and `rst_ni` are driven here. `vectors` is a multiple
    of 8.
    """
    ones = (1 << vectors) - 1
    settle = netlist.gate_function()
    values = [0] * netlist.net_count
    values[1] = ones
    registers = []
    for instance in netlist.registers:
        cell = instance.cell
        outputs = [
            (instance.nets[pin], cell.pins[pin].function)
            for pin in cell.outputs() if pin in instance.nets
        ]
        inputs = [(pin, instance.nets[pin]) for pin in cell.inputs()]
        registers.append((cell, inputs, outputs))

    ended = list(values)

    def read(port, before=False):
        return [(ended if before else values)[net] for net in netlist.ports[port][1]]

    kept = []
    for cycle in range(-2, skipped + cycles):
        following = []
        for cell, inputs, _ in registers:
            pins = {pin: values[net] for pin, net in inputs}
            state = cell.next(pins, ones)
            if cell.preset:
                state |= cell.preset(pins, ones)
            if cell.clear:
                state &= ones ^ cell.clear(pins, ones)
            following.append(state)
        for state, (cell, _, outputs) in zip(following, registers):
            names = {cell.state: state, cell.inverse: ones ^ state}
            for net, function in outputs:
                values[net] = function(names, ones)
        settle(values, ones)
        if "rst_ni" in netlist.ports:
            values[netlist.ports["rst_ni"][1][0]] = 0 if cycle < 0 else ones
        for port, bits in drive(max(cycle, 0), read).items():
            for net, value in zip(netlist.ports[port][1], bits, strict=True):
                values[net] = value
        # What is tied to a constant stays there.
        values[0], values[1] = 0, ones
        settle(values, ones)
        ended[:] = values
        if cycle >= skipped:
            kept.append(list(values))
    nets = {}
    for net in range(netlist.net_count):
        joined = b"".join(step[net].to_bytes(vectors // 8, "little") for step in kept)
        nets[net] = int.from_bytes(joined, "little")
    return Trace(nets, vectors, cycles)
