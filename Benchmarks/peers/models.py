# SPDX-License-Identifier: Apache-2.0
"""The networks that both sides train, and what they cost."""

import torch
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)).

    The shortcut is a 1x1 convolution with batch norm where the shape changes, else x itself.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu_(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return torch.relu_(y + self.shortcut(x))


class ResNet(nn.Module):
    """A residual network for 32x32 images: 3x3 stem, stages of basic blocks, average, linear.

    The first block of every stage but the first halves the map. Parameters are in the order of the
    network; a block's shortcut comes after its second batch norm.
    """

    def __init__(self, widths: list[int], blocks: int, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        layers, inputs = [], widths[0]
        for stage, width in enumerate(widths):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                layers.append(BasicBlock(inputs, width, stride))
                inputs = width
        self.blocks = nn.Sequential(*layers)
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        y = self.blocks(torch.relu_(self.bn1(self.conv1(x))))
        return self.linear(y.mean((2, 3)))


def norm(outputs: int, activation: type[nn.Module] | None = None) -> list[nn.Module]:
    """A batch norm and what follows it."""
    layers = [nn.BatchNorm2d(outputs)]
    return layers if activation is None else [*layers, activation(inplace=True)]


class Bottleneck(nn.Module):
    """relu(1x1, 3x3, 1x1 convolutions + shortcut), the last with four times the filters."""

    def __init__(self, inputs: int, filters: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * filters
        self.path = nn.Sequential(
            nn.Conv2d(inputs, filters, 1, bias=False), *norm(filters, nn.ReLU),
            nn.Conv2d(filters, filters, 3, stride, 1, bias=False), *norm(filters, nn.ReLU),
            nn.Conv2d(filters, outputs, 1, bias=False), *norm(outputs),
        )
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), *norm(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu_(self.path(x) + self.shortcut(x))


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise, 1x1 projection; a residual where the size stays."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = expansion * inputs
        layers = []
        if expansion > 1:
            layers = [nn.Conv2d(inputs, hidden, 1, bias=False), *norm(hidden, nn.ReLU6)]
        self.path = nn.Sequential(
            *layers, nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            *norm(hidden, nn.ReLU6), nn.Conv2d(hidden, outputs, 1, bias=False), *norm(outputs),
        )
        self.hasResidual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.path(x) if self.hasResidual else self.path(x)


def resnet50() -> nn.Module:
    """For large images: a stem of 7x7 and a max pooling."""
    layers, inputs = [], 64
    for stage, (filters, blocks) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)]):
        for block in range(blocks):
            layers.append(Bottleneck(inputs, filters, 2 if stage > 0 and block == 0 else 1))
            inputs = 4 * filters
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), *norm(64, nn.ReLU), nn.MaxPool2d(3, 2, 1),
        *layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10),
    )


def mobilenetv2() -> nn.Module:
    """For large images."""
    layers, inputs = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), *norm(32, nn.ReLU6)], 32
    stages = [
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]
    for expansion, outputs, blocks, stride in stages:
        for block in range(blocks):
            step = stride if block == 0 else 1
            layers.append(InvertedResidual(inputs, outputs, expansion, step))
            inputs = outputs
    return nn.Sequential(
        *layers, nn.Conv2d(inputs, 1280, 1, bias=False), *norm(1280, nn.ReLU6),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 10),
    )


def resnet18(width: int = 64) -> ResNet:
    return ResNet([width, 2 * width, 4 * width, 8 * width], blocks=2)


def resnet20() -> ResNet:
    return ResNet([16, 32, 64], blocks=3)


MODELS = {
    "resnet18": resnet18, "resnet20": resnet20, "resnet50": resnet50, "mobilenetv2": mobilenetv2,
}

IMAGE_SIZES = {"resnet50": 224, "mobilenetv2": 224}
"""Rows and columns of the images of a network; 32 for the others."""

NARROW = {"resnet18": ("width20", lambda: resnet18(width=20))}
"""A dense network of about as many multiply-accumulates as a network at 90 % sparsity."""


def parameter_count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def macs_per_image(model: nn.Module, size: int) -> int:
    """Multiply-accumulates of one image's forward pass, taps on padding included."""
    total = 0

    def count(module: nn.Module, _inputs: tuple, output: Tensor) -> None:
        nonlocal total
        total += output[0].numel() * module.weight[0].numel()

    hooks = [
        module.register_forward_hook(count)
        for module in model.modules()
        if isinstance(module, (nn.Conv2d, nn.Linear))
    ]
    training = model.training
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, size, size))
    model.train(training)
    for hook in hooks:
        hook.remove()
    return total
