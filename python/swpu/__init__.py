# SPDX-License-Identifier: Apache-2.0
"""Prune while you train, and actually get faster.

A network is built layer by layer, or is one of those that come with the engine. A model is a network
with weights, which a training loop of your own drives:

    import numpy as np
    import swpu

    network = swpu.Network.named("resnet20", (3, 32, 32), classes=10)
    model = swpu.Model(network, batch=32)
    model.prune(sparsity=0.9, granularity="line", total_steps=1000)
    model.sgd(momentum=0.9, weight_decay=5e-4)
    for step in range(1000):
        images, labels = ...  # float32 [32, 3, 32, 32], int32 [32]
        model.forward(images, training=True, seed=step)
        loss, correct = model.loss(labels)
        updates = model.updates_masks(step)
        model.backward(dense_gradients=updates)
        model.step(rate=0.05)
        if updates:
            model.update_masks(step)

Arrays are NumPy's; `model.parameters()` are views of the engine's memory. `swpu.torch.sparsify` takes an
ordinary PyTorch module instead, `swpu.torch.all_reduce` averages its gradients over processes, and
`swpu.flower` trains it on devices that keep their data.
"""

from ._library import Error, version
from .model import Model, Parameter
from .network import Network

__all__ = ["Error", "Model", "Network", "Parameter", "version"]
__version__ = version()
