# SPDX-License-Identifier: Apache-2.0
"""Three ways to move masks, each a few lines: SET, RigL, and a new one; and none, for comparison.

    python masks.py CIFAR-FOLDER [fixed|set|rigl|foresight ...] [--epochs 6] [--images 10000] [--seeds 1 2 3]

CIFAR-FOLDER has the binary version of CIFAR-10 (`swpu data cifar10` fetches it). Each trains the same
small network from the same weights at 95 % sparsity, and prints its accuracy on the test images; with
--output also as a JSON file.
"""

import argparse
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import swpu.torch


def set_(name, weight, gradient):
    """Mocanu et al. 2018: prune the smallest weights, grow anywhere."""
    return weight, torch.rand_like(weight)


def rigl(name, weight, gradient):
    """Evci et al. 2020: prune the smallest weights, grow where the gradient is largest."""
    return weight, gradient


def foresight(name, weight, gradient):
    """Where a weight would be after a hundred steps of descent: kept and pruned ones by one measure."""
    ahead = weight - 100 * rate * gradient
    return ahead, ahead


def read(paths, count):
    """Images of mean 0 and standard deviation 1, and labels."""
    records = np.concatenate([np.fromfile(path, np.uint8).reshape(-1, 3073) for path in paths])[:count]
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32))
    images = (images - images.mean((0, 2, 3), keepdim=True)) / images.std((0, 2, 3), keepdim=True)
    return images, torch.from_numpy(records[:, 0].astype(np.int64))


def network(seed):
    torch.manual_seed(seed)
    layers, inputs = [], 3
    for outputs, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def train(criterion, seed):
    images, labels = training
    net = swpu.torch.sparsify(network(seed), images[:64], sparsity=0.95, granularity="line")
    optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
    steps = arguments.epochs * (len(images) // 64)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        chosen = torch.randint(0, len(images), (64,))
        # Every 25 steps in the first three quarters, fewer and fewer weights change places.
        net.dense_gradients = criterion is not None and step % 25 == 24 and step < 0.75 * steps
        optimizer.zero_grad()
        F.cross_entropy(net(images[chosen]), labels[chosen]).backward()
        optimizer.step()
        schedule.step()
        if net.dense_gradients:
            net.update_masks(criterion=criterion, exchange=0.3 * (1 - step / steps))
    net.eval()
    images, labels = test
    with torch.no_grad():
        right = [net(part).argmax(1) for part in images.split(64)]
    return (torch.cat(right) == labels).float().mean().item()


ways = {"fixed": None, "set": set_, "rigl": rigl, "foresight": foresight}
parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=pathlib.Path, help="with data_batch_1.bin … and test_batch.bin")
parser.add_argument("ways", nargs="*", default=list(ways), metavar="WAY", help=", ".join(ways))
parser.add_argument("--epochs", type=int, default=6)
parser.add_argument("--images", type=int, default=10000, help="to train on (default 10000)")
parser.add_argument("--seeds", type=int, nargs="+", default=[1])
parser.add_argument("--output", type=pathlib.Path, help="a JSON file for the accuracies")
arguments = parser.parse_args()
rate = 0.1
training = read(sorted(arguments.folder.glob("data_batch_*.bin")), arguments.images)
test = read([arguments.folder / "test_batch.bin"], 10000)
accuracies = {way: [] for way in arguments.ways}
for seed in arguments.seeds:
    for way in arguments.ways:
        torch.manual_seed(seed)
        accuracies[way].append(train(ways[way], seed))
        print(f"{way}, seed {seed}: {accuracies[way][-1]:.1%} of the test images right", flush=True)
    if arguments.output:
        arguments.output.write_text(json.dumps(
            {"epochs": arguments.epochs, "images": arguments.images, "seeds": arguments.seeds,
             "accuracies": accuracies}, indent=1) + "\n")
