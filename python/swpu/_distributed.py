# SPDX-License-Identifier: Apache-2.0
"""Training one sparse module on many processes, with `torch.distributed`."""

from __future__ import annotations

import zlib

import torch
import torch.distributed as dist


def all_reduce(module, group: dist.ProcessGroup | None = None) -> None:
    """Averages the gradients over the processes of a group, between `backward()` and the optimiser's step.

        torch.distributed.init_process_group("gloo")
        net = swpu.torch.sparsify(model, example, sparsity=0.9, total_steps=steps)
        for step, (images, labels) in enumerate(loader):      # of this process
            net.dense_gradients = net.updates_masks(step)
            optimizer.zero_grad()
            F.cross_entropy(net(images), labels).backward()
            swpu.torch.all_reduce(net)
            optimizer.step()
            if net.dense_gradients:
                net.update_masks(step)

    The gradients of kept weights travel, in one piece. Before an update of the masks
    (`net.dense_gradients`) those of pruned weights are averaged too, so that every process chooses the
    same masks. Masks and weights are compared when the masks are new; where they differ, every process
    raises `RuntimeError`. Running statistics stay each process's own.
    """
    if module._digest is None:
        module._digest = digest(module)
        # Equal everywhere if and only if the largest is the smallest.
        ends = torch.tensor([module._digest, -module._digest])
        dist.all_reduce(ends, dist.ReduceOp.MAX, group)
        if ends[0] != -ends[1]:
            raise RuntimeError(
                "swpu.torch.all_reduce: masks or weights differ between the processes; start them from "
                "one seed or one state_dict, and update masks in all of them at the same steps")
    mean(
        [tensor.grad for tensor in module._parameters_of_engine if tensor.grad is not None], group)
    if module.dense_gradients:
        weights = [one for one in module._packings if one.prunable]
        gradients = [
            torch.from_numpy(module.engine.dense_gradient(one.index)) for one in weights]
        mean(gradients, group)
        for weight, gradient in zip(weights, gradients):
            module.engine.set_dense_gradient(weight.index, gradient.numpy())


def digest(module) -> int:
    """A checksum of the packed weights and of where they belong."""
    sum_ = 0
    for parameter in module._packings:
        if parameter.positions is not None:
            sum_ = zlib.crc32(parameter.positions.data, sum_)
        sum_ = zlib.crc32(parameter.values.data, sum_)
    return sum_


def mean(tensors: list[torch.Tensor], group: dist.ProcessGroup | None) -> None:
    """Replaces tensors by their means over the processes."""
    if not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    dist.all_reduce(flat, group=group)
    flat /= dist.get_world_size(group)
    parts = flat.split([tensor.numel() for tensor in tensors])
    for tensor, part in zip(tensors, parts):
        tensor.copy_(part.view_as(tensor))
