#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What maps in FP16 do to a step's gradients: ResNet-18 in FP32, its maps and their gradients rounded.

usage: half.py WEIGHTS.safetensors CIFAR-10-FOLDER [IMAGES]

The weights are what `swpu export RUN --format safetensors` writes. Prints, for BF16 and for FP16 with
several loss scales, the cosine of the gradients of all convolutions' kept weights to those of FP32, and how
many of the maps' gradients become zero or subnormal.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.append(str(Path(__file__).resolve().parents[1] / "peers"))
from models import resnet18  # noqa: E402


class Rounded(torch.autograd.Function):
    """A map, and its gradient, as they are stored."""

    dtype, scale, counts = torch.float32, 1.0, []

    @staticmethod
    def forward(context, x: Tensor) -> Tensor:
        return x.to(Rounded.dtype, copy=True).to(x.dtype)

    @staticmethod
    def backward(context, gradient: Tensor) -> Tensor:
        scaled = gradient * Rounded.scale
        stored = scaled.to(Rounded.dtype).to(gradient.dtype)
        live = gradient != 0
        small = scaled.abs() < torch.finfo(Rounded.dtype).tiny
        Rounded.counts.append([
            int(part.sum()) for part in (live, live & (stored == 0), live & small)
        ])
        return stored / Rounded.scale


def weights(path: str) -> dict[str, Tensor]:
    data = Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    found = {}
    for name, entry in json.loads(data[8 : 8 + length]).items():
        if name == "__metadata__":
            continue
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        values = np.frombuffer(data[first:last], dtype=np.float32).reshape(entry["shape"])
        # layer2.0.downsample.0 there is blocks.2.shortcut.0 in the peers' network.
        parts = name.replace("downsample", "shortcut").replace("fc", "linear").split(".")
        if parts[0].startswith("layer"):
            parts[:2] = ["blocks", str(2 * (int(parts[0][5:]) - 1) + int(parts[1]))]
        found[".".join(parts)] = torch.from_numpy(values.copy())
    return found


def main() -> None:
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 32
    model = resnet18()
    missing = model.load_state_dict(weights(sys.argv[1]), strict=False)
    assert all("num_batches" in name for name in missing.missing_keys), missing
    model.train()
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.BatchNorm2d)):
            module.register_forward_hook(lambda _module, _inputs, output: Rounded.apply(output))
    records = np.fromfile(Path(sys.argv[2]) / "data_batch_1.bin", np.uint8).reshape(-1, 3073)
    images = records[:count, 1:].reshape(count, 3, 32, 32).astype(np.float32) / 255
    images = torch.from_numpy(images - images.mean((0, 2, 3), keepdims=True)) / 0.25
    labels = torch.from_numpy(records[:count, 0].astype(np.int64))

    def gradient(dtype: torch.dtype, scale: float) -> Tensor:
        Rounded.dtype, Rounded.scale, Rounded.counts = dtype, scale, []
        model.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        kept = [p.grad * (p != 0) for p in model.parameters() if p.dim() == 4]
        return torch.cat([values.flatten() for values in kept]).double()

    exact = gradient(torch.float32, 1)
    cases = [(torch.bfloat16, 0)] + [(torch.float16, power) for power in range(0, 21, 4)]
    for dtype, power in cases:
        found = gradient(dtype, 2.0**power)
        live, zero, small = (sum(column) for column in zip(*Rounded.counts))
        print(
            f"{str(dtype)[6:]:9s} scale 2^{power:<2d}  cosine "
            f"{F.cosine_similarity(exact, found, 0).item():.6f}  to zero {100 * zero / live:.3f} %  "
            f"subnormal {100 * small / live:.3f} %"
        )


if __name__ == "__main__":
    main()
