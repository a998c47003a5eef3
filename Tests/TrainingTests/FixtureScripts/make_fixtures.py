#!/usr/bin/env python3
"""Write the fixtures of TrainingTests: what PyTorch answers, for the engine to agree with.

usage: python3 make_fixtures.py      (writes ../Fixtures/*.json, about ten seconds)

Made with Python 3.11, PyTorch 2.15.0 and NumPy 2.4.6 (pip install -r
Benchmarks/peers/requirements.txt). The tests read the committed files and need none of these.

A tensor is {"shape": [...], "values": [...]}, flat in row-major order: maps are [images, channels,
rows, columns], weights [outputs, inputs / groups, rows, columns]. Inputs have four decimals;
PyTorch computes in float64 from their float32 values, and every answer is the nearest float32, in
as many digits (at most nine) as tell it from its neighbours. Single numbers have nine digits.
A file is {"description": ..., "cases": [{"name": ..., ...}, ...]}.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parent / "Fixtures"
sys.path.insert(0, str(HERE.parents[2] / "Benchmarks" / "peers"))
from models import resnet20  # noqa: E402

random = np.random.default_rng(1)


# Writing


def number(value: float) -> float:
    return float(f"{value:.9g}")


def tensor(values: Tensor) -> dict:
    flat = values.detach().to(torch.float32).flatten().numpy()
    return {"shape": list(values.shape), "values": [float(str(value)) for value in flat]}


def write(name: str, description: str, cases: list[dict], **more: object) -> None:
    document = {"description": description, **more, "cases": cases}
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


# Layers


def convolution(
    name: str, images: int, inputs: int, outputs: int, map: tuple[int, int],
    kernel: tuple[int, int], stride: int, padding: tuple[int, int], groups: int = 1,
    bias: bool = False,
) -> dict:
    x, w = normal(images, inputs, *map), normal(outputs, inputs // groups, *kernel, scale=0.3)
    b = normal(outputs) if bias else None
    y = F.conv2d(x, w, b, stride, padding, groups=groups)
    upstream, [dx, dw, *db] = gradients(y, x, w, *([b] if bias else []))
    case = {
        "name": name,
        "configuration": {
            "inChannels": inputs, "outChannels": outputs, "kernelHeight": kernel[0],
            "kernelWidth": kernel[1], "stride": stride, "paddingHeight": padding[0],
            "paddingWidth": padding[1], "groups": groups, "bias": bias,
        },
        "input": tensor(x), "weight": tensor(w), "upstreamGradient": tensor(upstream),
        "output": tensor(y), "inputGradient": tensor(dx), "weightGradient": tensor(dw),
    }
    if bias:
        case |= {"bias": tensor(b), "biasGradient": tensor(db[0])}
    return case


def convolutions() -> None:
    cases = [
        convolution("3x3", 3, 4, 5, (6, 6), (3, 3), 1, (1, 1)),
        convolution("3x3 with bias", 5, 3, 4, (4, 4), (3, 3), 1, (1, 1), bias=True),
        convolution("3x3 on a wide map", 1, 2, 3, (3, 18), (3, 3), 1, (1, 1)),
        convolution("3x3 on a map of one pixel", 3, 3, 4, (1, 1), (3, 3), 1, (1, 1)),
        convolution("3x3 on maps smaller than a vector", 17, 2, 2, (2, 2), (3, 3), 1, (1, 1)),
        convolution("3x3 without padding", 2, 3, 3, (6, 5), (3, 3), 1, (0, 0)),
        convolution("3x3 stride 2", 3, 4, 5, (6, 6), (3, 3), 2, (1, 1)),
        convolution("3x3 stride 2 on an odd map", 3, 3, 4, (7, 5), (3, 3), 2, (1, 1), bias=True),
        convolution("1x1", 5, 6, 4, (4, 4), (1, 1), 1, (0, 0)),
        convolution("1x1 with bias", 3, 5, 7, (3, 3), (1, 1), 1, (0, 0), bias=True),
        convolution("1x1 stride 2", 3, 5, 6, (6, 6), (1, 1), 2, (0, 0)),
        convolution("1x1 stride 2 on an odd map", 3, 4, 4, (5, 5), (1, 1), 2, (0, 0)),
        convolution("5x5", 3, 2, 3, (6, 6), (5, 5), 1, (2, 2), bias=True),
        convolution("5x5 without padding", 3, 2, 3, (7, 7), (5, 5), 1, (0, 0), bias=True),
        convolution("7x7 stride 2", 2, 3, 4, (10, 10), (7, 7), 2, (3, 3)),
        convolution("1x7", 3, 3, 4, (4, 8), (1, 7), 1, (0, 3)),
        convolution("7x1", 3, 3, 4, (8, 4), (7, 1), 1, (3, 0)),
        convolution("3x3 in two groups", 3, 4, 6, (5, 5), (3, 3), 1, (1, 1), groups=2),
        convolution("1x1 in three groups", 3, 6, 3, (4, 4), (1, 1), 1, (0, 0), groups=3, bias=True),
        convolution("depthwise 3x3", 3, 5, 5, (6, 6), (3, 3), 1, (1, 1), groups=5),
        convolution("depthwise 3x3 stride 2", 3, 5, 5, (6, 6), (3, 3), 2, (1, 1), groups=5),
    ]
    write("conv2d", "y = conv(x, w) + b, and the gradients of x, w and b.", cases)


def batch_norm(
    name: str, images: int, channels: int, map: tuple[int, int], training: bool,
    relu: bool = False, residual: bool = False, offset: float = 0.5,
) -> dict:
    layer = nn.BatchNorm2d(channels, dtype=torch.float64).train(training)
    with torch.no_grad():
        layer.weight.copy_(exact(random.uniform(0.5, 1.5, channels)))
        layer.bias.copy_(normal(channels))
        if not training:
            layer.running_mean.copy_(normal(channels))
            layer.running_var.copy_(exact(random.uniform(0.5, 2, channels)))
    case = {
        "name": name,
        "configuration": {
            "channels": channels, "epsilon": layer.eps, "momentum": layer.momentum,
            "training": training, "relu": relu, "residual": residual,
        },
        "gamma": tensor(layer.weight), "beta": tensor(layer.bias),
        "runningMean": tensor(layer.running_mean), "runningVariance": tensor(layer.running_var),
        "steps": [],
    }
    for _ in range(2 if training else 1):
        x = exact(random.standard_normal((images, channels, *map)) * 2 + offset).requires_grad_()
        added = normal(images, channels, *map) if residual else None
        y = layer(x)
        y = y + added if residual else y
        y = F.relu(y) if relu else y
        parameters = [x, layer.weight, layer.bias] + ([added] if residual else [])
        upstream, [dx, dgamma, dbeta, *dadded] = gradients(y, *parameters)
        step = {
            "input": tensor(x), "upstreamGradient": tensor(upstream), "output": tensor(y),
            "inputGradient": tensor(dx), "gammaGradient": tensor(dgamma),
            "betaGradient": tensor(dbeta), "runningMean": tensor(layer.running_mean),
            "runningVariance": tensor(layer.running_var),
        }
        if residual:
            step |= {"residual": tensor(added), "residualGradient": tensor(dadded[0])}
        case["steps"].append(step)
    return case


def batch_norms() -> None:
    cases = [
        batch_norm("training", 3, 4, (3, 3), True),
        batch_norm("training far from zero", 5, 2, (2, 3), True, offset=50),
        batch_norm("training with more images than lanes", 19, 2, (1, 2), True),
        batch_norm("training with relu", 3, 4, (3, 3), True, relu=True),
        batch_norm("training with residual", 3, 3, (2, 3), True, residual=True),
        batch_norm("training with residual and relu", 3, 3, (3, 3), True, relu=True, residual=True),
        batch_norm("evaluation", 3, 4, (3, 3), False),
        batch_norm("evaluation with residual and relu", 3, 3, (3, 3), False, True, True),
    ]
    description = (
        "y = gamma (x - mean) / sqrt(variance + epsilon) + beta, then + residual, then relu, where "
        "configured. Training: mean and (biased) variance of the batch; two steps with the same "
        "gamma and beta; running = (1 - momentum) running + momentum batch, with the unbiased "
        "variance. Evaluation: the running values, which stay as they are. Running values of the "
        "case are those before the first step, those of a step are after it."
    )
    write("batch_norm", description, cases)


def activations() -> None:
    edges = [[-8, -1.5, -1e-30, -0.0, 0, 1e-30, 0.25, 1, 3, 5.9999, 6, 6.0001, 7, 100, -100, 2]]
    x = torch.tensor(edges, dtype=torch.float32).double().reshape(1, 4, 2, 2).requires_grad_()
    maps = normal(3, 4, 3, 3, scale=4)
    cases = [
        unary("relu", maps, F.relu(maps), maximum=None),
        unary("relu at its edges", x, F.relu(x), maximum=None),
        unary("relu6", maps, F.relu6(maps), maximum=6),
        unary("relu6 at its edges", x, F.relu6(x), maximum=6),
    ]
    description = "y = max(x, 0), at most `maximum`. At 0 and at the maximum the gradient is 0."
    write("activations", description, cases)


def pools() -> None:
    def case(kind: str, name: str, x: Tensor, kernel: int, stride: int, padding: int = 0) -> dict:
        pool = F.max_pool2d if kind == "max" else F.avg_pool2d
        y = pool(x, kernel, stride, padding)
        return unary(name, x, y, kind=kind, kernel=kernel, stride=stride, padding=padding)

    ties = exact(random.integers(0, 2, (3, 2, 6, 6)).astype(float)).requires_grad_()
    negative = exact(-random.uniform(1, 2, (3, 2, 5, 5))).requires_grad_()
    cases = [
        case("max", "max 2x2 stride 2", normal(3, 3, 6, 6), 2, 2),
        case("max", "max 2x2 stride 2 on an odd map", normal(3, 3, 5, 7), 2, 2),
        case("max", "max 3x3 stride 2 padding 1", normal(3, 3, 6, 6), 3, 2, 1),
        case("max", "max 3x3 stride 2 padding 1, negative", negative, 3, 2, 1),
        case("max", "max 3x3 stride 1 padding 1", normal(2, 2, 5, 5), 3, 1, 1),
        case("max", "max 2x2 stride 2, ties", ties, 2, 2),
        case("max", "max 3x3 stride 2 padding 1, ties", ties, 3, 2, 1),
        case("average", "average 2x2 stride 2", normal(3, 3, 6, 6), 2, 2),
        case("average", "average 3x3 stride 1", normal(3, 2, 5, 5), 3, 1),
        case("average", "average 3x3 stride 2 padding 1", normal(3, 2, 6, 6), 3, 2, 1),
    ]
    for images, map in [(5, (4, 4)), (3, (3, 2)), (17, (1, 1))]:
        x = normal(images, 3, *map)
        name = f"global average {map[0]}x{map[1]}"
        cases.append(unary(name, x, x.mean((2, 3)), kind="globalAverage"))
    description = (
        "Square windows; the last incomplete window is left out. Maximum: padding never wins; the "
        "gradient goes to the first maximum in row-major order. Average: padding counts as zeros. "
        "Global average: the output is [images, channels]."
    )
    write("pools", description, cases)


def linears() -> None:
    def case(name: str, images: int, inputs: int, outputs: int, bias: bool) -> dict:
        x, w = normal(images, inputs), normal(outputs, inputs, scale=0.3)
        b = normal(outputs) if bias else None
        y = F.linear(x, w, b)
        upstream, [dx, dw, *db] = gradients(y, x, w, *([b] if bias else []))
        result = {
            "name": name,
            "configuration": {"inFeatures": inputs, "outFeatures": outputs, "bias": bias},
            "input": tensor(x), "weight": tensor(w), "upstreamGradient": tensor(upstream),
            "output": tensor(y), "inputGradient": tensor(dx), "weightGradient": tensor(dw),
        }
        if bias:
            result |= {"bias": tensor(b), "biasGradient": tensor(db[0])}
        return result

    cases = [
        case("7 to 10 with bias", 5, 7, 10, True),
        case("9 to 4 without bias", 3, 9, 4, False),
        case("33 to 10, one image", 1, 33, 10, True),
        case("12 to 5, more images than lanes", 19, 12, 5, True),
    ]
    write("linear", "y = x w^T + b; x is [images, features], w [outputs, inputs].", cases)


def additions() -> None:
    def case(name: str, relu: bool) -> dict:
        a, b = normal(3, 4, 3, 3), normal(3, 4, 3, 3)
        y = F.relu(a + b) if relu else a + b
        upstream, [da, db] = gradients(y, a, b)
        return {
            "name": name, "configuration": {"relu": relu}, "input": tensor(a),
            "residual": tensor(b), "upstreamGradient": tensor(upstream), "output": tensor(y),
            "inputGradient": tensor(da), "residualGradient": tensor(db),
        }

    cases = [case("add", False), case("add with relu", True)]
    write("add", "y = x + residual, then relu where configured.", cases)


def losses() -> None:
    def case(name: str, logits: Tensor, smoothing: float) -> dict:
        targets = torch.from_numpy(random.integers(0, logits.shape[1], len(logits)))
        loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
        [gradient] = torch.autograd.grad(loss, [logits])
        return {
            "name": name, "configuration": {"labelSmoothing": smoothing}, "logits": tensor(logits),
            "targets": targets.tolist(), "loss": number(loss.item()),
            "logitsGradient": tensor(gradient),
        }

    cases = [
        case("ten classes", normal(5, 10), 0),
        case("ten classes, smoothing 0.1", normal(5, 10), 0.1),
        case("three classes, more images than lanes", normal(19, 3, scale=3), 0),
        case("one image, smoothing 0.1", normal(1, 10), 0.1),
        case("large logits", normal(5, 6, scale=300), 0),
        case("large logits, smoothing 0.1", normal(5, 6, scale=300), 0.1),
        case("equal logits", exact(np.full((2, 4), 1000.0)).requires_grad_(), 0.1),
    ]
    description = (
        "Mean over images of -sum_c q_c log softmax(logits)_c, "
        "q_c = (1 - labelSmoothing) [c = target] + labelSmoothing / classes."
    )
    write("cross_entropy", description, cases)


# Optimisers and schedules


def optimizers() -> None:
    def case(name: str, kind: str, **settings: float | bool) -> dict:
        x = normal(7)
        initial = tensor(x)
        if kind == "sgd":
            momentum, decay, nesterov = (
                settings.get(key, 0) for key in ("momentum", "weightDecay", "nesterov")
            )
            configuration = {
                "learningRate": 0.1, "momentum": momentum, "weightDecay": decay,
                "nesterov": bool(nesterov),
            }
            optimizer = torch.optim.SGD(
                [x], lr=0.1, momentum=momentum, weight_decay=decay, nesterov=bool(nesterov)
            )
        else:
            decay = settings["weightDecay"]
            configuration = {
                "learningRate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
                "weightDecay": decay,
            }
            optimizer = torch.optim.AdamW([x], lr=0.01, weight_decay=decay)
        steps = []
        for _ in range(5):
            x.grad = normal(7).detach()
            optimizer.step()
            steps.append({"gradient": tensor(x.grad), "parameter": tensor(x)})
        return {
            "name": name, "kind": kind, "configuration": configuration, "parameter": initial,
            "steps": steps,
        }

    cases = [
        case("sgd", "sgd"),
        case("sgd, weight decay", "sgd", weightDecay=0.01),
        case("sgd, momentum", "sgd", momentum=0.9),
        case("sgd, momentum, weight decay", "sgd", momentum=0.9, weightDecay=0.01),
        case("sgd, nesterov", "sgd", momentum=0.9, nesterov=True),
        case("sgd, nesterov, weight decay", "sgd", momentum=0.9, nesterov=True, weightDecay=0.01),
        case("adamw", "adamw", weightDecay=0),
        case("adamw, weight decay", "adamw", weightDecay=0.1),
    ]
    description = (
        "SGD: g += weightDecay p; v = momentum v + g (v = 0 before the first step); p -= "
        "learningRate (nesterov: g + momentum v; else: v). AdamW: p -= learningRate weightDecay p; "
        "m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; p -= learningRate "
        "(m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon), t = 1 at the first step. The "
        "parameter of the case is the one before the first step, that of a step the one after it."
    )
    write("optimizers", description, cases)


def clipping() -> None:
    def case(name: str, maximum: float, *given: Tensor) -> dict:
        parameters = [nn.Parameter(torch.zeros_like(gradient)) for gradient in given]
        for parameter, gradient in zip(parameters, given):
            parameter.grad = gradient.detach().clone()
        norm = nn.utils.clip_grad_norm_(parameters, maximum)
        return {
            "name": name, "configuration": {"maximumNorm": maximum},
            "gradients": [tensor(gradient) for gradient in given],
            "norm": number(norm.item()),
            "clipped": [tensor(parameter.grad) for parameter in parameters],
        }

    cases = [
        case("above the maximum", 1, normal(3, 4), normal(5), normal(2, 2)),
        case("below the maximum", 100, normal(3, 4), normal(5)),
        case("all zeros", 1, exact(np.zeros(4)), exact(np.zeros(2))),
        case("large", 0.5, normal(6, scale=1e6), normal(3)),
    ]
    description = (
        "norm = L2 norm of all gradients together; clipped = gradient min(1, maximumNorm / (norm + "
        "1e-6))."
    )
    write("gradient_clipping", description, cases)


def learning_rate(kind: str, rate: float, step: int, total: int, warmup: int) -> float:
    if step < warmup:
        return rate * (step + 1) / warmup
    if kind == "step":
        return rate * (0.1 if 2 * step >= total else 1) * (0.1 if 4 * step >= 3 * total else 1)
    if kind == "cosine":
        return 0.5 * rate * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))
    return rate


def schedules() -> None:
    cases = []
    for kind in ["constant", "step", "cosine"]:
        for total, warmup in [(20, 0), (20, 5), (23, 4)]:
            values = [number(learning_rate(kind, 0.1, step, total, warmup)) for step in range(total)]
            cases.append({
                "name": f"{kind}, {total} steps, {warmup} of warm-up",
                "configuration": {
                    "kind": kind, "learningRate": 0.1, "steps": total, "warmupSteps": warmup,
                },
                "values": values,
            })
    description = (
        "Learning rate at steps 0, 1, ... Below warmupSteps: learningRate (step + 1) / warmupSteps. "
        "From there, constant: learningRate; step: times 0.1 from the step where 2 step >= steps, "
        "times 0.1 again from where 4 step >= 3 steps; cosine: 0.5 learningRate (1 + cos(pi (step - "
        "warmupSteps) / (steps - warmupSteps)))."
    )
    write("schedules", description, cases)


# Ten steps of ResNet-20


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


BATCH, STEPS, RATE, MOMENTUM, DECAY = 8, 10, 0.05, 0.9, 5e-4


def initial(name: str, value: Tensor) -> float | None:
    """The constant that a parameter of the network starts at; None: uniform.

    A block's last gamma starts small. With one there, losses of float32 and float64 part by 0.08
    within ten steps at this learning rate; so they part by 1e-5.
    """
    if value.dim() > 1:
        return None
    return 0.125 if name.endswith("bn2.weight") else 1.0 if name.endswith("weight") else 0.0


def initialised_resnet20(dtype: torch.dtype, layout: torch.memory_format) -> nn.Module:
    model = resnet20().to(dtype=dtype, memory_format=layout)
    for index, (name, parameter) in enumerate(model.named_parameters()):
        constant = initial(name, parameter)
        if constant is None:
            scale = np.float32(math.sqrt(6 / parameter[0].numel()))
            values = SeededRandom(1, index).uniform(tuple(parameter.shape)) * scale
            parameter.data.copy_(torch.from_numpy(values))
        else:
            nn.init.constant_(parameter, constant)
    return model


def batch(step: int) -> tuple[Tensor, Tensor]:
    images = torch.from_numpy(SeededRandom(2, step).uniform((BATCH, 3, 32, 32)))
    labels = SeededRandom(3, step)
    return images, torch.tensor([labels.below(10) for _ in range(BATCH)])


def train(
    dtype: torch.dtype, layout: torch.memory_format = torch.contiguous_format
) -> tuple[nn.Module, list[float], list[Tensor]]:
    """The trained network, its losses and the gradients of the first step."""
    model = initialised_resnet20(dtype, layout)
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
            "initial": initial(name, value), "fanIn": value[0].numel(), "firstGradientNorm": number(gradient.norm().item()),
            "norm": number(value.norm().item()), "firstValues": tensor(value.flatten()[:4]),
            "float32Deviation": number((value - other).abs().max().item()),
        })
    apart = max(abs(a - b) for a, b in zip(losses64 * 2, losses32 + losses32_last))
    print(f"resnet20: losses {losses64[0]:.4f} ... {losses64[-1]:.4f}, float32 at most {apart:.1e} off")
    description = (
        f"{STEPS} steps of ResNet-20 (widths 16, 32, 64; three basic blocks each; 1x1 convolution "
        "and batch norm as shortcut of the first block of stages 2 and 3). Batch norm: epsilon "
        "1e-5, momentum 0.1. SGD without nesterov, weight decay on every parameter. Parameter i "
        "starts, in row-major order, at (2 uniform() - 1) scale, a product of float32, with "
        "SeededRandom(seed: 1, stream: i) and scale = Float(sqrt(6.0 / fanIn)), or at the constant "
        "`initial` where that is not null. Step s (from 0) has a batch of its own: pixels 2 uniform() - 1 of "
        "SeededRandom(seed: 2, stream: s), [images, channels, rows, columns] in row-major order, "
        "and labels below(10) of SeededRandom(seed: 3, stream: s). Losses are the cross-entropy of "
        "each batch before its update, `firstGradientNorm` is of the first step (with its loss alone, "
        "no weight decay), `norm` (L2) and `firstValues` are after the last. All are from a run in "
        "float64. `float32Losses`, `float32ChannelsLastLosses` and `float32Deviation` (largest of a "
        "parameter's values after the last step) show how far PyTorch's own float32 is from it."
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


def main() -> None:
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    convolutions()
    batch_norms()
    activations()
    pools()
    linears()
    additions()
    losses()
    optimizers()
    clipping()
    schedules()
    training_steps()


if __name__ == "__main__":
    main()
