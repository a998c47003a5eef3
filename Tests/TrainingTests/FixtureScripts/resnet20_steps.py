# SPDX-License-Identifier: Apache-2.0
"""Ten training steps of ResNet-20, from values that the tests draw themselves."""

import math
import sys
from pathlib import Path

import numpy as np
import torch
from fixture import number, tensor, write
from torch import Tensor, nn
from torch.nn import functional as F

sys.path.append(str(Path(__file__).resolve().parents[3] / "Benchmarks" / "peers"))
from models import ResNet, resnet20  # noqa: E402


class SeededRandom:
    """Sources/Tensor/SeededRandom.swift, bit by bit."""

    MASK = 2**64 - 1

    def __init__(self, seed: int, stream: int) -> None:
        self.state = seed
        self.state = self.next() ^ (stream * 0xD1B54A32D192ED03 & self.MASK)
        self.next()

    def next(self) -> int:
        return int(self.take(1)[0])

    def take(self, count: int) -> np.ndarray:
        """The next `count` numbers of 64 bits."""
        steps = np.arange(1, count + 1, dtype=np.uint64)
        z = np.uint64(self.state) + steps * np.uint64(0x9E3779B97F4A7C15)
        self.state = int(z[-1])
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))

    def uniform(self, shape: tuple[int, ...]) -> np.ndarray:
        """2 uniform() - 1 for each value, in float32 (exact)."""
        bits = (self.take(math.prod(shape)) >> np.uint64(40)).astype(np.float32)
        return (bits * np.float32(2**-24) * 2 - 1).reshape(shape)

    def below(self, bound: int) -> int:
        return self.next() * bound >> 64


BATCH, STEPS, RATE, MOMENTUM, DECAY = 8, 10, 0.02, 0.9, 5e-4


def initial(name: str, value: Tensor) -> float | None:
    """The constant that a parameter of the network starts at; None: uniform.

    A block's last gamma starts small: with one there, ten steps at this learning rate are chaotic
    (losses of float32 and float64 part by 0.02). So, several float32 runs part by less than 1e-5.
    """
    if value.dim() > 1:
        return None
    return 0.125 if name.endswith("bn2.weight") else 1.0 if name.endswith("weight") else 0.0


def initialised(model: ResNet) -> ResNet:
    for index, (name, parameter) in enumerate(model.named_parameters()):
        constant = initial(name, parameter)
        if constant is None:
            scale = np.float32(math.sqrt(6 / parameter[0].numel()))
            values = SeededRandom(1, index).uniform(tuple(parameter.shape)) * scale
            parameter.data.copy_(torch.from_numpy(values))
        else:
            nn.init.constant_(parameter, constant)
    return model


def batch(step: int, side: int = 32) -> tuple[Tensor, Tensor]:
    images = torch.from_numpy(SeededRandom(2, step).uniform((BATCH, 3, side, side)))
    labels = SeededRandom(3, step)
    return images, torch.tensor([labels.below(10) for _ in range(BATCH)])


def train(
    dtype: torch.dtype, layout: torch.memory_format = torch.contiguous_format
) -> tuple[nn.Module, list[float], list[Tensor]]:
    """The trained network, its losses and the gradients of the first step."""
    model = initialised(resnet20().to(dtype=dtype, memory_format=layout))
    optimizer = torch.optim.SGD(
        model.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=DECAY
    )
    history, first = [], []
    for step in range(STEPS):
        images, labels = batch(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images.to(dtype)), labels)
        loss.backward()
        first = first or [parameter.grad.clone() for parameter in model.parameters()]
        optimizer.step()
        history.append(loss.item())
    return model, history, first


def training_steps() -> None:
    double, losses64, first = train(torch.float64)
    single, losses32, _ = train(torch.float32)
    _, losses32_last, _ = train(torch.float32, torch.channels_last)
    parameters = []
    for index, ((name, value), other, gradient) in enumerate(
        zip(double.named_parameters(), single.parameters(), first)
    ):
        parameters.append({
            "index": index, "torchName": name, "shape": list(value.shape),
            "initial": initial(name, value), "fanIn": value[0].numel(),
            "firstGradientNorm": number(gradient.norm().item()),
            "norm": number(value.norm().item()), "firstValues": tensor(value.flatten()[:4]),
            "float32Deviation": number((value - other).abs().max().item()),
        })
    apart = max(abs(a - b) for a, b in zip(losses64 * 2, losses32 + losses32_last))
    print(f"resnet20: losses of float32 are at most {apart:.1e} off")
    description = (
        f"{STEPS} steps of ResNet-20 (widths 16, 32, 64; three basic blocks each; 1x1 convolution "
        "and batch norm as shortcut of the first block of stages 2 and 3). Batch norm: epsilon "
        "1e-5, momentum 0.1. SGD without nesterov, weight decay on every parameter. Parameter i "
        "starts, in row-major order, at (2 uniform() - 1) scale, a product of float32, with "
        "SeededRandom(seed: 1, stream: i) and scale = Float(sqrt(6.0 / fanIn)), or at the constant "
        "`initial` where that is not null. Step s (from 0) has a batch of its own: pixels "
        "2 uniform() - 1 of SeededRandom(seed: 2, stream: s), [images, channels, rows, columns] in "
        "row-major order, and labels below(10) of SeededRandom(seed: 3, stream: s). Losses are the "
        "cross-entropy of each batch before its update; `firstGradientNorm` is of the first step "
        "(of the loss alone, without weight decay); `norm` (L2), `firstValues` and "
        "`firstBatchNorm` are after the last. All are from a run in float64. `float32Losses`, "
        "`float32ChannelsLastLosses` and `float32Deviation` (largest of a parameter's values after "
        "the last step) show how far PyTorch's own float32 is from it."
    )
    case = {
        "name": "resnet20",
        "configuration": {
            "images": BATCH, "steps": STEPS, "learningRate": RATE, "momentum": MOMENTUM,
            "weightDecay": DECAY, "labelSmoothing": 0,
        },
        "firstPixels": tensor(batch(0)[0].flatten()[:4]), "firstLabels": batch(0)[1].tolist(),
        "losses": [number(loss) for loss in losses64],
        "float32Losses": [number(loss) for loss in losses32],
        "float32ChannelsLastLosses": [number(loss) for loss in losses32_last],
        "parameters": parameters,
        "firstBatchNorm": {
            "runningMean": tensor(double.bn1.running_mean),
            "runningVariance": tensor(double.bn1.running_var),
        },
    }
    write("resnet20", description, [case])
