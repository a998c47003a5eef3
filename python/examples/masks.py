# SPDX-License-Identifier: Apache-2.0
"""Three ways to move masks, each a few lines: SET, RigL, and one of your own.

    python masks.py [set|rigl|movement]
"""

import sys

import torch
import torch.nn.functional as F
from torch import nn

import swpu.torch


def set_(name, weight, gradient):
    """Mocanu et al. 2018: prune the smallest, grow anywhere."""
    return weight, torch.rand_like(weight)


def rigl(name, weight, gradient):
    """Evci et al. 2020: prune the smallest, grow where the gradient is largest."""
    return weight, gradient


def movement(name, weight, gradient):
    """Keep the weights that gradient descent makes larger."""
    return torch.clamp(-weight * gradient, min=0), gradient


criterion = {"set": set_, "rigl": rigl, "movement": movement}[
    sys.argv[1] if len(sys.argv) > 1 else "rigl"]
torch.manual_seed(1)
network = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(), nn.Linear(64, 4))


def batch(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise with a bright square in one of four places."""
    images, labels = torch.randn(count, 1, 16, 16), torch.randint(0, 4, (count,))
    for image, label in zip(images, labels.tolist()):
        image[0, 2 + label // 2 * 8:6 + label // 2 * 8, 2 + label % 2 * 8:6 + label % 2 * 8] += 1
    return images, labels


net = swpu.torch.sparsify(network, batch(32)[0], sparsity=0.9, granularity="line")
optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
for step in range(200):
    images, labels = batch(32)
    net.dense_gradients = step % 20 == 19
    optimizer.zero_grad()
    loss = F.cross_entropy(net(images), labels)
    loss.backward()
    optimizer.step()
    if net.dense_gradients:
        net.update_masks(criterion=criterion, density=0.1, exchange=0.2 * (1 - step / 200))
net.eval()
images, labels = batch(32)
print(f"{criterion.__name__.rstrip('_')}: loss {loss.item():.3f}, "
      f"{(net(images).argmax(1) == labels).float().mean().item():.0%} of 32 images right")
