# SPDX-License-Identifier: Apache-2.0
"""One sparse network on two processes (gloo), beside one process with both batches."""

import os
import tempfile
import unittest

try:
    import torch
except ImportError:
    raise unittest.SkipTest("PyTorch is not installed, so torch.distributed is not tested") from None
import torch.distributed as dist
import torch.multiprocessing as processes
import torch.nn.functional as F
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import swpu.torch

RANKS, BATCH, STEPS = 2, 8, 20


def network() -> nn.Module:
    """Without batch normalisation, whose statistics are those of each process's own batch."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Linear(512, 64), nn.ReLU(), nn.Linear(64, 5))


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    images = torch.randn(RANKS * BATCH, 3, 16, 16, generator=generator)
    labels = torch.randint(0, 5, (RANKS * BATCH,), generator=generator)
    images[torch.arange(RANKS * BATCH), labels % 3] += 0.5 * labels[:, None, None]
    return images, labels


def train(average, share: slice, count: int, optimizer=torch.optim.SGD, wrap=None):
    """Losses of a process's share of each batch, bytes of the gradients by step, the end's weights."""
    example = torch.zeros(count, 3, 16, 16)
    net = swpu.torch.sparsify(
        network(), example, sparsity=0.9, granularity="line", total_steps=STEPS, steps_per_epoch=10,
        update_interval=5, threads=1)
    options = {"momentum": 0.9} if optimizer is torch.optim.SGD else {}
    optimizer = optimizer(net.parameters(), lr=0.05 if options else 0.005, **options)
    losses = []
    model = wrap(net) if wrap else net
    for step in range(STEPS):
        images, labels = (part[share] for part in batch(step))
        net.dense_gradients = net.updates_masks(step)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        average(net)
        optimizer.step()
        if net.dense_gradients:
            net.update_masks(step)
            model = wrap(net) if wrap else net
        losses.append(loss.item())
    return losses, {name: value.clone() for name, value in net.state_dict().items()}


def rank(number: int, folder: str, work) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=number, world_size=RANKS)
    torch.set_num_threads(1)
    torch.save(work(number), f"{folder}/{number}")
    dist.barrier()
    # The threads of gloo abort a process now and then whose peer ends first: leave without their destructors.
    os._exit(0)


def run(work) -> list:
    """What `work(rank)` gives in two processes."""
    with tempfile.TemporaryDirectory() as folder:
        processes.spawn(rank, (folder, work), nprocs=RANKS)
        return [torch.load(f"{folder}/{number}", weights_only=True) for number in range(RANKS)]


def share(number: int) -> slice:
    return slice(number * BATCH, (number + 1) * BATCH)


def by_all_reduce(number: int, optimizer=torch.optim.SGD):
    """Also counts what every `all_reduce` takes."""
    taken = []
    original = dist.all_reduce

    def counted(tensor, *arguments, **options):
        taken.append(tensor.nbytes)
        return original(tensor, *arguments, **options)

    dist.all_reduce = counted
    steps = []

    def average(net):
        taken.clear()
        swpu.torch.all_reduce(net)
        steps.append((bool(net.dense_gradients), sum(taken)))

    losses, state = train(average, share(number), BATCH, optimizer)
    return losses, state, steps


def by_adam(number: int):
    return by_all_reduce(number, torch.optim.AdamW)


def by_wrapping(number: int):
    def average(net):
        if net.dense_gradients:
            swpu.torch.all_reduce(net)

    return train(average, share(number), BATCH, wrap=DistributedDataParallel)


def with_other_masks(number: int):
    net = swpu.torch.sparsify(network(), torch.zeros(2, 3, 16, 16), sparsity=0.5 + 0.1 * number)
    net(torch.randn(2, 3, 16, 16)).sum().backward()
    try:
        swpu.torch.all_reduce(net)
    except RuntimeError as error:
        return str(error)
    return "no error"


class DistributedTests(unittest.TestCase):
    def check(self, results, optimizer=torch.optim.SGD):
        whole, state = train(lambda net: None, slice(None), RANKS * BATCH, optimizer)
        (first, ours, *_), (second, theirs, *_) = results
        for name, value in ours.items():
            self.assertTrue(torch.equal(value, theirs[name]), f"{name} differs between the processes")
        means = [(a + b) / 2 for a, b in zip(first, second)]
        torch.testing.assert_close(torch.tensor(means), torch.tensor(whole), atol=2e-4, rtol=0)
        self.assertGreater(max(abs(loss - whole[0]) for loss in whole), 0.05, "it trains")
        kept = [(value != 0).float().mean().item() for name, value in state.items()
                if name in ("3.weight", "5.weight", "9.weight")]
        self.assertLess(max(kept), 0.5)

    def test_two_processes_equal_one_with_both_batches(self):
        results = run(by_all_reduce)
        self.check(results)
        dense = sum(value.numel() for value in network().parameters()) * 4
        prunable = sum(network()[layer].weight.nbytes for layer in (3, 5, 9))
        steps = results[0][2]
        self.assertTrue(any(updates for updates, _ in steps))
        small = dense - prunable  # what stays dense: the first and the last layer, biases
        for updates, taken in steps:
            # The masks are not yet at the target in the first half.
            self.assertLess(taken, dense + (prunable if updates else 0) + 16)
        self.assertLess(steps[-1][1], small + 0.12 * prunable + 16)

    def test_adam_follows_too(self):
        self.check(run(by_adam), torch.optim.AdamW)

    def test_a_wrapped_module_averages_by_itself(self):
        self.check(run(by_wrapping))

    def test_masks_that_differ_are_an_error_everywhere(self):
        for message in run(with_other_masks):
            self.assertIn("masks or weights differ between the processes", message)


if __name__ == "__main__":
    unittest.main()
