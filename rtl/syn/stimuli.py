# SPDX-License-Identifier: Apache-2.0
"""The stimuli of units: operands of a real training run (operands.txt), and random ones.

A value of many vectors is an integer with bit v for vector v; `sliced` turns words into such values.
"""

import pathlib
import random
import struct

OPERANDS = pathlib.Path(__file__).resolve().parent / "operands.txt"
PASSES = ("forward", "input-gradient", "weight-gradient")


def sliced(words, bits):
    """Words of the vectors as one value for each bit."""
    return [
        sum((word >> bit & 1) << vector for vector, word in enumerate(words))
        for bit in range(bits)
    ]


def unsliced(values, vectors):
    """The words that `sliced` made values of."""
    return [
        sum((value >> vector & 1) << bit for bit, value in enumerate(values))
        for vector in range(vectors)
    ]


def real(code):
    """The value of a BF16 code."""
    return struct.unpack("<f", struct.pack("<I", code << 16))[0]


def bf16(value):
    """The BF16 code of a finite value, to nearest even."""
    bits = single(value)
    return (bits + 0x7FFF + (bits >> 16 & 1)) >> 16


def single(value):
    """The FP32 code of a value, to nearest even."""
    return struct.unpack("<I", struct.pack("<f", value))[0]


def real_single(code):
    """The value of an FP32 code."""
    return struct.unpack("<f", struct.pack("<I", code))[0]


def rounded(value):
    """A value as FP32 holds it."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


class Operands:
    """Streams of products as (a, b) codes by name; windows as (needed, data); masks of rows."""

    def __init__(self, file=OPERANDS):
        lines = pathlib.Path(file).read_text().splitlines()
        self.origin = lines[0].lstrip("# ")
        fields = [line.split() for line in lines[1:]]
        self.products = {
            name: [
                [(int(word[:4], 16), int(word[4:], 16)) for word in words]
                for kind, _, *words in fields if kind == name
            ]
            for name in PASSES
        }
        self.windows = [
            [
                (int(word[:4], 16), [int(word[i : i + 4], 16) for i in range(4, len(word), 4)])
                for word in words
            ]
            for kind, _, *words in fields if kind == "window"
        ]
        self.masks = {}
        for kind, layer, *words in fields:
            if kind == "mask":
                self.masks.setdefault(layer, []).append([int(word, 16) for word in words])
        draw = random.Random(1)
        self.products["gaussian"] = [
            [(bf16(draw.gauss(0, 1)), bf16(draw.gauss(0, 1))) for _ in range(32)]
            for _ in range(64)
        ]
        # Every product has a zero operand and is gated; the other one is a weight that moves.
        self.products["gated"] = [
            [(a, 0) for a, _ in stream] for stream in self.products["forward"]
        ]

    def zero_share(self, name):
        pairs = [pair for stream in self.products[name] for pair in stream]
        return sum(not (a & 0x7FFF and b & 0x7FFF) for a, b in pairs) / len(pairs)


def partial_sums(stream, stages):
    """What an adder of so many stages is given: (partial sum, product) as FP32 codes."""
    sums, pairs = [0.0] * stages, []
    for step, (a, b) in enumerate(stream):
        product = rounded(real(a) * real(b))
        pairs.append((single(sums[step % stages]), single(product)))
        sums[step % stages] = rounded(sums[step % stages] + product)
    return pairs
