# SPDX-License-Identifier: Apache-2.0
"""Networks as data: layers, appended one by one."""

from __future__ import annotations

import os
from ctypes import byref, c_int32, c_uint64

from ._library import call

#: The number of a value: 0 is the images, each layer's output gets the next one.
Value = int


def _sizes(shape: tuple[int, int, int]) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise ValueError(f"shape: {tuple(shape)} is not (channels, rows, columns)")
    return tuple(int(size) for size in shape)


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))


class Network:
    """A network under construction.

    Each method appends a layer that reads a value and returns the number of its output:

        network = swpu.Network("small", (3, 32, 32))
        x = network.convolution("conv1", network.input, 16, 3, padding=1)
        x = network.batch_norm("bn1", x, activation="relu")
        x = network.global_average_pool("pool", x)
        network.linear("fc", x, 10)

    The last layer makes the logits. Names are unique; sizes that do not fit raise `swpu.Error`.
    """

    #: The images.
    input: Value = 0

    def __init__(self, name: str, shape: tuple[int, int, int]):
        """shape: channels, rows and columns of an image."""
        handle = c_uint64()
        call("network_create", name.encode(), *_sizes(shape), byref(handle))
        self._handle = handle.value

    @classmethod
    def named(
        cls, model: str, shape: tuple[int, int, int], classes: int, width: float = 1
    ) -> "Network":
        """One of the networks that come with the engine: resnet18, resnet20, lenet5, ...

        width multiplies the filters of every layer.
        """
        handle = c_uint64()
        call("network_named", model.encode(), *_sizes(shape), classes, width, byref(handle))
        network = cls.__new__(cls)
        network._handle = handle.value
        return network

    @classmethod
    def from_onnx(
        cls, file: str | os.PathLike | bytes, size: int | tuple[int, int] = 0, classes: int = 0,
    ) -> "Network":
        """The network of an ONNX file, given as its path or as its bytes.

            torch.onnx.export(module, images, "mine.onnx")
            model = swpu.Model(swpu.Network.from_onnx("mine.onnx"), batch=32)

        Models start from the file's weights; layers cannot be appended. size: rows and columns of the
        images, or one number for both, where the file leaves them open. classes: another number than the
        file's gives the last layer random weights. Raises `swpu.Error`, which lists every operator that
        the engine has no layer for.
        """
        handle = c_uint64()
        # The library reads weights outside of the file from the file's own folder.
        content = bytes(file) if isinstance(file, (bytes, bytearray, memoryview)) else None
        path = None if content is not None else os.fsencode(file)
        call(
            "network_from_onnx", path, content, len(content or b""), *_pair(size), classes,
            byref(handle))
        network = cls.__new__(cls)
        network._handle = handle.value
        return network

    def __del__(self):
        handle, self._handle = getattr(self, "_handle", None), None
        if handle is not None:
            call("network_free", handle)

    def _append(self, kind: str, name: str, *arguments) -> Value:
        output = c_int32()
        call("network_" + kind, self._handle, name.encode(), *arguments, byref(output))
        return output.value

    def convolution(
        self, name: str, value: Value, filters: int, kernel: int | tuple[int, int],
        stride: int = 1, padding: int | tuple[int, int] = 0, groups: int = 1, bias: bool = False,
        prunable: bool = True,
    ) -> Value:
        """A convolution; kernel and padding are rows and columns, or one number for both."""
        return self._append(
            "convolution", name, value, filters, *_pair(kernel), stride, *_pair(padding), groups,
            bias, prunable)

    def linear(
        self, name: str, value: Value, outputs: int, bias: bool = True, prunable: bool = True
    ) -> Value:
        """A linear layer; a larger map is flattened first."""
        return self._append("linear", name, value, outputs, bias, prunable)

    def batch_norm(
        self, name: str, value: Value, residual: Value | None = None, activation: str = "none",
        epsilon: float = 1e-5, momentum: float = 0.1,
    ) -> Value:
        """A batch normalisation, then a residual is added, then the activation applied."""
        return self._append(
            "batch_norm", name, value, -1 if residual is None else residual, activation.encode(),
            epsilon, momentum)

    def activation(self, name: str, value: Value, kind: str = "relu") -> Value:
        """An activation: relu or relu6."""
        return self._append("activation", name, value, kind.encode())

    def pool(
        self, name: str, value: Value, kind: str, size: int, stride: int | None = None,
        padding: int = 0,
    ) -> Value:
        """A max or average pooling over square windows; the stride is the size unless given."""
        return self._append("pool", name, value, kind.encode(), size, stride or size, padding)

    def global_average_pool(self, name: str, value: Value) -> Value:
        """The mean of each feature map."""
        return self._append("global_average_pool", name, value)

    def add(self, name: str, first: Value, second: Value) -> Value:
        """The sum of two values of one size."""
        return self._append("add", name, first, second)

    def flatten(self, name: str, value: Value) -> Value:
        """Every value of the map becomes a channel."""
        return self._append("flatten", name, value)

    def dropout(self, name: str, value: Value, probability: float) -> Value:
        """Inverted dropout."""
        return self._append("dropout", name, value, probability)
