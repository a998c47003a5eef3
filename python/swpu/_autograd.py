# SPDX-License-Identifier: Apache-2.0
"""The engine's passes as one function of autograd, of the images and of every parameter."""

from __future__ import annotations

import torch
from torch.autograd.function import once_differentiable


def run(module, images: torch.Tensor) -> torch.Tensor:
    """The logits of a `SparseModule`; a backward pass through them is the engine's."""
    if images.requires_grad and not module.image_gradient:
        raise RuntimeError(
            "sparsify: the images need a gradient, which the engine computes only where "
            "sparsify(..., image_gradient=True) made room for it")
    return _Passes.apply(module, images, *module._parameters_of_engine)


class _Passes(torch.autograd.Function):
    @staticmethod
    def forward(ctx, module, images: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        module._pass += 1
        ctx.module, ctx.number, ctx.shape, ctx.training = (
            module, module._pass, images.shape, module.training)
        array = images.detach().to(torch.float32).contiguous().numpy()
        seed = int(torch.randint(1 << 62, ()).item()) if module.training else 0
        logits = module.engine.forward(array, training=module.training, seed=seed)
        if module.training and module._counters:
            torch._foreach_add_(module._counters, 1)
        return torch.from_numpy(logits)

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: torch.Tensor):
        module = ctx.module
        if not ctx.training:
            raise RuntimeError(
                "sparsify: the engine computes gradients in training mode only; call train() before "
                "the forward pass")
        if ctx.number != module._pass:
            raise RuntimeError(
                "sparsify: the engine keeps one forward pass; call backward before the next forward")
        # The engine writes where the last gradients are; those that autograd is to add to move away.
        for tensor, memory in zip(module._parameters_of_engine, module._gradients):
            if tensor.grad is not None and tensor.grad.data_ptr() == memory.data_ptr():
                tensor.grad = tensor.grad.clone()
        module.engine.backward(
            gradient.contiguous().numpy(), dense_gradients=module.dense_gradients)
        needed = ctx.needs_input_grad
        images = None
        if needed[1]:
            images = torch.from_numpy(module.engine.image_gradient(ctx.shape[0])).view(ctx.shape)
        # Autograd keeps a gradient that nothing else refers to as it is: `.grad` is the engine's memory.
        return (None, images, *(
            memory.detach() if wanted else None
            for memory, wanted in zip(module._gradients, needed[2:])))
