# SPDX-License-Identifier: Apache-2.0
"""The gradients of a step of a small network whose stored tensors are rounded to 8 bits."""

import torch
from fixture import number, tensor, write
from resnet20_steps import ResNet, SeededRandom, batch, initial, initialised
from torch import Tensor, nn
from torch.nn import functional as F

LARGEST = {torch.float8_e4m3fn: 448.0, torch.float8_e5m2: 57344.0}


def rounded(x: Tensor, dtype: torch.dtype | None, axes: tuple[int, ...]) -> Tensor:
    """To a format, with the largest power of two as a scale that fits the largest over `axes`."""
    if dtype is None:
        return x
    largest = x.abs().amax(dim=axes, keepdim=True).clamp_min(1e-30)
    scale = 2 ** torch.floor(torch.log2(LARGEST[dtype] / largest))
    return (x * scale).to(torch.float32).to(dtype).to(x.dtype) / scale


class Stored(torch.autograd.Function):
    """A value as memory gives it back; its gradient passes."""

    @staticmethod
    def forward(context, x: Tensor, dtype: torch.dtype | None) -> Tensor:
        return rounded(x, dtype, tuple(axis for axis in range(x.dim()) if axis != 1))

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:
        return gradient, None


class StoredGradient(torch.autograd.Function):
    """A value whose gradient is as memory gives it back."""

    @staticmethod
    def forward(context, x: Tensor, dtype: torch.dtype | None) -> Tensor:
        context.dtype = dtype
        return x.clone()

    @staticmethod
    def backward(context, gradient: Tensor) -> tuple[Tensor, None]:
        return rounded(gradient, context.dtype, tuple(range(gradient.dim()))), None


def logits(model: nn.Module, x: Tensor, stash: torch.dtype, gradient: torch.dtype) -> Tensor:
    """The forward pass: outputs of convolutions, of blocks and of the mean are stored; gradients are
    stored behind the mask of each activation, and of the mean."""

    def store(x: Tensor) -> Tensor:
        return Stored.apply(x, stash)

    def activate(x: Tensor) -> Tensor:
        return torch.relu(StoredGradient.apply(x, gradient))

    x = activate(model.bn1(store(model.conv1(x))))
    for block in model.blocks:
        y = activate(block.bn1(store(block.conv1(x))))
        y = block.bn2(store(block.conv2(y)))
        shortcut = block.shortcut[1](store(block.shortcut[0](x))) if len(block.shortcut) else x
        x = store(activate(y + shortcut))
    return model.linear(StoredGradient.apply(store(x.mean((2, 3))), gradient))


def eight_bit_step() -> None:
    e4m3, e5m2 = torch.float8_e4m3fn, torch.float8_e5m2
    cases = []
    for stash, gradient in [(None, None), (e4m3, None), (None, e5m2), (e4m3, e5m2), (e5m2, e4m3)]:
        # So small that no value lies where float32 and float64 round it apart; in a large network such
        # values change all that comes behind them.
        model = initialised(ResNet([6, 12, 24], blocks=1, classes=10).to(torch.float64))
        images, labels = batch(0, side=8)
        loss = F.cross_entropy(logits(model, images.to(torch.float64), stash, gradient), labels)
        loss.backward()
        names = {None: None, e4m3: "fp8-e4m3", e5m2: "fp8-e5m2"}
        cases.append({
            "name": f"activations {names[stash]}, gradients {names[gradient]}",
            "activations": names[stash], "gradients": names[gradient],
            "loss": number(loss.item()),
            "parameters": [
                {"index": index, "torchName": name, "shape": list(value.shape),
                 "initial": initial(name, value), "fanIn": value[0].numel(),
                 "norm": number(value.grad.norm().item()),
                 "firstValues": tensor(value.grad.flatten()[:12])}
                for index, (name, value) in enumerate(model.named_parameters())
            ],
        })
    description = (
        "A step of a residual network of three stages of one block each, 6, 12 and 24 filters, on 8 "
        "images of 8x8; weights, images and labels as in resnet20.json. Stored tensors are rounded to 8 "
        "bits: where they are made, the outputs of convolutions, of blocks and of the mean, with a scale "
        "for each channel, and the gradients of the activations' inputs and of the mean, with a scale "
        "for each. A scale is the largest power of two that fits. `norm` (L2) and `firstValues` are of "
        "each parameter's gradient. In float64."
    )
    write("eight_bits", description, cases)
