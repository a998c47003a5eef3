# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the optimisers, of clipping and of the learning rate's schedules."""

import math

import numpy as np
import torch
from fixture import exact, normal, number, tensor, write
from torch import Tensor, nn


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
            rates = [learning_rate(kind, 0.1, step, total, warmup) for step in range(total)]
            cases.append({
                "name": f"{kind}, {total} steps, {warmup} of warm-up",
                "configuration": {
                    "kind": kind, "learningRate": 0.1, "steps": total, "warmupSteps": warmup,
                },
                "values": [number(rate) for rate in rates],
            })
    description = (
        "Learning rate at steps 0, 1, ... Below warmupSteps: learningRate (step + 1) / "
        "warmupSteps. From there, constant: learningRate; step: times 0.1 from the step where 2 "
        "step >= steps, times 0.1 again from where 4 step >= 3 steps; cosine: 0.5 learningRate "
        "(1 + cos(pi (step - warmupSteps) / (steps - warmupSteps)))."
    )
    write("schedules", description, cases)
