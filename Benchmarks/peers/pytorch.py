# SPDX-License-Identifier: Apache-2.0
"""The work in PyTorch: training steps and single convolutions, in three kinds of arithmetic."""

import importlib.util
import re
from collections.abc import Callable
from time import perf_counter

import torch
from models import IMAGE_SIZES, MODELS, NARROW, macs_per_image, parameter_count
from torch.nn import functional as F

SPARSE = ["resnet18", "resnet20"]
"""The networks that SparseProp's layers fit."""

Key = tuple[str, str]
"""A model or layer, and a pass."""
Times = dict[Key, list[float]]
"""Milliseconds of every sample."""

PASSES = ["forward", "input-gradient", "weight-gradient"]

PEERS = {
    "pytorch-fp32": (torch.float32, torch.contiguous_format),
    "pytorch-fp32-channels-last": (torch.float32, torch.channels_last),
    "pytorch-bf16-channels-last": (torch.bfloat16, torch.channels_last),
}

LAYERS = [
    "3x3 64@32x32", "3x3 128@16x16", "3x3 256@8x8", "3x3 512@4x4", "3x3/2 64-128@32x32",
    "1x1 256-64@32x32",
]


def prepare(threads: int) -> None:
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)


def milliseconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return (perf_counter() - start) * 1e3


class Step:
    """A training step of a model on one batch: forward, loss, backward, SGD, clearing gradients."""

    def __init__(
        self, model: str, batch: int, peer: str, network: Callable[[], torch.nn.Module] | None = None
    ) -> None:
        self.key = (model, "step")
        self.dtype, layout = PEERS[peer]
        self.size = IMAGE_SIZES.get(model, 32)
        self.images = torch.randn(batch, 3, self.size, self.size).to(memory_format=layout)
        self.labels = torch.arange(batch) % 10
        self.model = (network or MODELS[model])().to(memory_format=layout)
        # A rate that hardly moves the weights, so that repeating one batch does not drive them to
        # values that the machine computes at another speed.
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=1e-6, momentum=0.9, weight_decay=5e-4
        )
        self.run()

    def costs(self) -> dict[str, dict[str, int]]:
        """Parameters and multiply-accumulates of a forward pass of one image."""
        costs = {
            "parameters": parameter_count(self.model), "macs": macs_per_image(self.model, self.size)
        }
        return {self.key[0]: costs}

    def run(self) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.dtype == torch.bfloat16):
            loss = F.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)

    def measure(self, samples: int) -> Times:
        self.run()
        return {self.key: [milliseconds(self.run) for _ in range(samples)]}


def sparseprop_network(model: str, batch: int, density: float) -> torch.nn.Module:
    """The network with SparseProp's convolutions in place of the prunable ones (3x3, not the first),
    which keep their largest weights.

    SparseProp times its two ways of vectorising each layer and takes the faster.
    """
    from sparseprop.modules import sparsify_conv2d_auto
    from sparseprop.utils import swap_module

    network, shapes = MODELS[model](), {}
    convolutions = {
        name: module for name, module in network.named_modules()
        if isinstance(module, torch.nn.Conv2d) and module.kernel_size == (3, 3) and name != "conv1"
    }
    hooks = [
        module.register_forward_pre_hook(lambda _, inputs, name=name: shapes.update({
            name: inputs[0].shape
        }))
        for name, module in convolutions.items()
    ]
    size = IMAGE_SIZES.get(model, 32)
    with torch.no_grad():
        network(torch.randn(batch, 3, size, size))
    for hook in hooks:
        hook.remove()
    for name, module in convolutions.items():
        weights = module.weight.data
        kept = weights.abs().flatten().topk(round(density * weights.numel())).values[-1]
        weights *= weights.abs() >= kept
        swap_module(network, name, sparsify_conv2d_auto(module, shapes[name]))
    return network


def steps(model: str, batch: int, density: float) -> dict[str, Step]:
    """The step of every peer; also with a narrow network of the same work, and with SparseProp,
    where there is one."""
    sides = {peer: Step(model, batch, peer) for peer in PEERS}
    if model in NARROW:
        width, network = NARROW[model]
        sides |= {f"{peer}-{width}": Step(model, batch, peer, network) for peer in PEERS}
    if model in SPARSE and importlib.util.find_spec("sparseprop"):
        sides["sparseprop-fp32"] = Step(
            model, batch, "pytorch-fp32", lambda: sparseprop_network(model, batch, density)
        )
    return sides


class Convolution:
    """A layer such as `3x3/2 64-128@32x32`: kernel, stride, channels in and out, input map."""

    def __init__(self, name: str, batch: int, peer: str) -> None:
        found = re.fullmatch(r"(\d+)x(\d+)(?:/(\d+))? (\d+)(?:-(\d+))?@(\d+)x(\d+)", name)
        if not found:
            raise ValueError(f"no layer: {name}")
        rows, columns, stride, inputs, outputs, height, width = (
            int(group) if group else None for group in found.groups()
        )
        self.stride, self.padding = [stride or 1] * 2, [rows // 2, columns // 2]
        shapes = [(batch, inputs, height, width), (outputs or inputs, inputs, rows, columns)]
        dtype, layout = PEERS[peer]
        self.x, self.w = (
            torch.randn(shape).to(dtype=dtype, memory_format=layout) for shape in shapes
        )
        y = self.forward()
        self.dy = torch.randn_like(y)
        self.macs = y[0].numel() * self.w[0].numel()

    def forward(self) -> torch.Tensor:
        return torch.conv2d(self.x, self.w, None, self.stride, self.padding)

    def backward(self, mask: list[bool]) -> None:
        torch.ops.aten.convolution_backward(
            self.dy, self.x, self.w, None, self.stride, self.padding, [1, 1], False, [0, 0], 1, mask
        )

    def runs(self) -> dict[str, Callable[[], object]]:
        return {
            "forward": self.forward,
            "input-gradient": lambda: self.backward([True, False, False]),
            "weight-gradient": lambda: self.backward([False, True, False]),
        }


class Layers:
    """All layers, their passes one after the other as in training."""

    def __init__(self, batch: int, peer: str) -> None:
        self.layers = {name: Convolution(name, batch, peer) for name in LAYERS}

    def costs(self) -> dict[str, dict[str, int]]:
        return {
            name: {"parameters": layer.w.numel(), "macs": layer.macs}
            for name, layer in self.layers.items()
        }

    def measure(self, samples: int) -> Times:
        times = {(name, step): [] for name in self.layers for step in PASSES}
        for name, layer in self.layers.items():
            for sample in range(samples + 1):
                for step, run in layer.runs().items():
                    elapsed = milliseconds(run)
                    if sample > 0:
                        times[name, step].append(elapsed)
        return times
