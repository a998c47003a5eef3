# SPDX-License-Identifier: Apache-2.0
"""A ResNet-18 at 90 % sparsity beside its dense twin in PyTorch: the time of a training step.

    python faster.py [--batch 32] [--samples 5]

Both train on the same random images, interleaved; the median of each is printed, and how much faster the
sparse one is.
"""

import argparse
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn

import swpu.torch


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.shortcut = nn.Identity() if stride == 1 else nn.Sequential(
            nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def resnet18(classes: int) -> nn.Module:
    """ResNet-18 for images of 32x32."""
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    for inputs, outputs, stride in ((64, 64, 1), (64, 128, 2), (128, 256, 2), (256, 512, 2)):
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
arguments.add_argument("--batch", type=int, default=32, help="batch size (default 32)")
arguments.add_argument("--samples", type=int, default=5, help="timed steps of each (default 5)")
arguments = arguments.parse_args()

dense = resnet18(10)
images = torch.randn(arguments.batch, 3, 32, 32)
labels = torch.randint(0, 10, (arguments.batch,))
sparse = swpu.torch.sparsify(dense, images, sparsity=0.9, threads=torch.get_num_threads())
dense = dense.to(memory_format=torch.channels_last)
optimizers = {net: torch.optim.SGD(net.parameters(), lr=1e-3, momentum=0.9) for net in (dense, sparse)}


def step(net: nn.Module) -> float:
    start = time.perf_counter()
    optimizers[net].zero_grad()
    F.cross_entropy(net(images), labels).backward()
    optimizers[net].step()
    return 1000 * (time.perf_counter() - start)


samples = {net: [] for net in (dense, sparse)}
for net in samples:
    step(net)
for _ in range(arguments.samples):
    for net, times in samples.items():
        times.append(step(net))
medians = {net: statistics.median(times) for net, times in samples.items()}
print(f"dense PyTorch {torch.__version__}: {medians[dense]:.1f} ms a step")
print(f"sparsify at 90 %: {medians[sparse]:.1f} ms, {medians[dense] / medians[sparse]:.2f}x as fast")
