# SPDX-License-Identifier: Apache-2.0
"""Writes the files of the corpus that other programs make. Call: make_corpus.py FOLDER"""
import pathlib
import sys
import zlib

import numpy as np

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(5)
counts = np.arange(24).reshape(2, 3, 4)

np.savez(
    folder / "stored.npz",
    **{
        "conv1.weight": random.random((4, 3, 3, 3)) < 0.3,
        "fc": np.float32([[0, 1.5], [-2, 0]]),
        "half": np.float16([0, 1, -0.0]),
        "counts": counts,
        "fc.input_zeros": 0.25,
    },
)
# Dynamic codes, long runs, and distances of several kilobytes.
np.savez_compressed(
    folder / "deflated.npz",
    mask=random.random((16, 8, 3, 3)) < 0.2,
    powers=(np.arange(3000) * 7919 % 7) ** 5,
    zeros=np.zeros(5000, np.uint8),
)
np.save(folder / "fortran.npy", np.asfortranarray(counts.astype(">i2")))
with open(folder / "version2.npy", "wb") as file:
    np.lib.format.write_array(file, counts.astype("<f8"), version=(2, 0))

text = b"kept lines, pruned lines, kept shapes; " * 9 + bytes(range(256))
for name, level in [("fixed", 9), ("plain", 0)]:
    packer = zlib.compressobj(level, zlib.DEFLATED, -15, 9, zlib.Z_FIXED)
    (folder / f"{name}.deflate").write_bytes(packer.compress(text) + packer.flush())
