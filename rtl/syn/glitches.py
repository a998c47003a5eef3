# SPDX-License-Identifier: Apache-2.0
"""How often nets move when gates take their time.

All cycles of a trace are run at once: sources step from what they were to what they are, and gates
follow after their delays, in ticks. A pulse shorter than a gate's delay does not pass it (inertial
delay). No wires.
"""

import collections


def moves(netlist, timing, trace, tick):
    """Transitions of every net over the trace, for a tick in picoseconds."""
    ones = trace.ones
    values = [trace.previous(net) for net in range(netlist.net_count)]
    counts = [0] * netlist.net_count
    outputs, delays, followers = [], [], collections.defaultdict(list)
    for gate in netlist.gates:
        for pin in gate.cell.outputs():
            if pin in gate.nets and gate.cell.pins[pin].function:
                index = len(outputs)
                outputs.append((gate, pin, gate.nets[pin]))
                delays.append(max(1, round(timing.delay(gate, gate.cell, pin) / tick)))
                for name in gate.cell.pins[pin].function.names:
                    followers[gate.nets[name]].append(index)
    driven = {net for _, _, net in outputs}
    # The pending changes of each output: (tick, value), in order.
    pending = [[] for _ in outputs]
    calendar = collections.defaultdict(set)
    moved = set()
    for net in range(netlist.net_count):
        if net not in driven:
            change = values[net] ^ trace.present(net)
            if change:
                counts[net] = change.bit_count()
                values[net] ^= change
                moved.add(net)
    now = 0
    while moved or calendar:
        for index in {index for net in moved for index in followers[net]}:
            gate, pin, net = outputs[index]
            wanted = gate.cell.pins[pin].function(
                {name: values[gate.nets[name]] for name in gate.cell.pins[pin].function.names}, ones)
            queue, before = pending[index], values[net]
            # An earlier change that is undone before its delay has passed does not appear.
            for place, (when, value) in enumerate(queue):
                undone = value ^ wanted
                value = value & ~undone | before & undone
                queue[place] = (when, value)
                before = value
            if wanted != before:
                queue.append((now + delays[index], wanted))
                calendar[now + delays[index]].add(index)
        moved = set()
        if not calendar:
            break
        now = min(calendar)
        for index in calendar.pop(now):
            net = outputs[index][2]
            queue = pending[index]
            if not queue or queue[0][0] != now:
                continue
            change = queue.pop(0)[1] ^ values[net]
            if change:
                counts[net] += change.bit_count()
                values[net] ^= change
                moved.add(net)
    return counts
