# SPDX-License-Identifier: Apache-2.0
"""Federated training in one process: what travels, what is averaged, and whose masks they are."""

import logging
import unittest

try:
    import torch
    from flwr.app import Context, RecordDict
    from flwr.serverapp import Grid
    from flwr.supercore.task_identity import TaskIdentity
except ImportError:
    raise unittest.SkipTest("PyTorch and Flower are not both installed: swpu.flower is not tested") from None
import numpy as np
import torch.nn.functional as F
from torch import nn

import swpu.flower
import swpu.torch

logging.getLogger("flwr").setLevel(logging.ERROR)


def network(seed: int = 1, sparsity: float = 0.8):
    torch.manual_seed(seed)
    module = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 4))
    return swpu.torch.sparsify(
        module, torch.zeros(16, 3, 8, 8), sparsity=sparsity, granularity="line", threads=1)


def data(device: int):
    generator = torch.Generator().manual_seed(device)
    labels = torch.randint(0, 4, (16 + 16 * device,), generator=generator)
    images = torch.randn(len(labels), 3, 8, 8, generator=generator)
    return images + 0.5 * labels[:, None, None, None], labels


class LocalGrid(Grid):
    run = None

    def __init__(self, app, devices):
        self.app, self.devices, self.replies = app, devices, []
        TaskIdentity.run_id = TaskIdentity.node_id = TaskIdentity.task_id = 0

    def get_node_ids(self):
        return list(range(1, self.devices + 1))

    def send_and_receive(self, messages, *, timeout=None):
        replies = []
        for message in messages:
            node = message.metadata.dst_node_id
            replies.append(self.app(message, Context(0, node, {"device": node}, RecordDict(), {})))
        if replies:
            self.replies.append(replies)
        return replies

    def set_run(self, run):
        raise NotImplementedError

    create_message = push_messages = pull_messages = set_run


class FlowerTests(unittest.TestCase):
    def test_a_network_travels_and_arrives(self):
        net, other = network(1, 0.8), network(2, 0.6)
        net(torch.randn(16, 3, 8, 8))
        record = swpu.flower.pack(net)
        swpu.flower.load(other, record)
        state = net.state_dict()
        for name, value in other.state_dict().items():
            if "num_batches" not in name:
                self.assertTrue(torch.equal(value, state[name]), name)
        dense = sum(value.numel() * 4 for value in state.values())
        self.assertLess(record.count_bytes(), 0.6 * dense)
        with self.assertRaisesRegex(ValueError, "kept weights arrived for a mask"):
            swpu.flower.load(network(2, 0.6), swpu.flower.pack(net, masks=False))

    def run_rounds(self, rounds, **options):
        net, device = network(), network()
        masks = []

        def fit(net, context, config):
            masks.append({name: mask.clone() for name, mask in net.masks().items()})
            images, labels = data(context.node_config["device"])
            optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
            for part in torch.arange(len(labels)).split(16):
                optimizer.zero_grad()
                F.cross_entropy(net(images[part]), labels[part]).backward()
                optimizer.step()
            return len(labels)

        def batches(context):
            images, labels = data(context.node_config["device"])
            return [(images[:16], labels[:16])]

        strategy = swpu.flower.SparseFedAvg(net, rounds=rounds, **options)
        grid = LocalGrid(swpu.flower.client_app(lambda context: device, fit, batches), 3)
        strategy.start(grid, strategy.initial_arrays, num_rounds=rounds)
        return net, strategy, grid, masks

    def test_the_server_has_the_mean_by_images(self):
        net, strategy, grid, _ = self.run_rounds(1, update_every=0)
        # Flower asks the devices in an order of its own.
        images = [len(data(reply.metadata.src_node_id)[1]) for reply in grid.replies[0]]
        self.assertEqual(sorted(images), [32, 48, 64])
        for one in net._packings:
            values = [reply.content["arrays"][one.name].numpy() for reply in grid.replies[0]]
            expected = np.average(values, axis=0, weights=images)
            np.testing.assert_allclose(one.values, expected, rtol=1e-6, atol=1e-7)

    def test_masks_move_and_are_the_servers(self):
        net, strategy, grid, masks = self.run_rounds(4, update_every=1, exchange=0.4)
        # Three devices a round; their masks are equal, and those of later rounds others.
        for round in range(4):
            first = masks[3 * round]
            for other in masks[3 * round + 1:3 * round + 3]:
                for name, mask in first.items():
                    self.assertTrue(torch.equal(mask, other[name]))
        for name in ("3.weight", "6.weight"):
            self.assertFalse(torch.equal(masks[0][name], masks[3][name]))
            self.assertEqual(masks[0][name].sum(), masks[3][name].sum(), "the density stays")
            lines = masks[3][name]
            self.assertTrue((lines.any(-1) == lines.all(-1)).all(), "whole lines")
        # What has grown had the largest gradients that arrived, added up by images.
        contents = [reply.content["arrays"] for reply in grid.replies[0]]
        self.assertTrue(any(name.startswith("growth:") for name in contents[0]))
        self.assertFalse(any(
            name.startswith("growth:") for name in grid.replies[3][0].content["arrays"]))
        self.assertEqual(len(strategy.bytes_sent), 4)


if __name__ == "__main__":
    unittest.main()
