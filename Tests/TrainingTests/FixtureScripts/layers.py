# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the layers and of the loss."""

import numpy as np
import torch
from fixture import exact, gradients, normal, number, random, tensor, unary, write
from torch import Tensor, nn
from torch.nn import functional as F


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
