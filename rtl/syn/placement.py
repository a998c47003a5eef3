# SPDX-License-Identifier: Apache-2.0
"""A placement of a netlist's cells, and the capacitance of the wires between them.

Cells are placed in rows by Coloquinte, at 70 % of the area. A signal's wire is half the perimeter of
what it connects, times a factor for nets of more than three pins (Cheng, RISA, ICCAD 1994); the clock's
is a spanning tree over the flip-flops. Nothing is routed, the clock has no buffers, and wires have no
resistance.
"""

import dataclasses
import math

from synthesise import silence

UTILISATION = 0.7
EFFORT = 3
# Cells above which a placement takes too long here.
LARGEST = 150_000


@dataclasses.dataclass
class Kit:
    """Of a library's kit: height of a row and width of a site in micrometres, and femtofarads a micrometre
    of an average signal and clock wire, as the kit's settings of the OpenROAD flow give them."""

    row: float
    site: float
    signal: float
    clock: float


KITS = {
    "asap7": Kit(0.27, 0.054, 0.173323, 0.144549),
    "sg13g2": Kit(3.78, 0.48, 0.173072, 0.144812),
}

# A net's length over half its perimeter, by its pins; from ten on by lines through RISA's values.
STEINER = [1, 1, 1, 1, 1.0828, 1.1536, 1.2206, 1.2823, 1.3385, 1.3991, 1.4493]


def kit_of(library):
    return next((kit for start, kit in KITS.items() if library.name.startswith(start)), None)


def steiner(pins):
    if pins < len(STEINER):
        return STEINER[pins]
    return 1.4493 + 0.0335 * (pins - 10) if pins < 50 else 2.79 + 0.02 * (pins - 50)


@dataclasses.dataclass
class Placement:
    """Micrometres, and femtofarads by net; the clock's net has its tree."""

    wires: dict
    signal_length: float
    clock_length: float
    width: float
    height: float


def place(netlist, kit):
    """Places a netlist that has no more than `LARGEST` cells. The same netlist gives the same placement."""
    from coloquinte import CellOrientation, CellRowPolarity, Circuit, Rectangle, Row

    cells = netlist.instances
    ports = [net for _, nets in netlist.ports.values() for net in nets if net > 1]
    # Coloquinte counts in whole numbers: a hundredth of a site.
    unit = kit.site / 100
    row = round(kit.row / unit)
    widths = [max(1, round(c.cell.area / kit.row / kit.site)) * 100 for c in cells]
    area = sum(widths) * row / UTILISATION
    rows = math.ceil(math.sqrt(area) / row)
    width = math.ceil(area / (rows * row) / 100) * 100
    height = rows * row

    circuit = Circuit(len(cells) + len(ports))
    none = [0] * len(ports)
    circuit.cell_width, circuit.cell_height = widths + none, [row] * len(cells) + none
    circuit.cell_is_fixed = [False] * len(cells) + [True] * len(ports)
    circuit.cell_is_obstruction = [True] * len(cells) + [False] * len(ports)
    edge = [_on_edge(k / max(1, len(ports)), width, height) for k in range(len(ports))]
    circuit.cell_x = [width // 2] * len(cells) + [x for x, _ in edge]
    circuit.cell_y = [height // 2] * len(cells) + [y for _, y in edge]
    circuit.cell_row_polarity = (
        [CellRowPolarity.SAME] * len(cells) + [CellRowPolarity.ANY] * len(ports))
    circuit.rows = [
        Row(Rectangle(0, width, k * row, (k + 1) * row),
            CellOrientation.FS if k % 2 else CellOrientation.N)
        for k in range(rows)
    ]
    nets = _members(netlist, cells, ports)
    apart = {net for port in ("clk_i", "rst_ni") for net in _port(netlist, port)}
    for net, members in nets.items():
        if net not in apart and len(members) > 1:
            circuit.add_net(
                members, [widths[k] // 2 if k < len(cells) else 0 for k in members],
                [row // 2 if k < len(cells) else 0 for k in members])
    circuit.check()
    with silence():
        circuit.place_global(EFFORT)
        circuit.legalize(EFFORT)
        circuit.place_detailed(EFFORT)

    xs, ys = circuit.cell_x, circuit.cell_y
    at = [
        (x + (widths[k] / 2 if k < len(cells) else 0), y + (row / 2 if k < len(cells) else 0))
        for k, (x, y) in enumerate(zip(xs, ys))
    ]
    lengths = {
        net: half_perimeter([at[k] for k in members]) * steiner(len(members)) * unit
        for net, members in nets.items() if net not in apart and len(members) > 1
    }
    flip_flops = [at[k] for k, c in enumerate(cells) if c.cell.is_register]
    clock = spanning_tree(flip_flops) * unit
    wires = {net: length * kit.signal for net, length in lengths.items()}
    wires |= {net: clock * kit.clock for net in _port(netlist, "clk_i")}
    return Placement(wires, math.fsum(lengths.values()), clock, width * unit, height * unit)


def _port(netlist, name):
    return netlist.ports[name][1] if name in netlist.ports else []


def _members(netlist, cells, ports):
    """Numbers of the cells, and after them of the ports, that a net connects, each once."""
    nets = {}
    for number, instance in enumerate(cells):
        for net in set(instance.nets.values()):
            if net > 1:
                nets.setdefault(net, []).append(number)
    for number, net in enumerate(ports, len(cells)):
        nets.setdefault(net, []).append(number)
    return nets


def _on_edge(along, width, height):
    """A place on the edge of the area, at a fraction of the way around it."""
    way = along * 2 * (width + height)
    for step, place in (
        (width, lambda s: (s, 0)), (height, lambda s: (width, s)), (width, lambda s: (width - s, height)),
        (height, lambda s: (0, height - s)),
    ):
        if way <= step:
            return tuple(round(v) for v in place(way))
        way -= step
    return 0, 0


def half_perimeter(places):
    xs, ys = [x for x, _ in places], [y for _, y in places]
    return max(xs) - min(xs) + max(ys) - min(ys)


def spanning_tree(places):
    """The length of a least spanning tree along rows and columns."""
    if not places:
        return 0.0
    x0, y0 = places[0]
    away = {k: abs(x - x0) + abs(y - y0) for k, (x, y) in enumerate(places) if k}
    total = 0.0
    while away:
        nearest = min(away, key=away.get)
        total += away.pop(nearest)
        x, y = places[nearest]
        for k in away:
            away[k] = min(away[k], abs(places[k][0] - x) + abs(places[k][1] - y))
    return total
