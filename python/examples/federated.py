# SPDX-License-Identifier: Apache-2.0
"""Ten devices train one network on their own images of CIFAR-10, which are split unevenly: dense, sparse with
masks that stay, and sparse with masks that the server moves.

    python federated.py CIFAR-FOLDER [dense|fixed|moving ...] [--rounds 20] [--images 5000]

CIFAR-FOLDER has the binary version of CIFAR-10 (`swpu data cifar10` fetches it). Each device has few of the
ten classes: the shares of a class are drawn from a Dirichlet distribution with parameter 0.5. Devices run in
this process, one after the other; with Flower's own SuperLink the same strategy and client run on many
machines. Printed are accuracy on the test images and the bytes that one device received and sent so far.
"""

import argparse
import json
import logging
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from flwr.app import Context, MetricRecord, RecordDict
from flwr.serverapp import Grid
from flwr.supercore.task_identity import TaskIdentity
from torch import nn

import swpu.flower
import swpu.torch

DEVICES, BATCH = 10, 32


class LocalGrid(Grid):
    """Devices in this process, one after the other."""

    def __init__(self, app):
        self.app = app
        # Which Flower's runtime sets in the processes that it starts.
        TaskIdentity.run_id = TaskIdentity.node_id = TaskIdentity.task_id = 0
        self.contexts = {
            node: Context(0, node, {"partition-id": node - 1}, RecordDict(), {})
            for node in range(1, DEVICES + 1)}

    run = None

    def set_run(self, run):
        pass

    def get_node_ids(self):
        return list(self.contexts)

    def send_and_receive(self, messages, *, timeout=None):
        return [self.app(message, self.contexts[message.metadata.dst_node_id]) for message in messages]

    def create_message(self, *arguments, **options):
        raise NotImplementedError("Flower's strategies make messages by themselves")

    push_messages = pull_messages = create_message


def read(paths, count):
    """Images of mean 0 and standard deviation 1, and labels."""
    records = np.concatenate([np.fromfile(path, np.uint8).reshape(-1, 3073) for path in paths])[:count]
    images = torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32))
    images = (images - images.mean((0, 2, 3), keepdim=True)) / images.std((0, 2, 3), keepdim=True)
    return images, torch.from_numpy(records[:, 0].astype(np.int64))


def split(labels):
    """The places of each device's images; every device has some."""
    random = np.random.default_rng(arguments.seed)
    places = [[] for _ in range(DEVICES)]
    for label in range(10):
        of_class = random.permutation(np.flatnonzero(labels.numpy() == label))
        ends = np.cumsum(random.dirichlet(np.full(DEVICES, 0.5)) * len(of_class)).astype(int)[:-1]
        for device, part in zip(places, np.split(of_class, ends)):
            device.extend(part)
    return [torch.from_numpy(random.permutation(device)) for device in places]


def network():
    torch.manual_seed(arguments.seed)
    layers, inputs = [], 3
    for outputs, stride in ((32, 1), (64, 2), (64, 1), (128, 2), (128, 1), (128, 1)):
        layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(128, 10))


def run(way):
    images, labels = training
    options = {"granularity": "dense"} if way == "dense" else {"sparsity": 0.9, "granularity": "line"}
    def make():
        return swpu.torch.sparsify(network(), images[:BATCH], threads=1, **options)

    net, device_net = make(), make()  # the server's, and one that every device uses in turn

    def batches(context):
        """The first four batches, or fewer, of a device."""
        own = devices[context.node_config["partition-id"]]
        return [(images[part], labels[part]) for part in own[:4 * BATCH].split(BATCH) if len(part) > 1]

    def fit(net, context, config):
        """One epoch."""
        own = devices[context.node_config["partition-id"]]
        rate = 0.05 * (1 + np.cos(np.pi * (config["server-round"] - 1) / arguments.rounds)) / 2
        optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=0.9, weight_decay=5e-4)
        for part in own[torch.randperm(len(own))].split(BATCH):
            if len(part) > 1:
                optimizer.zero_grad()
                F.cross_entropy(net(images[part]), labels[part]).backward()
                optimizer.step()
        return len(own)

    def evaluate(round, arrays):
        net.eval()
        with torch.no_grad():
            right = [(net(part).argmax(1) == truth).sum().item()
                     for part, truth in zip(test[0].split(BATCH), test[1].split(BATCH))]
        down, up = (sum(taken) / DEVICES for taken in (strategy.bytes_sent, strategy.bytes_received))
        curve.append({"round": round, "accuracy": sum(right) / len(test[1]),
                      "bytesReceived": down, "bytesSent": up})
        if arguments.output:
            pathlib.Path(arguments.output).write_text(
                json.dumps(results + [{"way": way, "curve": curve}], indent=1) + "\n")
        if round % 5 == 0:
            print(f"{way}, round {round}: {curve[-1]['accuracy']:.1%}; a device received "
                  f"{down / 1e6:.2f} MB and sent {up / 1e6:.2f} MB", flush=True)
        return MetricRecord({"accuracy": curve[-1]["accuracy"]})

    curve = []
    torch.manual_seed(arguments.seed)
    strategy = swpu.flower.SparseFedAvg(
        net, rounds=arguments.rounds, update_every=3 if way == "moving" else 0)
    strategy.start(
        LocalGrid(swpu.flower.client_app(lambda context: device_net, fit, batches)),
        strategy.initial_arrays, num_rounds=arguments.rounds, evaluate_fn=evaluate)
    return {"way": way, "curve": curve}


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("folder", type=pathlib.Path, help="with data_batch_1.bin … and test_batch.bin")
parser.add_argument("ways", nargs="*", default=["dense", "fixed", "moving"], metavar="WAY")
parser.add_argument("--rounds", type=int, default=20)
parser.add_argument("--images", type=int, default=5000, help="of all devices together (default 5000)")
parser.add_argument("--test-images", type=int, default=10000, help="(default all 10000)")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--output", help="a JSON file for the curves")
arguments = parser.parse_args()
logging.getLogger("flwr").setLevel(logging.ERROR)
torch.set_num_threads(1)
training = read(sorted(arguments.folder.glob("data_batch_*.bin")), arguments.images)
test = read([arguments.folder / "test_batch.bin"], arguments.test_images)
devices = split(training[1])
print("images of each device: " + ", ".join(str(len(own)) for own in devices))
results = []
for way in arguments.ways:
    results.append(run(way))
