# SPDX-License-Identifier: Apache-2.0
"""Models: networks with weights and the memory that training them takes."""

from __future__ import annotations

import ctypes
import json
from ctypes import POINTER, byref, c_char_p, c_double, c_float, c_int32, c_int64, c_uint64
from dataclasses import dataclass

import numpy as np

from ._library import call, text
from .network import Network


@dataclass(frozen=True)
class Parameter:
    """What the optimiser trains, as views of the engine's memory.

    The views hold until the masks change; then ask the model for its parameters again.
    """

    index: int
    name: str
    #: Values; of a weight the packed kept ones.
    values: np.ndarray
    #: Gradients of the last backward pass, in the same order.
    gradient: np.ndarray
    #: Sizes of the dense array, `[K][C][R][S]` for a weight.
    shape: tuple[int, ...]
    #: For a weight the place of each value in the flat dense array, or -1 for padding that stays
    #: zero; None for biases, scales and shifts.
    positions: np.ndarray | None
    #: Whether pruning may touch it.
    prunable: bool

    def expand(self, packed: np.ndarray) -> np.ndarray:
        """An array in packed order as a dense one, zero where pruned."""
        if self.positions is None:
            return packed.reshape(self.shape)
        dense = np.zeros(int(np.prod(self.shape)), packed.dtype)
        real = self.positions >= 0
        dense[self.positions[real]] = packed[real]
        return dense.reshape(self.shape)

    def pack(self, dense: np.ndarray) -> np.ndarray:
        """A dense array in packed order."""
        if self.positions is None:
            return dense.reshape(-1)
        return np.where(self.positions >= 0, dense.reshape(-1)[self.positions], 0).astype(
            dense.dtype)


class _Memory:
    """Keeps a model alive as long as an array points at its memory."""

    def __init__(self, model: "Model", address: int, count: int, kind: str):
        self._model = model
        self.__array_interface__ = {
            "data": (address, False), "shape": (count,), "typestr": kind, "version": 3,
        }


def _floats(array: np.ndarray, shape: tuple[int, ...], name: str) -> np.ndarray:
    array = np.ascontiguousarray(array, np.float32)
    if array.size != int(np.prod(shape)):
        raise ValueError(f"{name}: has shape {array.shape}; the model takes {shape}")
    return array


class Model:
    """A network with weights, batch memory and, once asked for, masks and an optimiser.

    Calls release the interpreter; calls on one model from several threads wait for each other.
    """

    def __init__(
        self, network: Network, batch: int, threads: int = 0, kernels: str | None = None,
        seed: int = 1, image_gradient: bool = False,
    ):
        """
        batch: the most images of a pass. threads: 0 for one a processor. kernels: avx512, avx2,
        neon, baseline; None for the fastest. seed: of the first weights. image_gradient: backward
        passes compute the gradient of the images too.
        """
        handle = c_uint64()
        call(
            "model_create", network._handle, batch, threads,
            None if kernels is None else kernels.encode(), seed, image_gradient, byref(handle))
        self._handle = handle.value
        limit, inputs, classes = c_int32(), c_int64(), c_int32()
        call("model_sizes", self._handle, byref(limit), byref(inputs), byref(classes))
        self.batch, self.inputs, self.classes = limit.value, inputs.value, classes.value
        self._images: int | None = None  # of the last forward pass

    def __del__(self):
        handle, self._handle = getattr(self, "_handle", None), None
        if handle is not None:
            call("model_free", handle)

    # -- Passes

    def forward(self, images: np.ndarray, training: bool = False, seed: int = 0) -> np.ndarray:
        """The logits `[image][class]` of float32 images `[image][channel][row][column]`.

        training takes batch statistics and dropout (seeded by `seed`), else running statistics.
        """
        count = len(images)
        images = _floats(images, (count, self.inputs), "images")
        logits = np.empty((count, self.classes), np.float32)
        call(
            "model_forward", self._handle, images.ctypes.data, count, training, seed,
            logits.ctypes.data)
        self._images = count
        return logits

    def _check_count(self, count: int, name: str) -> None:
        """The library reads and writes as many as there were images, and is told no sizes."""
        if self._images is not None and count != self._images:
            raise ValueError(
                f"{name}: {count}, but the last forward pass had {self._images} images")

    def loss(self, labels: np.ndarray, smoothing: float = 0) -> tuple[float, int]:
        """Mean softmax cross-entropy of the last forward pass, and images classified correctly."""
        labels = np.ascontiguousarray(labels, np.int32)
        self._check_count(labels.size, "labels")
        loss, correct = c_double(), c_int32()
        call(
            "model_loss", self._handle, labels.ctypes.data, smoothing, byref(loss),
            byref(correct))
        return loss.value, correct.value

    def backward(
        self, gradient: np.ndarray | None = None, dense_gradients: bool = False
    ) -> None:
        """Computes the gradients of all parameters.

        gradient: of any loss by the logits `[image][class]`; None takes that of `loss`.
        dense_gradients also computes those of pruned weights, which `update_masks` needs.
        """
        address = None
        if gradient is not None:
            gradient = _floats(gradient, (len(gradient), self.classes), "gradient")
            self._check_count(len(gradient), "gradient")
            address = gradient.ctypes.data
        call("model_backward", self._handle, address, dense_gradients)

    def image_gradient(self, count: int) -> np.ndarray:
        """The gradient of the `count` images of the last backward pass, `[image][value]`.

        Of a model made with `image_gradient=True`, until the next forward pass.
        """
        self._check_count(count, "count")
        output = np.empty((count, self.inputs), np.float32)
        call("model_image_gradient", self._handle, output.ctypes.data)
        return output

    # -- Optimisers of the engine

    def sgd(self, momentum: float = 0.9, nesterov: bool = False, weight_decay: float = 0) -> None:
        """Trains by stochastic gradient descent from here on."""
        call("model_sgd", self._handle, momentum, nesterov, weight_decay)

    def adamw(
        self, betas: tuple[float, float] = (0.9, 0.999), epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        """Trains by AdamW from here on."""
        call("model_adamw", self._handle, *betas, epsilon, weight_decay)

    def step(self, rate: float, clip: float = 0) -> None:
        """One step of the optimiser; clip is the largest norm of all gradients, 0 for none."""
        call("model_step", self._handle, rate, clip)

    # -- Parameters

    def parameters(self) -> list[Parameter]:
        """All parameters, as views."""
        count = c_int32()
        call("model_parameter_count", self._handle, byref(count))
        return [self.parameter(index) for index in range(count.value)]

    def parameter(self, index: int) -> Parameter:
        """One parameter, as views."""
        name, count, prunable = c_char_p(), c_int64(), c_int32()
        values, gradient = POINTER(c_float)(), POINTER(c_float)()
        positions, shape = POINTER(c_int32)(), (c_int32 * 4)()
        call(
            "model_parameter", self._handle, index, byref(name), byref(values), byref(gradient),
            byref(count), byref(positions), shape, byref(prunable))

        def view(pointer, kind):
            address = ctypes.cast(pointer, ctypes.c_void_p).value
            return np.asarray(_Memory(self, address, count.value, kind))

        # Only weights have positions, and four axes.
        return Parameter(
            index, name.value.decode(), view(values, "<f4"), view(gradient, "<f4"),
            tuple(shape) if positions else (shape[0],),
            view(positions, "<i4").copy() if positions else None, bool(prunable.value))

    def statistics(self) -> dict[str, np.ndarray]:
        """Running means and variances by name, as views."""
        count = c_int32()
        call("model_statistic_count", self._handle, byref(count))
        found = {}
        for index in range(count.value):
            name, values, size = c_char_p(), POINTER(c_float)(), c_int64()
            call(
                "model_statistic", self._handle, index, byref(name), byref(values), byref(size))
            address = ctypes.cast(values, ctypes.c_void_p).value
            found[name.value.decode()] = np.asarray(_Memory(self, address, size.value, "<f4"))
        return found

    def _dense(self, function: str, index: int) -> np.ndarray:
        shape = self.parameter(index).shape
        output = np.empty(shape, np.float32)
        call(function, self._handle, index, output.ctypes.data)
        return output

    def dense_gradient(self, index: int) -> np.ndarray:
        """The gradient of every weight, pruned ones too, after `backward(dense_gradients=True)`."""
        return self._dense("model_dense_gradient", index)

    def set_dense_gradient(self, index: int, values: np.ndarray) -> None:
        """Replaces what the next `update_masks` reads, by the mean over many processes, say."""
        values = _floats(values, self.parameter(index).shape, "values")
        call("model_set_dense_gradient", self._handle, index, values.ctypes.data)

    def dense_values(self, index: int) -> np.ndarray:
        """A weight as a dense array, zero where pruned."""
        return self._dense("model_dense_values", index)

    def set_dense_values(self, index: int, values: np.ndarray) -> None:
        """Replaces a weight; values at pruned places are left out."""
        values = _floats(values, self.parameter(index).shape, "values")
        call("model_set_dense_values", self._handle, index, values.ctypes.data)

    # -- Masks

    def prune(
        self, total_steps: int, steps_per_epoch: int | None = None, **options: float | str
    ) -> None:
        """Draws the first masks by magnitude.

        options are the keys of `swpu train --config`, with underscores or hyphens: sparsity,
        granularity, schedule, balanced, budget, update_interval, ...
        """
        lines = [f"{key.replace('_', '-')}: {value}" for key, value in options.items()]
        call(
            "model_prune", self._handle, "\n".join(lines).encode(), total_steps,
            steps_per_epoch or total_steps)

    def updates_masks(self, step: int) -> bool:
        """Whether the schedule updates the masks after a step, counted from 0."""
        answer = c_int32()
        call("model_updates_masks", self._handle, step, byref(answer))
        return bool(answer.value)

    def update_masks(self, step: int) -> None:
        """New masks by the schedule, |w| and |dL/dW|, after the optimiser's step."""
        call("model_update_masks", self._handle, step)

    def choose_mask(
        self, index: int, saliency: np.ndarray, growth: np.ndarray, density: float,
        exchange: float = 0,
    ) -> np.ndarray:
        """The mask that a criterion of your own gives, in the granularity of `prune`.

        Keeps the units of largest mean |saliency| and exchanges a fraction of them for those of
        largest mean |growth|. `set_mask` applies it.
        """
        shape = self.parameter(index).shape
        saliency, growth = _floats(saliency, shape, "saliency"), _floats(growth, shape, "growth")
        kept = np.empty(shape, np.uint8)
        call(
            "model_choose_mask", self._handle, index, saliency.ctypes.data, growth.ctypes.data,
            density, exchange, kept.ctypes.data)
        return kept.astype(bool)

    def mask(self, index: int) -> np.ndarray:
        """True where a weight is kept."""
        kept = np.empty(self.parameter(index).shape, np.uint8)
        call("model_mask", self._handle, index, kept.ctypes.data)
        return kept.astype(bool)

    def set_mask(self, index: int, kept: np.ndarray) -> None:
        """Replaces a mask; what stays keeps its values, what comes back starts at zero."""
        shape = self.parameter(index).shape
        if kept.shape != shape:
            raise ValueError(f"kept: has shape {kept.shape}; the weight has {shape}")
        kept = np.ascontiguousarray(kept, np.uint8)
        call("model_set_mask", self._handle, index, kept.ctypes.data)

    # -- State and simulation

    def state(self) -> bytes:
        """Masks, weights, optimiser state and running statistics, with a checksum."""
        size = c_int64()
        call("model_state", self._handle, None, 0, byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        call("model_state", self._handle, buffer, size.value, byref(size))
        return buffer.raw

    def restore(self, state: bytes) -> None:
        """Goes back to a state of the same network."""
        call("model_restore", self._handle, state, len(state))

    def simulate(self, hardware: str = "swpu", batch: int | None = None) -> dict:
        """A training step with the present masks on the model of the processor.

        The document of `swpu simulate --json`: modelled cycles, energy, utilisation.
        """
        pointer = ctypes.c_void_p()
        call("model_simulate", self._handle, hardware.encode(), batch or self.batch, byref(pointer))
        return json.loads(text(ctypes.cast(pointer, c_char_p)))
