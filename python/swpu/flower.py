# SPDX-License-Identifier: Apache-2.0
"""Federated training on Flower (`pip install flwr`): devices train one sparse network on their own data.

Kept weights travel, and masks are the server's: it sends them with the weights, so that all devices have
the same. In some rounds each device also sends, of its first batches and at the weights that all share, the
largest gradients of pruned weights; the server adds them up and moves the masks by magnitude and gradient.

    net = swpu.torch.sparsify(model, example, sparsity=0.9, granularity="line")

    def fit(net, context, config):            # of a device; trains and returns how many images it has
        ...
        return len(images)

    client = swpu.flower.client_app(lambda context: net, fit, batches)
    strategy = swpu.flower.SparseFedAvg(net, rounds=40, update_every=4)
    strategy.start(grid, strategy.initial_arrays, num_rounds=40, evaluate_fn=...)
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable

import numpy as np
import torch
import torch.nn.functional as F
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from .torch import SparseModule

__all__ = ["SparseFedAvg", "client_app", "load", "pack"]

_MASK, _PLACES, _VALUES = "mask:", "growth places:", "growth:"


def pack(net: SparseModule, masks: bool = True) -> ArrayRecord:
    """Kept weights, biases, scales and shifts, and running statistics; with the masks, a bit a weight,
    compressed."""
    arrays = {one.name: Array(one.values) for one in net._packings}
    arrays |= {name: Array(values) for name, values in net.engine.statistics().items()}
    if masks:
        for one in net._packings:
            if one.prunable:
                bits = np.packbits(net.engine.mask(one.index).reshape(-1))
                arrays[_MASK + one.name] = Array(
                    np.frombuffer(zlib.compress(bits.tobytes(), 9), np.uint8))
    return ArrayRecord(arrays)


def load(net: SparseModule, record: ArrayRecord) -> None:
    """Takes masks, if there are any, and weights."""
    for one in net._packings:
        if _MASK + one.name in record:
            bits = np.frombuffer(zlib.decompress(record[_MASK + one.name].numpy().tobytes()), np.uint8)
            kept = np.unpackbits(bits, count=math.prod(one.shape)).reshape(one.shape).astype(bool)
            if not np.array_equal(kept, net.engine.mask(one.index)):
                net.engine.set_mask(one.index, kept)
    net._renew()
    for one in net._packings:
        values = record[one.name].numpy()
        if values.shape != one.values.shape:
            raise ValueError(
                f"{one.name}: {values.size} kept weights arrived for a mask that keeps "
                f"{one.values.size}")
        one.values[:] = values
    for name, values in net.engine.statistics().items():
        values[:] = record[name].numpy()


def client_app(
    make: Callable[[Context], SparseModule],
    fit: Callable[[SparseModule, Context, ConfigRecord], int],
    batches: Callable[[Context], Iterable[tuple[torch.Tensor, torch.Tensor]]],
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = F.cross_entropy,
) -> ClientApp:
    """A device.

    make: its network. fit: trains it on the device's data, and returns the number of images. batches: the
    images and targets whose gradients decide which weights grow; loss is theirs.
    """
    app = ClientApp()

    @app.train()
    def train(message: Message, context: Context) -> Message:
        net, config = make(context), message.content["config"]
        load(net, message.content["arrays"])
        grown = _largest_gradients(net, batches(context), loss, config["growth"]) \
            if config["growth"] else {}
        net.train()
        examples = fit(net, context, config)
        arrays = pack(net, masks=False)
        for name, array in grown.items():
            arrays[name] = array
        return Message(
            RecordDict({"arrays": arrays, "metrics": MetricRecord({"num-examples": examples})}),
            reply_to=message)

    return app


def _largest_gradients(net, batches, loss, share: float) -> dict[str, Array]:
    """Places and values of the largest gradients of pruned weights: of each layer, a share of as many as
    it keeps."""
    weights = [one for one in net._packings if one.prunable]
    totals = [np.zeros(one.shape, np.float32) for one in weights]
    # Means and variances are the server's and not those of these batches.
    statistics = {name: values.copy() for name, values in net.engine.statistics().items()}
    net.train()
    net.dense_gradients = True
    for images, targets in batches:
        loss(net(images), targets).backward()
        for one, total in zip(weights, totals):
            total += net.engine.dense_gradient(one.index)
    net.dense_gradients = False
    net.zero_grad()
    for name, values in net.engine.statistics().items():
        values[:] = statistics[name]
    found = {}
    for one, total in zip(weights, totals):
        kept = net.engine.mask(one.index).reshape(-1)
        sizes = np.where(kept, 0, np.abs(total.reshape(-1)))
        count = min(int(share * kept.sum()), int((~kept).sum()))
        if count == 0:
            continue
        places = np.sort(np.argpartition(sizes, -count)[-count:]).astype(np.int32)
        # Gaps between places are small numbers, which compress; gradients are halves.
        found[_PLACES + one.name] = Array(np.frombuffer(
            zlib.compress(np.diff(places, prepend=0).astype(np.int32).tobytes(), 9), np.uint8))
        found[_VALUES + one.name] = Array(total.reshape(-1)[places].astype(np.float16))
    return found


class SparseFedAvg(FedAvg):
    """Federated averaging of kept weights, with masks that the server moves.

    net: the server's network, which holds the averages. rounds: of the whole training. update_every:
    rounds between two updates of the masks, 0 for masks that stay. exchange: the fraction of kept weights
    that change places at the first update; it falls to zero in the course of a cosine over the first
    three quarters of the rounds, and the masks stay then. options: those of `FedAvg`.

    `bytes_sent` and `bytes_received` have the server's traffic in arrays, by round.
    """

    def __init__(
        self, net: SparseModule, *, rounds: int, update_every: int = 4, exchange: float = 0.3, **options
    ):
        super().__init__(**{"fraction_evaluate": 0.0, **options})
        self.net, self.rounds, self.update_every, self.exchange = net, rounds, update_every, exchange
        self.bytes_sent: list[int] = []
        self.bytes_received: list[int] = []

    @property
    def initial_arrays(self) -> ArrayRecord:
        """What the first round starts from."""
        return pack(self.net)

    def exchange_at(self, round: int) -> float:
        """The fraction of kept weights that change places at the end of a round, counted from 1."""
        last = 0.75 * self.rounds
        if not self.update_every or round % self.update_every or round > last:
            return 0
        return self.exchange * (1 + math.cos(math.pi * round / last)) / 2

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        # Twice as many candidates as there will be places, since devices differ in what they want.
        config["growth"] = 2 * self.exchange_at(server_round)
        messages = list(super().configure_train(server_round, arrays, config, grid))
        self.bytes_sent.append(arrays.count_bytes() * len(messages))
        return messages

    def aggregate_train(self, server_round: int, replies: Iterable[Message]):
        valid, _ = self._check_and_log_replies(replies, is_train=True, validate=False)
        contents = [message.content for message in valid]
        self.bytes_received.append(sum(content["arrays"].count_bytes() for content in contents))
        if not contents:
            return None, None
        examples = np.array([content["metrics"]["num-examples"] for content in contents], np.float64)
        shares = examples / examples.sum()

        def mean(name: str) -> np.ndarray:
            return sum(
                share * content["arrays"][name].numpy().astype(np.float64)
                for share, content in zip(shares, contents)).astype(np.float32)

        names = [one.name for one in self.net._packings] + list(self.net.engine.statistics())
        load(self.net, ArrayRecord({name: Array(mean(name)) for name in names}))
        exchange = self.exchange_at(server_round)
        if exchange:
            self._move_masks(exchange, shares, [content["arrays"] for content in contents])
        metrics = self.train_metrics_aggr_fn(contents, self.weighted_by_key)
        return pack(self.net), metrics

    def _move_masks(self, exchange: float, shares: np.ndarray, replies: list[ArrayRecord]) -> None:
        for one in self.net._packings:
            if not one.prunable or not any(_PLACES + one.name in arrays for arrays in replies):
                continue
            growth = np.zeros(math.prod(one.shape), np.float32)
            for share, arrays in zip(shares, replies):
                if _PLACES + one.name not in arrays:
                    continue
                gaps = zlib.decompress(arrays[_PLACES + one.name].numpy().tobytes())
                places = np.cumsum(np.frombuffer(gaps, np.int32))
                growth[places] += share * arrays[_VALUES + one.name].numpy().astype(np.float32)
            kept = self.net.engine.mask(one.index)
            self.net.engine.set_mask(one.index, self.net.engine.choose_mask(
                one.index, self.net.engine.dense_values(one.index), growth, float(kept.mean()),
                exchange))
        self.net._renew()
