# SPDX-License-Identifier: Apache-2.0
"""The units that are characterised, and what each is fed with."""

import dataclasses
from typing import Callable

import networks
import stimuli
from stimuli import sliced, unsliced

WIDTH = 16
# A machine whose controllers scan masks.
MASKS = {"ListLines": "1'b0"}


@dataclasses.dataclass
class Stimulus:
    """What goes into a unit, and how much work a vector does in a cycle."""

    vectors: int
    cycles: int
    drive: Callable
    # Operations by name, for each vector and cycle.
    work: dict
    skipped: int = 0
    # Compares what came out with what had to; called with a function that reads an output port's
    # words by cycle and vector.
    check: Callable = lambda read: None


@dataclasses.dataclass
class Unit:
    name: str
    top: str
    parameters: dict
    # By name, from the operands.
    stimuli: dict
    # Delays that are aimed at.
    goals: tuple = ("fastest", "relaxed")
    # Too large for all of the mapper's steps.
    is_large: bool = False
    # Submodules that are mapped once for all their instances.
    apart: tuple = ()
    # What differs from the default machine, by parameters of swpu_pkg.
    package: dict = dataclasses.field(default_factory=dict)


class Mismatch(Exception):
    """A netlist gave another result than the unit has to."""


def expect(name, found, expected):
    if found != expected:
        raise Mismatch(f"{name}: {found:#x} instead of {expected:#x}")


def products(operands, name, drive, check, skipped=0):
    """One product a cycle in every stream, over and over."""
    streams = operands.products[name]
    steps = len(streams[0])
    zero = operands.zero_share(name)
    return Stimulus(
        vectors=len(streams), cycles=steps + 1, drive=drive(streams, steps), skipped=skipped,
        work={"products": 1.0, "executed": 1 - zero}, check=check(streams, steps))


def multiply(operands, name):
    def drive(streams, steps):
        def inputs(cycle, read):
            pairs = [stream[cycle % steps] for stream in streams]
            return {"a_i": sliced([a for a, _ in pairs], 16), "b_i": sliced([b for _, b in pairs], 16)}
        return inputs

    def check(streams, steps):
        def compare(read):
            for cycle in range(steps):
                for vector, found in enumerate(read("product_o", cycle)):
                    a, b = streams[vector][cycle]
                    product = stimuli.single(stimuli.real(a) * stimuli.real(b))
                    expect("product", found, product)
        return compare

    return products(operands, name, drive, check)


def add(stages):
    def stimulus(operands, name):
        sums = [stimuli.partial_sums(stream, stages) for stream in operands.products[name]]

        def drive(streams, steps):
            def inputs(cycle, read):
                pairs = [stream[cycle % steps] for stream in sums]
                return {
                    "valid_i": [(1 << len(streams)) - 1],
                    "a_i": sliced([a for a, _ in pairs], 32),
                    "b_i": sliced([b for _, b in pairs], 32),
                }
            return inputs

        def check(streams, steps):
            def compare(read):
                for cycle in range(steps):
                    for vector, found in enumerate(read("sum_o", cycle)):
                        # Trace cycle 0 is cycle `stages` of the unit.
                        a, b = sums[vector][cycle]
                        total = stimuli.real_single(a) + stimuli.real_single(b)
                        expect("sum", found, stimuli.single(total))
            return compare

        return products(operands, name, drive, check, skipped=stages)
    return stimulus


def mac(stages):
    def stimulus(operands, name):
        def drive(streams, steps):
            vectors = len(streams)
            partials = [[0] * 32 for _ in range(stages)]

            def inputs(cycle, read):
                if cycle == 0:
                    partials[:] = [[0] * 32 for _ in range(stages)]
                pairs = [stream[cycle % steps] for stream in streams]
                done, found = read("valid_o")[0], read("sum_o")
                turn = cycle % stages
                partials[turn] = [
                    new & done | old & ~done for new, old in zip(found, partials[turn])
                ]
                # The partial sum that each vector asks for; it keeps to one while nothing is added.
                asked = unsliced(read("turn_o"), vectors)
                asking = [sliced([t == n for t in asked], 1)[0] for n in range(stages)]
                following = (cycle + 1) % stages
                return {
                    "valid_i": [(1 << vectors) - 1],
                    "turn_i": sliced([following] * vectors, max(1, (stages - 1).bit_length())),
                    "sum_i": [
                        sum(partials[n][bit] & asking[n] for n in range(stages))
                        for bit in range(32)
                    ],
                    "a_i": sliced([a for a, _ in pairs], 16),
                    "b_i": sliced([b for _, b in pairs], 16),
                }
            return inputs

        def check(streams, steps):
            def compare(read):
                # Sums are checked where no product of the pass before is in them: one after the
                # first `stages` products is a product and a sum.
                for vector, stream in enumerate(streams):
                    pairs = stimuli.partial_sums(stream, stages)
                    for step in range(steps - 2 - stages):
                        a, b = pairs[step]
                        if b & 0x7FFFFFFF:
                            total = stimuli.real_single(a) + stimuli.real_single(b)
                            expect(
                                "sum", read("sum_o", step)[vector], stimuli.single(total))
            return compare

        return products(operands, name, drive, check, skipped=2 + stages)
    return stimulus


def network(kind, lanes):
    """Windows one after the other, one a cycle, packed to the front."""
    def stimulus(operands, name):
        streams = operands.windows
        vectors, steps = len(streams), len(streams[0])
        if name == "nothing-needed":
            streams = [[(0, data) for _, data in stream] for stream in streams]
        stages = lanes.bit_length() - 1

        def data(cycle):
            windows = [stream[cycle % steps][1] for stream in streams]
            return [
                value for lane in range(lanes)
                for value in sliced([window[lane] for window in windows], WIDTH)
            ]

        def controls(cycle):
            needed = [stream[cycle % steps][0] for stream in streams]
            if kind == "stages":
                both = [networks.settings(lanes, mask) for mask in needed]
                return {
                    "occupied_i": joined([b[0] for b in both], lanes),
                    "moving_i": joined([b[1] for b in both], lanes),
                    "expand_i": [0],
                }
            if kind == "butterfly":
                return {"crosses_i": joined(
                    [networks.butterfly(lanes, mask) for mask in needed], lanes // 2)}
            if kind == "benes":
                return {"crosses_i": joined(
                    [networks.benes(lanes, networks.permutation(lanes, mask)) for mask in needed],
                    lanes // 2)}
            takes = []
            for mask in needed:
                came = {place: lane for lane, place in networks.permutation(lanes, mask).items()}
                takes.append([came[place] for place in range(lanes)])
            return {"takes_i": joined(takes, stages)}

        known = {}

        def drive(cycle, read):
            if kind == "compress":
                # Settings are recorded a cycle before their window passes.
                following = [stream[cycle % steps][0] for stream in streams]
                return {
                    "record_i": [(1 << vectors) - 1], "expand_i": [0],
                    "needed_i": sliced(following, lanes), "data_i": data(cycle - 1),
                }
            step = cycle % steps
            if step not in known:
                known[step] = controls(step)
            return {**known[step], "data_i": data(cycle)}

        late = 1 if kind == "compress" else 0

        def check(read):
            for cycle in range(steps):
                for vector, found in enumerate(read("data_o", cycle)):
                    needed, window = streams[vector][cycle]
                    kept = [value for lane, value in enumerate(window) if needed >> lane & 1]
                    for place, value in enumerate(kept):
                        expect("lane", found >> place * WIDTH & (1 << WIDTH) - 1, value)

        moves = sum(
            mask.bit_count() for stream in streams for needed, _ in stream
            for mask in networks.settings(lanes, needed)[1])
        taken = sum(needed.bit_count() for stream in streams for needed, _ in stream)
        windows = vectors * steps
        return Stimulus(
            vectors=vectors, cycles=steps + 1, drive=drive, skipped=late, check=check,
            work={"windows": 1.0, "vectors-taken": taken / windows, "moves": moves / windows})
    return stimulus


def joined(columns, bits):
    """Columns of a control, one list for each vector, as the values of a packed port."""
    return [
        value for column in range(len(columns[0]))
        for value in sliced([vector[column] for vector in columns], bits)
    ]


def hamming(rows, words):
    """Layers whose rows are put into groups, after all have been counted; the memory of masks answers
    a cycle later."""
    def stimulus(operands, name):
        layers = [masks[:rows] for masks in operands.masks.values()][:8]
        asked = []

        def drive(cycle, read):
            place = unsliced(read("read_row_o"), 8), unsliced(read("read_word_o"), 8)
            data = [0] * 8
            if cycle:
                data = [layers[v][r][w] for v, (r, w) in enumerate(zip(*asked[-1]))]
            asked.append(place)
            return {
                "start_i": [0xFF if cycle == 0 else 0],
                "last_row_i": [0xFF] * (rows.bit_length() - 1),
                "last_word_i": [0xFF] * (words.bit_length() - 1),
                "read_data_i": sliced(data, 64),
            }

        return Stimulus(
            vectors=8, cycles=129, drive=drive, skipped=rows * words + 8, work={"words": 1.0})
    return stimulus


def scan(operands, name):
    """Groups of rows whose masks are repeated, with windows taken immediately."""
    groups = [
        [masks[first + row] for row in range(8)]
        for masks in list(operands.masks.values())[:8] for first in range(0, 64, 8)
    ]
    vectors, words, cycles, skipped = len(groups), len(groups[0][0]), 32, 4
    ones = (1 << vectors) - 1
    work = {"steps": 1.0, "words": 0.0}

    def drive(cycle, read):
        places = unsliced(read("word_o", before=True), vectors) if cycle else [0] * vectors
        now = [[row[place] for row in group] for group, place in zip(groups, places)]
        kernel_3x3 = {"last_row_i": [0, ones, 0], "last_column_i": [0, ones, 0]}
        return {
            "begin_i": [0 if cycle else ones], "step_i": [ones if cycle else 0],
            "window_ready_i": [ones], "active_i": [ones] * 49, **kernel_3x3,
            "last_word_i": sliced([words - 1] * vectors, 7),
            "masks_i": [
                value for row in range(8) for value in sliced([masks[row] for masks in now], 64)
            ],
        }

    def check(read):
        for vector, group in enumerate(groups):
            windows = scan_windows(group)
            shown = [
                window_of(read("window_o", cycle)[vector]) for cycle in range(cycles + 1)
                if read("window_valid_o", cycle)[vector]
            ]
            if bool(shown) != bool(windows):
                raise Mismatch(f"the scan found {len(shown)} windows of {windows}")
            # Whichever is shown first, the others follow it, over and over.
            place = windows.index(shown[0]) if shown and shown[0] in windows else 0
            for step, found in enumerate(shown):
                if found != windows[(place + step) % len(windows)]:
                    raise Mismatch(f"the scan found {found} of {windows}")
        # A word is through when the next one is asked for.
        asked = [read("word_o", cycle) for cycle in range(cycles + 1)]
        through = sum(a != b for x, y in zip(asked, asked[1:]) for a, b in zip(x, y))
        work["words"] = through / cycles / vectors
        if not 0 < work["words"] < 1:
            raise Mismatch(f"the scan went through {work['words']} words a cycle")

    return Stimulus(
        vectors=vectors, cycles=cycles + 1, drive=drive, skipped=skipped, work=work, check=check)


def scan_windows(group):
    """The windows of a group of rows: of each entry that a row needs its number, line, and row and
    column in a 3x3 kernel, and the rows, a bit each."""
    entries = []
    for entry in range(len(group[0]) * 64):
        rows = sum((masks[entry // 64] >> entry % 64 & 1) << row for row, masks in enumerate(group))
        if rows:
            entries.append((entry, entry // 3, entry // 3 % 3, entry % 3, rows))
    return [entries[first : first + 16] for first in range(0, len(entries), 16)]


def window_of(word):
    """The same of a value of `found_t`: entries of 32 bits, their count, lanes that rows need."""
    needed, count, entries = word, word >> 128 & 31, word >> 133
    return [
        (
            entries >> lane * 32 + 19 & 0x1FFF, entries >> lane * 32 + 6 & 0x1FFF,
            entries >> lane * 32 + 3 & 7, entries >> lane * 32 & 7,
            sum((needed >> row * 16 + lane & 1) << row for row in range(8)),
        )
        for lane in range(count)
    ]


def all_units():
    units = []
    sets = list(stimuli.PASSES) + ["gaussian"]

    def unit(name, top, parameters, stimulus, names):
        units.append(Unit(name, top, parameters, {n: stimulus for n in names}))

    unit("multiply", "swpu_bf16_multiply", {}, multiply, sets)
    for stages in (1, 2, 3):
        # All operands where the default machine is.
        fed = sets if stages == 2 else ["forward", "gaussian"]
        unit(f"add-{stages}", "swpu_fp32_add", {"AdderStages": stages}, add(stages), fed)
        unit(
            f"mac-{stages}", "swpu_bf16_mac", {"AdderStages": stages}, mac(stages),
            fed + (["gated"] if stages == 2 else []))
    tops = {
        "compress": "swpu_compress_network", "stages": "swpu_compress_stages",
        "butterfly": "swpu_butterfly_network", "benes": "swpu_benes_network",
        "crossbar": "swpu_crossbar_network",
    }
    for lanes in (8, 16, 32):
        for kind, top in tops.items():
            still = ["nothing-needed"] if kind in ("compress", "stages") else []
            # Energy at the default window; area and delay at half and twice of it too.
            unit(
                f"{kind}-{lanes}", top, {"Lanes": lanes, "Width": WIDTH}, network(kind, lanes),
                ["windows"] + still if lanes == 16 else [])
    # Large ones in one mapping. Those without stimuli are the rest of a core, for its area.
    for rows in (16, 32):
        units.append(
            Unit(
                f"hamming-{rows}", "swpu_hamming_unit", {"LayerRows": rows, "RowWords": 4},
                {"masks": hamming(rows, 4)}, goals=("relaxed",)))
    # Of a machine that scans masks; the walk of a list is in the same places.
    for name, top, package in (
        ("scan", "scan_unit", MASKS), ("controller", "controller", MASKS),
        ("list-walk", "scan_unit", {}), ("list-controller", "controller", {}),
    ):
        units.append(
            Unit(
                name, f"swpu_{top}", {}, {"masks": scan} if name == "scan" else {},
                goals=("relaxed",), is_large=True, package=package))
    units.append(
        Unit("window-filter", "swpu_window_filter", {}, {}, goals=("relaxed",), is_large=True))
    # What makes lists.
    units.append(
        Unit("line-list", "swpu_line_list", {}, {}, goals=("relaxed",), is_large=True))
    # Streams: what they are made of, two of their 32 lanes, and the packing of a whole word's zeros.
    for stages in (0, 3):
        unit(f"fma-{stages}", "swpu_fp32_fma", {"Stages": stages}, None, [])
    for name, lanes in (
        ("stream_in", 2), ("stream_out", 2), ("update", 2), ("zero_pack", 32), ("zero_unpack", 32),
    ):
        units.append(
            Unit(
                f"{name.replace('_', '-')}-{lanes}", f"swpu_{name}", {"Lanes": lanes}, {},
                goals=("relaxed",), is_large=True))
    # What sets the clock of row and load port: the choice of a window, the switches behind it, and the
    # reads of the ports.
    unit("row-sequencer", "swpu_row_sequencer", {}, None, [])
    unit("settings-16", "swpu_compress_settings", {"Lanes": 16}, None, [])
    unit("read-walk", "swpu_read_walk", {}, None, [])
    parts = {
        "load_port": ("swpu_run_gather", "swpu_lane_vector"),
        "row": ("swpu_bf16_mac", "swpu_compress_network"),
    }
    for name, apart in parts.items():
        units.append(
            Unit(
                name.replace("_", "-"), f"swpu_{name}", {}, {}, goals=("relaxed",), is_large=True,
                apart=apart))
    # The load port whose lanes are cut to one: its control without most of what gathers.
    units.append(
        Unit(
            "load-port-1", "swpu_load_port", {}, {}, goals=("relaxed",), is_large=True,
            package={"Lanes": 1}))
    return units
