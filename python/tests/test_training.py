# SPDX-License-Identifier: Apache-2.0
"""The same network, data, seed and optimiser by `swpu train` and from Python: the same losses.

The library has no step limit, which is a key of the command alone.
"""

import json
import os
import pathlib
import struct
import subprocess
import tempfile
import unittest

import numpy as np
import swpu

COMMAND = os.environ.get(
    "SWPU_COMMAND", str(pathlib.Path(__file__).parents[2] / ".build/release/swpu"))
STEPS = 20


def write_idx(path: pathlib.Path, array: np.ndarray) -> None:
    path.write_bytes(
        struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(np.uint8).tobytes())


class TrainingTests(unittest.TestCase):
    def test_python_equals_the_command(self):
        random = np.random.default_rng(1)
        images = random.integers(0, 256, (32, 28, 28))
        labels = np.arange(32) % 10
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "data"
            data.mkdir()
            for part in ("train", "t10k"):
                write_idx(data / f"{part}-images-idx3-ubyte", images)
                write_idx(data / f"{part}-labels-idx1-ubyte", labels)
            run = pathlib.Path(folder) / "run"
            options = {
                "sparsity": 0.8, "granularity": "line", "schedule": "dynamic",
                "update-interval": 5, "batch": 32, "seed": 3,
            }
            config = pathlib.Path(folder) / "config.yaml"
            config.write_text("".join(f"{key}: {value}\n" for key, value in {
                **options, "model": "lenet5", "data": "idx", "data-path": data, "epochs": STEPS,
                "optimizer": "sgd", "learning-rate": 0.05, "learning-rate-decay": "constant",
                "warm-up-epochs": 0, "momentum": 0.9, "weight-decay": 5e-4, "nesterov": False,
                "augment": False, "label-smoothing": 0, "rotation-limit": 0,
            }.items()))
            subprocess.run(
                [COMMAND, "train", "--config", config, "--output", run], check=True,
                capture_output=True)
            records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        expected = [record["trainLoss"] for record in records if record["kind"] == "epoch"]
        self.assertEqual(len(expected), STEPS)

        # One batch holds the whole set, so its mean loss does not depend on the order of the images.
        values = (images / 255).astype(np.float32)
        values = (values - values.mean()) / values.std()
        model = swpu.Model(swpu.Network.named("lenet5", (1, 28, 28), 10), batch=32, seed=3)
        model.prune(total_steps=STEPS, steps_per_epoch=1, **{
            key: value for key, value in options.items() if key not in ("batch", "seed")})
        model.sgd(momentum=0.9, weight_decay=5e-4)
        losses = []
        for step in range(STEPS):
            model.forward(values[:, None], training=True)
            losses.append(model.loss(labels)[0])
            updates = model.updates_masks(step)
            model.backward(dense_gradients=updates)
            model.step(rate=0.05)
            if updates:
                model.update_masks(step)
        np.testing.assert_allclose(losses, expected, rtol=0, atol=1e-5)
        self.assertLess(losses[-1], losses[0])


if __name__ == "__main__":
    unittest.main()
