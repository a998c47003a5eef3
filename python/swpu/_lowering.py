# SPDX-License-Identifier: Apache-2.0
"""PyTorch modules as networks of the engine, by torch.fx."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.passes.shape_prop import ShapeProp

from ._library import Error
from .network import Network, Value


class UnsupportedOperations(Exception):
    """Everything in a module that the engine has no layer for, all at once."""

    def __init__(self, operations: list[str]):
        self.operations = operations
        super().__init__(
            "the engine has no layer for:\n" + "\n".join("  " + one for one in operations))


@dataclass
class Lowered:
    network: Network
    #: Names of the batch normalisations, which count their batches in a buffer.
    normalizations: list[str]


def lower(module: nn.Module, example: torch.Tensor, dense: set[str]) -> Lowered:
    """The network of a module, for images like those of `example`."""
    if example.dim() != 4:
        raise ValueError(
            f"example: has shape {tuple(example.shape)}; images are [batch][channel][row][column]")
    return _Lowering(module, example, dense).result()


class _Unsupported(Exception):
    pass


_ACTIVATIONS = {nn.ReLU: "relu", nn.ReLU6: "relu6", F.relu: "relu", F.relu6: "relu6",
                torch.relu: "relu", "relu": "relu", "relu_": "relu", torch.relu_: "relu"}
_ADDITIONS = (operator.add, operator.iadd, torch.add, "add", "add_")
_IDENTITIES = ("contiguous",)
_DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


class _Tracer(torch.fx.Tracer):
    """Takes a normalisation with an activation inside, as timm's are, for one layer, and decides conditions on
    shapes by those of the example."""

    def __init__(self, example: torch.Tensor):
        super().__init__()
        self.example = example
        self.values: dict[torch.fx.Node, object] = {}
        # Tensors with shapes and without values: a condition on values has no answer.
        self.mode = FakeTensorMode(allow_non_fake_inputs=True)
        # While it traces, torch.fx has its own in their place.
        self.originals = nn.Module.__call__, nn.Module.__getattr__

    def is_leaf_module(self, module: nn.Module, name: str) -> bool:
        return isinstance(module, nn.BatchNorm2d) or super().is_leaf_module(module, name)

    def to_bool(self, condition: torch.fx.Proxy) -> bool:
        patched = nn.Module.__call__, nn.Module.__getattr__
        try:
            nn.Module.__call__, nn.Module.__getattr__ = self.originals
            with self.mode, torch.no_grad():
                for node in list(self.graph.nodes):
                    if node not in self.values:
                        self.values[node] = self.value(node)
                answer = self.values[condition.node]
                if isinstance(answer, (bool, int)):
                    return bool(answer)
        except Exception:
            pass
        finally:
            nn.Module.__call__, nn.Module.__getattr__ = patched
        return super().to_bool(condition)  # which says that it cannot be traced

    def value(self, node: torch.fx.Node):
        arguments = torch.fx.map_arg((node.args, node.kwargs), lambda other: self.values[other])
        if node.op == "placeholder":
            return self.mode.from_tensor(self.example)
        if node.op == "call_function":
            return node.target(*arguments[0], **arguments[1])
        if node.op == "call_method":
            return getattr(arguments[0][0], node.target)(*arguments[0][1:], **arguments[1])
        found = self.root
        for name in node.target.split("."):
            found = getattr(found, name)
        if node.op != "call_module":
            return found
        # Shapes are the same in evaluation, which counts no batches.
        training, found.training = found.training, False
        try:
            return found(*arguments[0], **arguments[1])
        finally:
            found.training = training


class _Lowering:
    def __init__(self, module: nn.Module, example: torch.Tensor, dense: set[str]):
        self.root = module
        self.dense = dense
        self.normalizations: list[str] = []
        self.values: dict[torch.fx.Node, Value] = {}
        self.unsupported: list[str] = []
        training = [(part, part.training) for part in module.modules()]
        try:
            module.train()  # what the module does while it trains is what is wanted
            self.graph = torch.fx.GraphModule(module, _Tracer(example).trace(module))
            module.eval()
            with torch.no_grad():
                ShapeProp(self.graph).propagate(example)
        except Exception as error:
            reason = str(error).strip().split("\n")[0] or type(error).__name__
            raise UnsupportedOperations([f"torch.fx cannot trace the module: {reason}"]) from error
        finally:
            for part, mode in training:
                part.training = mode
        self.nodes = list(self.graph.graph.nodes)
        self.modules = dict(self.graph.named_modules())
        self.network = Network(type(module).__name__, tuple(example.shape[1:]))
        self.absorbed, self.fused = self._fusions()

    # -- What a node is

    def module(self, node: torch.fx.Node) -> nn.Module | None:
        return self.modules[node.target] if node.op == "call_module" else None

    def activation(self, node: torch.fx.Node) -> str | None:
        part = self.module(node)
        if isinstance(part, nn.Hardtanh) and (part.min_val, part.max_val) == (0, 6):
            return "relu6"
        key = type(part) if part is not None else node.target
        return _ACTIVATIONS.get(key) if node.op.startswith("call") else None

    def is_addition(self, node: torch.fx.Node) -> bool:
        return (
            node.op in ("call_function", "call_method") and node.target in _ADDITIONS
            and len(node.args) == 2 and all(isinstance(x, torch.fx.Node) for x in node.args)
            and not any(value != 1 for value in node.kwargs.values()))

    def shape(self, node: torch.fx.Node) -> tuple[int, ...]:
        return tuple(node.meta["tensor_meta"].shape)

    def _fusions(self):
        """A normalisation with the addition and the activation that alone read it is one layer."""
        absorbed: dict[torch.fx.Node, torch.fx.Node] = {}
        fused: dict[torch.fx.Node, tuple] = {}
        additions = set()
        for node in self.nodes:
            if not self.is_plain_normalization(self.module(node)) or len(node.users) != 1:
                continue
            last, residual = node, None
            user = next(iter(last.users))
            if self.is_addition(user) and user not in additions and user.args[0] is not user.args[1]:
                additions.add(user)
                residual = user.args[1] if user.args[0] is node else user.args[0]
                absorbed[node] = user
                last = user
            user = next(iter(last.users)) if len(last.users) == 1 else None
            kind = self.activation(user) if user is not None else None
            if kind is not None:
                absorbed[last] = user
                last = user
            if last is not node:
                absorbed[node] = last
                fused[last] = (node, residual, kind or "none")
        return absorbed, fused

    # -- The walk

    def result(self) -> Lowered:
        for node in self.nodes:
            try:
                if node in self.absorbed and node not in self.fused:
                    continue
                self.visit(node)
            except (_Unsupported, Error) as reason:
                self.unsupported.append(f"{node.name}: {reason}")
            except KeyError:
                continue  # behind something that is not supported
        if self.unsupported:
            raise UnsupportedOperations(self.unsupported)
        return Lowered(self.network, self.normalizations)

    def visit(self, node: torch.fx.Node) -> None:
        if node.op == "placeholder":
            if self.values:
                raise _Unsupported("the engine takes one input, the images")
            self.values[node] = self.network.input
        elif node.op == "output":
            (logits,) = node.args
            if not isinstance(logits, torch.fx.Node):
                raise _Unsupported("the engine gives one output, the logits")
            if len(self.shape(logits)) != 2:
                raise _Unsupported(f"the output has shape {self.shape(logits)}, not [image][class]")
        elif node.op == "get_attr":
            raise _Unsupported("values that are neither weights of a layer nor images")
        elif "tensor_meta" not in node.meta:
            return  # sizes, which the shapes already have
        elif node in self.fused:
            normalization, residual, kind = self.fused[node]
            self.values[node] = self.normalize(normalization, residual, kind)
        else:
            self.values[node] = self.layer(node)

    def input(self, node: torch.fx.Node) -> Value:
        return self.values[node.args[0]]

    def normalize(self, node: torch.fx.Node, residual, kind: str) -> Value:
        part = self.module(node)
        self.once(node)
        if part.weight is None or part.running_mean is None:
            raise _Unsupported("a batch normalisation without scale or running statistics")
        if part.momentum is None:
            raise _Unsupported("a batch normalisation with a cumulative average (momentum None)")
        self.normalizations.append(node.target)
        return self.network.batch_norm(
            node.target, self.input(node), None if residual is None else self.values[residual],
            kind, part.eps, part.momentum)

    def once(self, node: torch.fx.Node) -> None:
        if sum(other.target == node.target for other in self.nodes if other.op == node.op) > 1:
            raise _Unsupported("a layer with weights that is called more than once")

    def layer(self, node: torch.fx.Node) -> Value:
        part, target = self.module(node), node.target
        name = target if part is not None and list(part.parameters()) else node.name
        if isinstance(part, nn.Conv2d):
            return self.convolution(node, part)
        if isinstance(part, nn.Linear):
            return self.linear(node, part)
        if isinstance(part, nn.BatchNorm2d):
            return self.normalize(node, None, self.own_activation(part))
        if (kind := self.activation(node)) is not None:
            return self.network.activation(name, self.input(node), kind)
        if self.is_addition(node):
            return self.network.add(name, *(self.values[value] for value in node.args))
        if isinstance(part, nn.Identity) or target in _IDENTITIES:
            return self.input(node)
        if isinstance(part, _DROPOUTS) or target is F.dropout:
            return self.dropout(name, node, part)
        if isinstance(part, nn.Flatten) or target in (torch.flatten, "flatten", "view", "reshape", torch.reshape):
            before, after = self.shape(node.args[0]), self.shape(node)
            if len(after) != 2 or after[0] != before[0]:
                raise _Unsupported(f"shape {before} to {after}; only [batch][...] to [batch][values]")
            return self.input(node) if before == after else self.network.flatten(name, self.input(node))
        if isinstance(part, (nn.MaxPool2d, nn.AvgPool2d)):
            return self.pool(name, node, part)
        if target is F.max_pool2d or target is F.avg_pool2d:
            kind = nn.MaxPool2d if target is F.max_pool2d else nn.AvgPool2d
            return self.pool(name, node, kind(*node.args[1:], **node.kwargs))
        if isinstance(part, nn.AdaptiveAvgPool2d) or target is F.adaptive_avg_pool2d:
            return self.adaptive_pool(name, node)
        if target in ("mean", torch.mean):
            axes = node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")
            axes = (axes,) if isinstance(axes, int) else tuple(axes or ())
            if len(self.shape(node.args[0])) != 4 or sorted(axis % 4 for axis in axes) != [2, 3]:
                raise _Unsupported("a mean over other axes than rows and columns")
            return self.network.global_average_pool(name, self.input(node))
        raise _Unsupported(
            f"{type(part).__name__ if part is not None else getattr(target, '__name__', target)}")

    def convolution(self, node: torch.fx.Node, part: nn.Conv2d) -> Value:
        self.once(node)
        if part.dilation != (1, 1):
            raise _Unsupported(f"dilation {part.dilation}")
        if part.stride[0] != part.stride[1]:
            raise _Unsupported(f"unequal strides {part.stride}")
        padding = part.padding
        if padding == "valid":
            padding = (0, 0)
        if padding == "same" and all(size % 2 for size in part.kernel_size):
            padding = tuple(size // 2 for size in part.kernel_size)
        if part.padding_mode != "zeros" or isinstance(padding, str):
            raise _Unsupported(f"padding '{part.padding_mode}', {padding} of a kernel {part.kernel_size}")
        return self.network.convolution(
            node.target, self.input(node), part.out_channels, part.kernel_size, part.stride[0],
            padding, part.groups, part.bias is not None, self.is_prunable(node, part))

    def linear(self, node: torch.fx.Node, part: nn.Linear) -> Value:
        self.once(node)
        if len(self.shape(node)) != 2:
            raise _Unsupported(f"a linear layer on shape {self.shape(node.args[0])}")
        last = [other for other in self.nodes if isinstance(self.module(other), nn.Linear)][-1]
        return self.network.linear(
            node.target, self.input(node), part.out_features, part.bias is not None,
            node is not last and node.target not in self.dense)

    def is_prunable(self, node: torch.fx.Node, part: nn.Conv2d) -> bool:
        first = next(other for other in self.nodes if isinstance(self.module(other), nn.Conv2d))
        if node is first or node.target in self.dense or part.groups == part.in_channels:
            return False
        if part.kernel_size != (1, 1) or len(node.args[0].users) < 2:
            return True
        # A shortcut: it reads what a block reads, and is added to what the block makes.
        end = node
        while len(end.users) == 1 and isinstance(
                self.module(next(iter(end.users))), (nn.BatchNorm2d, nn.Identity)):
            end = next(iter(end.users))
        return not any(self.is_addition(user) for user in end.users)

    def is_plain_normalization(self, part: nn.Module | None) -> bool:
        return type(part) is nn.BatchNorm2d or (
            isinstance(part, nn.BatchNorm2d)
            and all(isinstance(getattr(part, inside, None), nn.Identity) for inside in ("act", "drop")))

    def own_activation(self, part: nn.BatchNorm2d) -> str:
        """Of a normalisation that has its activation inside."""
        if self.is_plain_normalization(part):
            return "none"
        kind = type(getattr(part, "act", None))
        if kind not in _ACTIVATIONS or not isinstance(getattr(part, "drop", None), nn.Identity):
            raise _Unsupported(f"{type(part).__name__} with {kind.__name__}")
        return _ACTIVATIONS[kind]

    def dropout(self, name: str, node: torch.fx.Node, part: nn.Module | None) -> Value:
        if part is not None:
            probability = part.p
        else:
            probability = node.args[1] if len(node.args) > 1 else node.kwargs.get("p", 0.5)
        if probability == 0:
            return self.input(node)
        if part is not None and type(part) is not nn.Dropout:
            raise _Unsupported(type(part).__name__)
        return self.network.dropout(name, self.input(node), probability)

    def adaptive_pool(self, name: str, node: torch.fx.Node) -> Value:
        """Windows that do not overlap and are all of one size are an ordinary pooling."""
        before, after = self.shape(node.args[0])[2:], self.shape(node)[2:]
        if after == (1, 1):
            return self.network.global_average_pool(name, self.input(node))
        if after == before:
            return self.input(node)
        sizes = {rows // pooled for rows, pooled in zip(before, after)}
        if len(sizes) > 1 or any(rows % pooled for rows, pooled in zip(before, after)):
            raise _Unsupported(f"adaptive pooling of {before} to {after}, in unequal windows")
        return self.network.pool(name, self.input(node), "average", sizes.pop())

    def pool(self, name: str, node: torch.fx.Node, part) -> Value:
        def one(size) -> int:
            sizes = {size} if isinstance(size, int) else set(size)
            if len(sizes) != 1:
                raise _Unsupported(f"unequal window, stride or padding {size}")
            return sizes.pop()

        if getattr(part, "dilation", 1) not in (1, (1, 1)):
            raise _Unsupported("pooling with dilation")
        padding = one(part.padding)
        if part.ceil_mode:
            size, stride = one(part.kernel_size), one(part.stride)
            if any((side + 2 * padding - size) % stride for side in self.shape(node.args[0])[2:]):
                raise _Unsupported("pooling with ceil_mode, where it makes the output larger")
        if isinstance(part, nn.AvgPool2d) and (
                part.divisor_override or (padding and not part.count_include_pad)):
            raise _Unsupported("average pooling that leaves out padding, or divides by another number")
        kind = "max" if isinstance(part, nn.MaxPool2d) else "average"
        return self.network.pool(
            name, self.input(node), kind, one(part.kernel_size), one(part.stride), padding)
