# SPDX-License-Identifier: Apache-2.0
"""Drawing inputs and writing fixtures. The format is described in make_fixtures.py."""

import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures"

random = np.random.default_rng(1)


def number(value: float) -> float:
    return float(f"{value:.9g}")


def tensor(values: Tensor) -> dict:
    flat = values.detach().to(torch.float32).flatten().numpy()
    return {"shape": list(values.shape), "values": [float(str(value)) for value in flat]}


def write(name: str, description: str, cases: list[dict]) -> None:
    document = {"description": description, "cases": cases}
    path = FIXTURES / f"{name}.json"
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)
    path.write_text(text.replace('{"name"', '\n{"name"') + "\n")
    print(f"{path.name:24s} {len(cases):3d} cases {path.stat().st_size / 1024:7.1f} KiB")


def exact(values: np.ndarray) -> Tensor:
    """The float32 value of each four-decimal number, in float64."""
    return torch.from_numpy(np.round(values, 4).astype(np.float32).astype(np.float64))


def normal(*shape: int, scale: float = 1) -> Tensor:
    return exact(random.standard_normal(shape) * scale).requires_grad_()


def gradients(output: Tensor, *inputs: Tensor) -> tuple[Tensor, list[Tensor]]:
    """An upstream gradient for `output`, and what it makes of the gradients of `inputs`."""
    upstream = normal(*output.shape).detach()
    return upstream, list(torch.autograd.grad(output, inputs, upstream))


def unary(name: str, x: Tensor, output: Tensor, **configuration: object) -> dict:
    """A case of a layer with one input and no parameters."""
    upstream, [dx] = gradients(output, x)
    return {
        "name": name, "configuration": configuration, "input": tensor(x),
        "upstreamGradient": tensor(upstream), "output": tensor(output), "inputGradient": tensor(dx),
    }
