# SPDX-License-Identifier: Apache-2.0
"""The engine from NumPy: what the library promises to everyone."""

import pathlib
import re
import tempfile
import threading
import unittest

import numpy as np
import swpu
from swpu import _library


def squares(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise with a bright square in one of four places."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 4, count).astype(np.int32)
    images = random.normal(0, 0.5, (count, 1, 16, 16)).astype(np.float32)
    for image, label in zip(images, labels):
        top, left = 2 + 8 * (label // 2), 2 + 8 * (label % 2)
        image[0, top:top + 4, left:left + 4] += 1
    return images, labels


def small_network() -> swpu.Network:
    network = swpu.Network("small", (1, 16, 16))
    x = network.convolution("conv1", network.input, 8, 3, padding=1)
    x = network.batch_norm("bn1", x, activation="relu")
    shortcut = x
    x = network.convolution("conv2", x, 8, 3, padding=1)
    x = network.batch_norm("bn2", x, residual=shortcut, activation="relu")
    x = network.pool("pool", x, "max", 2)
    x = network.convolution("conv3", x, 16, 3, stride=2, padding=1)
    x = network.batch_norm("bn3", x, activation="relu")
    network.linear("fc", x, 4, prunable=False)
    return network


def trained(threads: int, steps: int = 40, **options) -> tuple[swpu.Model, list[float]]:
    model = swpu.Model(small_network(), batch=16, threads=threads)
    model.prune(total_steps=steps, steps_per_epoch=10, update_interval=5, **options)
    model.sgd(momentum=0.9, weight_decay=5e-4)
    losses = []
    for step in range(steps):
        images, labels = squares(16, step)
        model.forward(images, training=True, seed=step)
        losses.append(model.loss(labels)[0])
        updates = model.updates_masks(step)
        model.backward(dense_gradients=updates)
        model.step(rate=0.05)
        if updates:
            model.update_masks(step)
    return model, losses


class ModelTests(unittest.TestCase):
    def test_it_learns_while_it_is_pruned(self):
        model, losses = trained(2, sparsity=0.8, granularity="line")
        self.assertLess(np.mean(losses[-5:]), 0.3 * np.mean(losses[:5]))
        images, labels = squares(16, 1000)
        self.assertGreaterEqual((model.forward(images).argmax(1) == labels).sum(), 14)
        masks = [model.mask(p.index) for p in model.parameters() if p.prunable]
        kept = sum(mask.sum() for mask in masks) / sum(mask.size for mask in masks)
        self.assertAlmostEqual(kept, 0.2, delta=0.05)
        for parameter in model.parameters():
            if parameter.prunable:
                lines = model.mask(parameter.index)
                self.assertTrue((lines.any(-1) == lines.all(-1)).all(), "whole lines")

    def test_threads_do_not_change_a_bit(self):
        states = [trained(threads, 12, sparsity=0.7)[0].state() for threads in (1, 2, 3)]
        self.assertEqual(states[0], states[1])
        self.assertEqual(states[0], states[2])

    def test_the_packed_weights_are_the_kept_ones(self):
        model, _ = trained(2, 10, sparsity=0.7)
        for parameter in model.parameters():
            if parameter.positions is None:
                continue
            dense = model.dense_values(parameter.index)
            np.testing.assert_array_equal(parameter.expand(parameter.values), dense)
            self.assertTrue((dense[~model.mask(parameter.index)] == 0).all())
            np.testing.assert_array_equal(parameter.pack(dense), parameter.values)

    def test_writing_to_a_view_changes_the_model(self):
        model = swpu.Model(small_network(), batch=4)
        images, _ = squares(4, 1)
        before = model.forward(images)
        bias = next(p for p in model.parameters() if p.name == "fc.bias")
        bias.values[:] += 1
        np.testing.assert_allclose(model.forward(images), before + 1, rtol=0, atol=1e-5)

    def test_a_gradient_of_ones_own_equals_that_of_the_loss(self):
        images, labels = squares(8, 3)
        gradients = []
        for own in (False, True):
            model = swpu.Model(small_network(), batch=8)
            logits = model.forward(images, training=True)
            if own:
                shares = np.exp(logits - logits.max(1, keepdims=True))
                shares /= shares.sum(1, keepdims=True)
                shares[np.arange(8), labels] -= 1
                model.backward(shares / 8)
            else:
                model.loss(labels)
                model.backward()
            gradients.append(np.concatenate([p.gradient for p in model.parameters()]))
        np.testing.assert_allclose(gradients[0], gradients[1], atol=1e-5)

    def test_a_state_brings_back_every_bit(self):
        model, _ = trained(2, 10, sparsity=0.7)
        state = model.state()
        other = swpu.Model(small_network(), batch=16, seed=9)
        other.sgd(momentum=0.9)
        other.restore(state)
        self.assertEqual(other.state(), state)
        damaged = bytearray(state)
        damaged[len(damaged) // 2] ^= 1
        with self.assertRaisesRegex(swpu.Error, "checksum"):
            other.restore(bytes(damaged))
        self.assertEqual(other.state(), state, "an error changes nothing")

    def test_a_criterion_of_ones_own_chooses_the_units(self):
        model = swpu.Model(small_network(), batch=4)
        model.prune(total_steps=1, schedule="dynamic", sparsity=0, granularity="line")
        weight = next(p for p in model.parameters() if p.name == "conv2.weight")
        saliency = np.zeros(weight.shape, np.float32)
        saliency[:, 2] = 1
        mask = model.choose_mask(weight.index, saliency, saliency, density=0.125)
        self.assertTrue(mask[:, 2].all())
        self.assertEqual(mask.sum(), saliency.sum())
        model.set_mask(weight.index, mask)
        np.testing.assert_array_equal(model.mask(weight.index), mask)

    def test_a_simulation_is_of_the_present_masks(self):
        model, _ = trained(2, 30, sparsity=0.8)
        dense = swpu.Model(small_network(), batch=16)
        def macs(simulation):
            return sum(layer["effectualMACs"] for layer in simulation["layers"])

        self.assertLess(macs(model.simulate()), 0.6 * macs(dense.simulate()))

    def test_views_keep_the_model_alive(self):
        values = swpu.Model(small_network(), batch=4).parameters()[0].values
        self.assertTrue(np.isfinite(values).all())

    def test_many_threads_share_a_model(self):
        model = swpu.Model(small_network(), batch=16)
        images, _ = squares(16, 5)
        right = model.forward(images)
        failures = []

        def run():
            for _ in range(20):
                if not np.array_equal(model.forward(images), right):
                    failures.append(1)

        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


def message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """Protobuf, of which ONNX files are made: whole numbers, and text or other messages."""
    def number(value: int) -> bytes:
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number(value >> 7)

    encoded = b""
    for field, value in fields:
        if isinstance(value, int):
            encoded += number(field << 3) + number(value)
        else:
            content = value.encode() if isinstance(value, str) else value
            encoded += number(field << 3 | 2) + number(len(content)) + content
    return encoded


def onnx_file(activation: str, weights: dict[str, np.ndarray], image: tuple[int | str, ...]) -> bytes:
    """A convolution of 3x3 with an activation, the mean of each feature map, and a linear layer."""
    def node(kind: str, inputs: list[str], output: str, *attributes: bytes) -> tuple[int, bytes]:
        return 1, message(
            *[(1, name) for name in inputs], (2, output), (3, output), (4, kind),
            *[(5, attribute) for attribute in attributes])

    def value(name: str, shape: tuple[int | str, ...]) -> bytes:
        axes = [(1, message((1 if isinstance(size, int) else 2, size))) for size in shape]
        return message((1, name), (2, message((1, message((1, 1), (2, message(*axes)))))))

    pads = message((1, "pads"), *[(8, 1)] * 4, (20, 7))
    graph = message(
        node("Conv", ["images", "conv.weight"], "a", pads), node(activation, ["a"], "b"),
        node("GlobalAveragePool", ["b"], "c"), node("Flatten", ["c"], "d"),
        node("Gemm", ["d", "fc.weight", "fc.bias"], "logits", message((1, "transB"), (3, 1), (20, 2))),
        (2, "mine"),
        *[(5, message(*[(1, size) for size in array.shape], (2, 1), (8, name), (9, array.tobytes())))
          for name, array in weights.items()],
        (11, value("images", ("n", *image))), (12, value("logits", ("n", 5))))
    return message((1, 8), (7, graph), (8, message((1, ""), (2, 17))))


class ONNXTests(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(7)
        self.weights = {
            name: random.normal(0, 0.3, shape).astype(np.float32)
            for name, shape in (("conv.weight", (8, 3, 3, 3)), ("fc.weight", (5, 8)), ("fc.bias", (5,)))}
        self.images = random.normal(0, 1, (4, 3, 6, 6)).astype(np.float32)

    def logits(self) -> np.ndarray:
        """Of the images, by plain sums."""
        padded = np.pad(self.images, ((0, 0), (0, 0), (1, 1), (1, 1)))
        maps = np.zeros((4, 8, 6, 6))
        for row in range(3):
            for column in range(3):
                maps += np.einsum(
                    "kc,nchw->nkhw", self.weights["conv.weight"][:, :, row, column],
                    padded[:, :, row:row + 6, column:column + 6])
        features = np.maximum(maps, 0).mean((2, 3))
        return features @ self.weights["fc.weight"].T + self.weights["fc.bias"]

    def test_bytes_and_files_become_networks_with_their_weights(self):
        content = onnx_file("Relu", self.weights, (3, 6, 6))
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "mine.onnx"
            path.write_bytes(content)
            networks = [swpu.Network.from_onnx(file) for file in (content, path, str(path))]
        for network in networks:
            model = swpu.Model(network, batch=4)
            np.testing.assert_allclose(model.forward(self.images), self.logits(), atol=1e-5)

    def test_other_classes_and_open_sizes(self):
        content = onnx_file("Relu", self.weights, (3, "rows", "columns"))
        model = swpu.Model(swpu.Network.from_onnx(content, size=(6, 6), classes=3), batch=4)
        self.assertEqual(model.forward(self.images, training=True).shape, (4, 3))
        kept = next(p for p in model.parameters() if p.shape == (8, 3, 3, 3))
        np.testing.assert_array_equal(model.dense_values(kept.index), self.weights["conv.weight"])
        model.loss(np.zeros(4, np.int32))
        model.backward()
        with self.assertRaisesRegex(swpu.Error, "height: 0 .* the file leaves the size open"):
            swpu.Network.from_onnx(content)

    def test_errors_name_what_is_wrong(self):
        with self.assertRaisesRegex(swpu.Error, "Tanh 'b'"):
            swpu.Network.from_onnx(onnx_file("Tanh", self.weights, (3, 6, 6)))
        content = onnx_file("Relu", self.weights, (3, 6, 6))
        with self.assertRaisesRegex(swpu.Error, "width: 7 is not 6, which the file fixes"):
            swpu.Network.from_onnx(content, size=(6, 7))
        with self.assertRaisesRegex(swpu.Error, "takes no more layers"):
            network = swpu.Network.from_onnx(content)
            network.linear("more", 1, 3)
        for damaged in (b"", content[:-40], b"\x89PNG\r\n"):
            with self.assertRaises(swpu.Error):
                swpu.Network.from_onnx(damaged)
        with self.assertRaisesRegex(swpu.Error, "nowhere.onnx"):
            swpu.Network.from_onnx("nowhere.onnx")


class ErrorTests(unittest.TestCase):
    def expect(self, message: str):
        return self.assertRaisesRegex(swpu.Error, message)

    def test_messages_say_what_would_be_right(self):
        network = small_network()
        with self.expect("model 'resnet19' is unknown; there are .*resnet18"):
            swpu.Network.named("resnet19", (3, 32, 32), 10)
        with self.expect("channels: 0 is not in 1 to 65535"):
            swpu.Network("x", (0, 3, 3))
        with self.expect("conv1.*names are unique"):
            network.linear("conv1", 1, 3)
        with self.expect("input 99 is no value"):
            network.flatten("flat", 99)
        with self.expect("activation 'tanh' is unknown"):
            network.activation("tanh", 1, "tanh")
        with self.expect("batch: 0"):
            swpu.Model(network, batch=0)
        with self.expect("kernels 'sse' are not for this processor"):
            swpu.Model(network, batch=1, kernels="sse")
        with self.expect("has no layers"):
            swpu.Model(swpu.Network("empty", (1, 8, 8)), batch=1)

    def test_arrays_have_as_many_rows_as_the_pass_had_images(self):
        model = swpu.Model(small_network(), batch=4, image_gradient=True)
        model.forward(squares(4, 1)[0], training=True)
        for call in (lambda: model.loss(np.zeros(3, np.int32)), lambda: model.loss(np.zeros(5, np.int32)),
                     lambda: model.backward(np.zeros((2, 4), np.float32))):
            with self.assertRaisesRegex(ValueError, r"(labels|gradient): \d, but the last .* had 4 images"):
                call()
        model.backward(np.zeros((4, 4), np.float32))
        with self.assertRaisesRegex(ValueError, "count: 1, but the last forward pass had 4 images"):
            model.image_gradient(1)
        self.assertEqual(model.image_gradient(4).shape, (4, 256))
        with self.assertRaisesRegex(ValueError, r"shape: \(16, 16\) is not \(channels, rows, columns\)"):
            swpu.Network("x", (16, 16))

    def test_calls_in_the_wrong_order_are_errors(self):
        model = swpu.Model(small_network(), batch=4)
        images, labels = squares(4, 1)
        with self.expect("no forward pass"):
            model.backward()
        model.forward(images)
        with self.expect("no forward pass with training"):
            model.loss(labels)
        model.forward(images, training=True)
        with self.expect("gradient is NULL"):
            model.backward()
        with self.expect("labels: 7 is not in 0 to 3"):
            model.loss(np.full(4, 7, np.int32))
        with self.expect("no optimiser"):
            model.step(0.1)
        with self.expect("not pruned"):
            model.update_masks(0)
        with self.expect("5 images; the model takes 1 to 4"):
            model.forward(squares(5, 1)[0])
        with self.expect("sparsity"):
            model.prune(total_steps=10, sparsity=2)
        with self.expect("spasity"):
            model.prune(total_steps=10, spasity=0.5)

    def test_a_freed_handle_is_an_error(self):
        model = swpu.Model(small_network(), batch=4)
        handle = model._handle
        del model
        with self.expect("no model, or one that was freed"):
            _library.call("model_step", handle, 0.1, 0.0)
        with self.expect("no model"):
            _library.call("model_free", handle)
        with self.expect("no network"):
            _library.call("network_free", 1 << 40)


class HeaderTests(unittest.TestCase):
    def test_the_package_calls_what_the_header_declares(self):
        header = pathlib.Path(__file__).parents[2] / "Sources/Library/swpu.h"
        code = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        kinds = {
            "int32_t": "i", "int64_t": "l", "uint64_t": "u", "float": "f", "double": "d",
            "swpu_network": "h", "swpu_model": "h", "const char *": "s"}
        declared = {}
        for name, arguments in re.findall(r"swpu_status swpu_(\w+)\(([^)]*)\)", code):
            signature = ""
            for argument in arguments.split(","):
                kind = re.sub(r"\w+$", "", " ".join(argument.split())).strip()
                signature += kinds.get(kind, "p")
            declared[name] = signature
        self.assertEqual(declared, _library._SIGNATURES)


if __name__ == "__main__":
    unittest.main()
