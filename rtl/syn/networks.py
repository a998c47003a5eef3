# SPDX-License-Identifier: Apache-2.0
"""How the networks' switches are set to pack the needed lanes of a window to the front."""


def settings(lanes, needed):
    """Lanes that hold something and that move, before each stage of the log shifter."""
    stages = lanes.bit_length() - 1
    distance, below = {}, 0
    for lane in range(lanes):
        if needed >> lane & 1:
            distance[lane] = below
        else:
            below += 1
    occupied, moving = [], []
    for stage in range(stages):
        occupied.append(sum(1 << lane for lane in distance))
        moves = {lane for lane, d in distance.items() if d >> stage & 1}
        moving.append(sum(1 << lane for lane in moves))
        distance = {lane - (1 << stage if lane in moves else 0): d for lane, d in distance.items()}
    return occupied, moving


def permutation(lanes, needed):
    """Where each lane goes: needed ones to the front, the others behind, both in order."""
    front = [lane for lane in range(lanes) if needed >> lane & 1]
    rest = [lane for lane in range(lanes) if not needed >> lane & 1]
    return {lane: place for place, lane in enumerate(front + rest)}


def pairs(lanes, apart):
    """The two lanes of each switch of a column."""
    return [
        (pair // apart * 2 * apart + pair % apart, pair // apart * 2 * apart + pair % apart + apart)
        for pair in range(lanes // 2)
    ]


def butterfly(lanes, needed):
    """Switches that cross, a number for each column; needed lanes go where they belong, others by."""
    target = {lane: place for lane, place in permutation(lanes, needed).items()
              if needed >> lane & 1}
    columns = []
    for stage in range(lanes.bit_length() - 1):
        crosses, moved = 0, {}
        for index, (low, high) in enumerate(pairs(lanes, 1 << stage)):
            cross = (low in target and target[low] >> stage & 1 == 1) or (
                high in target and target[high] >> stage & 1 == 0)
            crosses |= cross << index
            for lane, place in ((low, high if cross else low), (high, low if cross else high)):
                if lane in target:
                    moved[place] = target[lane]
        target = moved
        columns.append(crosses)
    return columns


def benes(lanes, goes):
    """Switches that cross, column by column, so that lane i comes out at goes[i]: the looping
    algorithm. The outer columns pair lanes half the network apart, inner ones are two halves."""
    columns = [0] * (2 * (lanes.bit_length() - 1) - 1)
    _set_benes(columns, 0, list(range(lanes)), goes, lanes)
    return columns


def _set_benes(columns, depth, places, goes, lanes):
    """Sets the part of a Benes network over `places`, where `goes` maps them to each other."""
    size = len(places)
    last = len(columns) - 1 - depth
    if size == 2:
        if goes[places[0]] == places[1]:
            columns[depth] |= 1 << _switch(places[0], size // 2)
        return
    half = size // 2
    comes = {place: lane for lane, place in goes.items()}
    partner = {}
    for low, high in zip(places[:half], places[half:]):
        partner[low], partner[high] = high, low
    lower = set(places[:half])
    # Which half each lane passes through: partners part at the input and at the output.
    through = {}
    for start in places[:half]:
        lane, side = start, 0
        while lane not in through:
            through[lane] = side
            through[partner[lane]] = 1 - side
            # The lane that meets the partner at its output takes the other half.
            lane = comes[partner[goes[partner[lane]]]]
    halves = ({}, {})
    for lane in places:
        side = through[lane]
        enters = lane if (lane in lower) == (side == 0) else partner[lane]
        place = goes[lane]
        leaves = place if (place in lower) == (side == 0) else partner[place]
        halves[side][enters] = leaves
        if lane in lower and side == 1:
            columns[depth] |= 1 << _switch(lane, half)
        if place in lower and side == 1:
            columns[last] |= 1 << _switch(place, half)
    _set_benes(columns, depth + 1, places[:half], halves[0], lanes)
    _set_benes(columns, depth + 1, places[half:], halves[1], lanes)


def _switch(low, apart):
    """The number of the switch whose lower lane this is."""
    return low // (2 * apart) * apart + low % apart
