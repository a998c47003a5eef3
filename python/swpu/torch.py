# SPDX-License-Identifier: Apache-2.0
"""Ordinary PyTorch modules whose convolutions are pruned while they train, and skip what is pruned."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from ._autograd import run
from ._distributed import all_reduce
from ._lowering import UnsupportedOperations, lower
from .model import Model, Parameter

__all__ = ["SparseModule", "UnsupportedOperations", "all_reduce", "sparsify"]

#: Saliency and growth of a weight's elements from its name, dense values and dense gradient.
Criterion = Callable[[str, torch.Tensor, torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def sparsify(
    module: nn.Module, example: torch.Tensor, sparsity: float = 0.9,
    granularity: str = "sub-structured", *, total_steps: int | None = None,
    steps_per_epoch: int | None = None, batch: int | None = None, threads: int = 0,
    dense: Iterable[str] = (), image_gradient: bool = False, **options: float | str,
) -> "SparseModule":
    """An `nn.Module` that computes what `module` does, with most of its weights pruned.

    Forward and backward run in the engine, on the kept weights only:

        net = swpu.torch.sparsify(torchvision.models.resnet18(), torch.zeros(32, 3, 32, 32))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
        for images, labels in loader:
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(images), labels).backward()
            optimizer.step()

    module: its weights are the starting point, and stay as they are.
    example: images `[batch][channel][row][column]`; their number is the largest batch unless `batch`
    is given.
    granularity: filter, channel, shape, line, sub-structured, unstructured, or dense.
    total_steps, steps_per_epoch: of the schedule by which `update_masks(step)` moves the masks; without
    them the masks are those of the largest weights until `update_masks` is called with a criterion.
    dense: names of layers that stay dense, besides the first convolution, 1x1 shortcuts and the last
    linear layer.
    image_gradient: `images.requires_grad` works, at the cost of the first layer's input gradient.
    options: further keys of `swpu train --config`: balanced, budget, update_interval, ...

    Raises `UnsupportedOperations`, which names everything that the engine has no layer for.
    """
    lowered = lower(module, example, set(dense))
    model = Model(
        lowered.network, batch or len(example), threads, image_gradient=image_gradient)
    state = module.state_dict()
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    result = SparseModule(model, shapes, lowered.normalizations, image_gradient)
    result._load_dense(state)
    if total_steps is None:
        options = {"schedule": "dynamic", **options}
    if granularity != "dense":
        model.prune(
            total_steps or 1, steps_per_epoch, sparsity=sparsity, granularity=granularity, **options)
    result._renew()
    return result


class SparseModule(nn.Module):
    """What `sparsify` returns.

    `parameters()` are the packed kept weights, `.grad` their gradients: views of the engine's memory.
    `state_dict()` has the names and shapes of the original module, with zeros where pruned.
    """

    #: Set it before `backward()` to compute the gradients of pruned weights too, which the next
    #: `update_masks` needs.
    dense_gradients = False

    def __init__(
        self, model: Model, shapes: dict[str, tuple[int, ...]], normalizations: list[str],
        image_gradient: bool,
    ):
        super().__init__()
        #: Whether backward passes compute the gradient of the images.
        self.image_gradient = image_gradient
        #: The engine's model.
        self.engine = model
        self._pass = 0
        self._digest: int | None = None
        self._shapes = shapes
        self._parameters_of_engine: list[nn.Parameter] = []
        self._packings: list[Parameter] = []
        self._gradients: list[torch.Tensor] = []
        self._counters: list[torch.Tensor] = []
        for parameter in model.parameters():
            tensor = nn.Parameter(torch.from_numpy(parameter.values))
            self._register(parameter.name, tensor)
            self._parameters_of_engine.append(tensor)
            self._packings.append(parameter)
        for name, values in model.statistics().items():
            self._register(name, torch.from_numpy(values))
        for name in normalizations:
            self._counters.append(torch.tensor(0))
            self._register(name + ".num_batches_tracked", self._counters[-1])
        self._normalizations = normalizations
        self.register_state_dict_post_hook(_expand_state)
        self.register_load_state_dict_pre_hook(_pack_state)

    def _register(self, name: str, tensor: torch.Tensor) -> None:
        *path, leaf = name.split(".")
        parent: nn.Module = self
        for part in path:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent._modules[part]
        if isinstance(tensor, nn.Parameter):
            parent.register_parameter(leaf, tensor)
        else:
            parent.register_buffer(leaf, tensor)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits `[image][class]`."""
        return run(self, images)

    def _apply(self, function, recurse: bool = True):
        # `.to()`, `.half()`, `.cuda()`: the parameters are the engine's memory and cannot move.
        moved = function(torch.zeros(1))
        if moved.dtype != torch.float32 or moved.device.type != "cpu":
            raise RuntimeError(
                f"sparsify: the engine computes in float32 on the CPU, not in {moved.dtype} on "
                f"{moved.device}; load state_dict() into the original module to take it elsewhere")
        return self

    def __reduce_ex__(self, protocol):
        raise TypeError(
            "sparsify: the module holds the engine's memory and cannot be copied or pickled; save "
            "state_dict(), and load it into another module that sparsify made")

    # -- Masks

    def updates_masks(self, step: int) -> bool:
        """Whether the schedule updates the masks after a step, counted from 0."""
        return self.engine.updates_masks(step)

    def update_masks(
        self, step: int | None = None, *, criterion: Criterion | None = None,
        density: float | None = None, exchange: float = 0.1,
    ) -> None:
        """Moves the masks, after a backward pass with `dense_gradients = True`.

        With a step: by the schedule and the engine's criterion. Else by `criterion`, layer by layer: it
        gets a weight's name, dense values and dense gradient and gives the saliency of what is kept
        and the growth of what is pruned; `exchange` is the fraction of the kept units that go, and
        `density` the fraction of each layer that is kept after it, None for as much as now.
        Optimisers follow: the state of what stays is kept, of what comes back it is zero.
        """
        if step is not None:
            self.engine.update_masks(step)
        else:
            criterion = criterion or (lambda name, weight, gradient: (weight, gradient))
            for parameter in self._packings:
                if not parameter.prunable or parameter.positions is None:
                    continue
                saliency, growth = criterion(
                    parameter.name,
                    self._original(parameter, self.engine.dense_values(parameter.index)),
                    self._original(parameter, self.engine.dense_gradient(parameter.index)))
                share = density
                if share is None:
                    share = float(self.engine.mask(parameter.index).mean())
                kept = self.engine.choose_mask(
                    parameter.index, saliency.numpy(), growth.numpy(), share, exchange)
                self.engine.set_mask(parameter.index, kept)
        self._renew()

    def masks(self) -> dict[str, torch.Tensor]:
        """True where a weight is kept, by name."""
        return {
            parameter.name: self._original(parameter, self.engine.mask(parameter.index))
            for parameter in self._packings if parameter.positions is not None
        }

    def _original(self, parameter: Parameter, dense: np.ndarray) -> torch.Tensor:
        """A dense array in the shape that the original module has: a linear layer's has two axes."""
        return torch.from_numpy(dense.reshape(self._shapes[parameter.name]))

    def _renew(self) -> None:
        """Points the parameters at the engine's memory of the present masks."""
        self._digest = None
        for index, tensor in enumerate(self._parameters_of_engine):
            old, new = self._packings[index], self.engine.parameter(index)
            if old.positions is not None and not np.array_equal(old.positions, new.positions):
                if getattr(tensor, "_packing_of_state", None) is None:
                    tensor._packing_of_state = old
                tensor._packing = new
            tensor.grad = None
            # Autograd's node of a parameter remembers the size of its first gradient. It is forgotten
            # when the type of the values changes, but not when their number does.
            tensor.data = torch.empty(0, dtype=torch.float64)
            tensor.data = torch.from_numpy(new.values)
            self._packings[index] = new
        self._gradients = [torch.from_numpy(one.gradient) for one in self._packings]

    # -- State

    def _load_dense(self, state: dict[str, torch.Tensor]) -> None:
        """Takes values in the original names and shapes; those of pruned places are left out."""
        for parameter in self._packings:
            values = state[parameter.name].detach().numpy()
            if parameter.positions is None:
                parameter.values[:] = values
            else:
                self.engine.set_dense_values(parameter.index, values)
        for name, values in self.engine.statistics().items():
            values[:] = state[name].numpy()
        for name, counter in zip(self._normalizations, self._counters):
            counter.copy_(state[name + ".num_batches_tracked"])


# -- state_dict in the original's names and shapes


def _expand_state(module: SparseModule, state: dict, prefix: str, _) -> None:
    for parameter in module._packings:
        key = prefix + parameter.name
        if parameter.positions is not None and key in state:
            state[key] = module._original(
                parameter, module.engine.dense_values(parameter.index))


def _pack_state(module: SparseModule, state: dict, prefix: str, *_) -> None:
    """The zeros of a loaded weight become its mask."""
    for parameter in module._packings:
        key = prefix + parameter.name
        if parameter.positions is None or key not in state:
            continue
        dense = state[key].detach().to(torch.float32).numpy()
        if dense.shape != module._shapes[parameter.name]:
            continue  # load_state_dict reports it
        if parameter.prunable:
            module.engine.set_mask(parameter.index, dense.reshape(parameter.shape) != 0)
        module.engine.set_dense_values(parameter.index, dense)
    module._renew()
    for parameter in module._packings:
        key = prefix + parameter.name
        if parameter.positions is not None and key in state:
            state[key] = torch.from_numpy(parameter.values.copy())


# -- Optimisers follow the masks

def _repack_state(optimizer: torch.optim.Optimizer, *_) -> None:
    """Before a step: state in the order of masks that are gone takes the present order."""
    for group in optimizer.param_groups:
        for tensor in group["params"]:
            old = getattr(tensor, "_packing_of_state", None)
            if old is None:
                continue
            tensor._packing_of_state = None
            state = optimizer.state.get(tensor, {})
            for key, value in state.items():
                if torch.is_tensor(value) and value.numel() == len(old.positions) > 1:
                    dense = old.expand(value.detach().numpy())
                    state[key] = torch.from_numpy(tensor._packing.pack(dense))


register_optimizer_step_pre_hook(_repack_state)
