# SPDX-License-Identifier: Apache-2.0
"""PyTorch modules on the engine, beside PyTorch itself."""

import copy
import unittest

try:
    import torch
except ImportError:
    raise unittest.SkipTest("PyTorch is not installed, so its module is not tested") from None
import torch.nn.functional as F
from torch import nn

import swpu.torch


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Residual(nn.Module):
    """A small ResNet in torchvision's manner."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(Block(8, 8, 1), Block(8, 16, 2))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.layer1(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Plain(nn.Module):
    """Biases, both poolings, dropout of nothing, functional operations."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 12, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(12, 12, 3, groups=3, padding=1), nn.ReLU6(), nn.AvgPool2d(2))
        self.hidden = nn.Linear(12 * 16, 20)
        self.dropout = nn.Dropout(0.0)
        self.classifier = nn.Linear(20, 5)

    def forward(self, x):
        x = self.features(x).view(x.shape[0], -1)
        return self.classifier(self.dropout(F.relu(self.hidden(x))))


def batch(seed: int, count: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, 16, 16, generator=generator)
    labels = torch.randint(0, 5, (count,), generator=generator)
    return images, labels


def gradients(sparse) -> dict[str, torch.Tensor]:
    return {
        packing.name: torch.from_numpy(packing.expand(tensor.grad.numpy()))
        for packing, tensor in zip(sparse._packings, sparse._parameters_of_engine)}


class EqualityTests(unittest.TestCase):
    def check(self, module: nn.Module):
        torch.manual_seed(1)
        images, labels = batch(2)
        sparse = swpu.torch.sparsify(module, images, granularity="dense")
        module.train()
        ours, theirs = sparse(images), module(images)
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)
        F.cross_entropy(ours, labels).backward()
        F.cross_entropy(theirs, labels).backward()
        found = gradients(sparse)
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(
                found[name].reshape(parameter.shape), parameter.grad, atol=1e-4, rtol=1e-3, msg=name)
        state = sparse.state_dict()
        for name, value in module.state_dict().items():
            torch.testing.assert_close(state[name], value, atol=1e-4, rtol=1e-3, msg=name)
        self.assertEqual(set(state), set(module.state_dict()))
        module.eval(), sparse.eval()
        torch.testing.assert_close(sparse(images), module(images), atol=1e-4, rtol=1e-3)

    def test_a_residual_network_equals_pytorch(self):
        self.check(Residual())

    def test_a_plain_network_equals_pytorch(self):
        self.check(Plain())

    def test_a_pruned_network_equals_pytorch_with_zeros(self):
        torch.manual_seed(3)
        module = Residual()
        images, labels = batch(4)
        sparse = swpu.torch.sparsify(module, images, sparsity=0.7)
        module.load_state_dict(sparse.state_dict())
        module.train()
        F.cross_entropy(sparse(images), labels).backward()
        F.cross_entropy(module(images), labels).backward()
        found, masks = gradients(sparse), sparse.masks()
        self.assertGreater(sum((~mask).sum() for mask in masks.values()), 1000)
        for name, parameter in module.named_parameters():
            expected = parameter.grad * masks[name] if name in masks else parameter.grad
            torch.testing.assert_close(
                found[name].reshape(parameter.shape),
                expected.reshape(parameter.shape) if expected.shape != parameter.shape else expected,
                atol=1e-4, rtol=1e-3, msg=name)


class TrainingTests(unittest.TestCase):
    def train(self, make_optimizer, steps: int = 30, **options):
        torch.manual_seed(5)
        images, labels = batch(6, 16)
        sparse = swpu.torch.sparsify(
            Residual(), images, sparsity=0.8, granularity="line", total_steps=steps,
            steps_per_epoch=10, update_interval=5, **options)
        optimizer = make_optimizer(sparse.parameters())
        losses = []
        for step in range(steps):
            sparse.dense_gradients = sparse.updates_masks(step)
            optimizer.zero_grad()
            loss = F.cross_entropy(sparse(images), labels)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(sparse.parameters(), 5)
            optimizer.step()
            if sparse.dense_gradients:
                sparse.update_masks(step)
            losses.append(loss.item())
        return sparse, losses

    def test_optimizers_train_through_mask_updates(self):
        for make in (
            lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9),
            lambda p: torch.optim.AdamW(p, lr=0.01),
        ):
            sparse, losses = self.train(make)
            self.assertLess(losses[-1], 0.5 * losses[0])
            kept = torch.cat([m.flatten() for n, m in sparse.masks().items()])
            self.assertLess(kept.float().mean().item(), 0.5)

    def test_momentum_follows_the_mask(self):
        torch.manual_seed(7)
        images, labels = batch(8)
        sparse = swpu.torch.sparsify(Residual(), images, sparsity=0.5, granularity="line")
        optimizer = torch.optim.SGD(sparse.parameters(), lr=0.1, momentum=0.9)
        sparse.dense_gradients = True
        F.cross_entropy(sparse(images), labels).backward()
        optimizer.step()
        index = next(i for i, p in enumerate(sparse._packings) if p.name == "layer1.0.conv1.weight")
        tensor, old = sparse._parameters_of_engine[index], sparse._packings[index]
        before = old.expand(optimizer.state[tensor]["momentum_buffer"].numpy())
        sparse.update_masks(density=0.5, exchange=0.4, criterion=lambda n, w, g: (w, g))
        new = sparse._packings[index]
        self.assertFalse((old.positions.shape == new.positions.shape)
                         and (old.positions == new.positions).all())
        for group in optimizer.param_groups:
            group["lr"] = 0.0
        F.cross_entropy(sparse(images), labels).backward()
        gradient = new.expand(tensor.grad.numpy())
        optimizer.step()
        after = new.expand(optimizer.state[tensor]["momentum_buffer"].numpy())
        mask = sparse.masks()["layer1.0.conv1.weight"].numpy()
        expected = (0.9 * before + gradient) * mask
        torch.testing.assert_close(torch.from_numpy(after), torch.from_numpy(expected))

    def test_gradients_add_up_until_they_are_cleared(self):
        torch.manual_seed(9)
        images, labels = batch(10)
        sparse = swpu.torch.sparsify(Plain(), images, sparsity=0.5)
        F.cross_entropy(sparse(images), labels).backward()
        once = [p.grad.clone() for p in sparse.parameters()]
        F.cross_entropy(sparse(images), labels).backward()
        for first, parameter in zip(once, sparse.parameters()):
            torch.testing.assert_close(parameter.grad, 2 * first)
        sparse.zero_grad(set_to_none=False)
        F.cross_entropy(sparse(images), labels).backward()
        for first, parameter in zip(once, sparse.parameters()):
            torch.testing.assert_close(parameter.grad, first)

    def test_a_gradient_is_a_view_of_the_engines(self):
        images, labels = batch(11)
        sparse = swpu.torch.sparsify(Plain(), images, sparsity=0.5)
        F.cross_entropy(sparse(images), labels).backward()
        for tensor, packing in zip(sparse._parameters_of_engine, sparse._packings):
            self.assertEqual(tensor.grad.data_ptr(), packing.gradient.ctypes.data)
            self.assertEqual(tensor.data_ptr(), packing.values.ctypes.data)

    def test_a_state_goes_into_the_original_and_back(self):
        sparse, _ = self.train(lambda p: torch.optim.SGD(p, lr=0.05), 11)
        state = sparse.state_dict()
        original = Residual()
        original.load_state_dict(state)
        images, _ = batch(12)
        sparse.eval(), original.eval()
        torch.testing.assert_close(sparse(images), original(images), atol=1e-4, rtol=1e-3)
        other = swpu.torch.sparsify(Residual(), images, sparsity=0.8, granularity="line")
        other.load_state_dict(state)
        other.eval()
        torch.testing.assert_close(other(images), sparse(images), atol=1e-6, rtol=1e-5)
        for name, mask in other.masks().items():
            self.assertTrue((mask | (state[name] == 0)).all())


class LoweringTests(unittest.TestCase):
    def test_everything_that_is_unsupported_is_named_at_once(self):
        class Odd(nn.Module):
            def __init__(self):
                super().__init__()
                self.first = nn.Conv2d(3, 4, 3, dilation=2)
                self.second = nn.Conv2d(3, 4, (3, 3), stride=(1, 2))
                self.act = nn.GELU()
                self.fc = nn.Linear(4, 2)

            def forward(self, x):
                a = self.act(x)
                b = self.first(x).mean((2, 3)) + self.second(x).mean((2, 3))
                return self.fc(b + a.mean() + a.mean(1).mean())

        with self.assertRaises(swpu.torch.UnsupportedOperations) as caught:
            swpu.torch.sparsify(Odd(), torch.zeros(2, 3, 16, 16))
        for part in ("dilation", "unequal strides", "GELU", "mean_2: a mean over other axes",
                     "mean_3: a mean over other axes"):
            self.assertIn(part, str(caught.exception))

    def test_conditions_on_shapes_are_decided_and_those_on_values_are_not(self):
        class Conditional(nn.Module):
            def __init__(self, reads_values: bool):
                super().__init__()
                self.conv, self.bn, self.fc = nn.Conv2d(3, 8, 3, 1, 1), nn.BatchNorm2d(8), nn.Linear(8, 4)
                self.reads_values = reads_values

            def forward(self, x):
                x = self.bn(self.conv(x))
                if x.shape[-1] < 8 or x.size(2) > 20:
                    x = torch.tanh(x)
                if self.reads_values and x.sum() > 0:
                    x = x + x
                return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))

        module, images = Conditional(False), torch.randn(2, 3, 16, 16)
        net = swpu.torch.sparsify(module, images, granularity="dense")
        self.assertEqual(module.bn.num_batches_tracked, 0)
        torch.testing.assert_close(net(images), module(images), rtol=1e-5, atol=1e-5)
        with self.assertRaisesRegex(swpu.torch.UnsupportedOperations, "tanh"):
            swpu.torch.sparsify(module, torch.randn(2, 3, 6, 6))
        with self.assertRaisesRegex(swpu.torch.UnsupportedOperations, "control flow"):
            swpu.torch.sparsify(Conditional(True), images)

    def test_first_layer_shortcuts_and_classifier_stay_dense(self):
        sparse = swpu.torch.sparsify(Residual(), batch(1)[0], sparsity=0.8)
        pruned = {name for name, mask in sparse.masks().items() if not mask.all()}
        self.assertEqual(
            pruned, {f"layer1.{block}.conv{conv}.weight" for block in (0, 1) for conv in (1, 2)})

    def test_a_stem_and_normalisations_like_timms(self):
        class BatchNormAct2d(nn.BatchNorm2d):
            def __init__(self, channels, act):
                super().__init__(channels)
                self.drop, self.act = nn.Identity(), act

            def forward(self, x):
                return self.act(self.drop(super().forward(x)))

        class Timm(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(3, 8, 3, padding="same", bias=False)
                self.bn1 = BatchNormAct2d(8, nn.ReLU())
                self.conv2 = nn.Conv2d(8, 8, 3, padding=1, bias=False)
                self.bn2 = BatchNormAct2d(8, nn.Identity())
                self.pool = nn.AvgPool2d(2, 2, ceil_mode=True, count_include_pad=False)
                self.halve = nn.AdaptiveAvgPool2d(4)
                self.same = nn.AdaptiveAvgPool2d(4)
                self.fc = nn.Linear(8 * 16, 5)

            def forward(self, x):
                x = self.bn1(self.conv1(x))
                x = torch.relu(self.bn2(self.conv2(x)) + x)
                x = self.same(self.halve(F.dropout(self.pool(x), 0.0, self.training)))
                return self.fc(x.flatten(1))

        torch.manual_seed(1)
        EqualityTests.check(self, Timm())

    def test_dropout_that_is_a_function_trains_only(self):
        class Dropped(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv, self.fc = nn.Conv2d(3, 4, 16), nn.Linear(4, 2)

            def forward(self, x):
                return self.fc(F.dropout(self.conv(x).flatten(1), 0.5, self.training))

        images = batch(1)[0]
        module = Dropped().eval()
        sparse = swpu.torch.sparsify(module, images, granularity="dense")
        self.assertFalse(module.training, "the module is left as it was")
        self.assertFalse(torch.equal(sparse(images), sparse(images)))
        sparse.eval()
        torch.testing.assert_close(sparse(images), module(images), atol=1e-5, rtol=1e-4)


class AutogradTests(unittest.TestCase):
    def test_gradients_pass_through_hooks(self):
        images, labels = batch(20)
        sparse = swpu.torch.sparsify(Plain(), images, sparsity=0.5)
        F.cross_entropy(sparse(images), labels).backward()
        expected = [2 * p.grad.clone() for p in sparse.parameters()]
        sparse.zero_grad()
        accumulated = []
        for parameter in sparse.parameters():
            parameter.register_hook(lambda gradient: 2 * gradient)
            parameter.register_post_accumulate_grad_hook(accumulated.append)
        F.cross_entropy(sparse(images), labels).backward()
        self.assertEqual(len(accumulated), len(expected))
        for parameter, gradient in zip(sparse.parameters(), expected):
            torch.testing.assert_close(parameter.grad, gradient)

    def test_hooks_live_through_mask_updates(self):
        images, labels = batch(21)
        sparse = swpu.torch.sparsify(Residual(), images, sparsity=0.6, granularity="line")
        seen = []
        for parameter in sparse.parameters():
            parameter.register_hook(lambda gradient: seen.append(gradient.shape))
        sparse.dense_gradients = True
        # The loss keeps the graph of the old sizes alive, as in every training loop.
        loss = F.cross_entropy(sparse(images), labels)
        loss.backward()
        sparse.update_masks(density=0.2, exchange=0.3)
        seen.clear()
        F.cross_entropy(sparse(images), labels).backward()
        self.assertEqual(
            sorted(seen), sorted(parameter.shape for parameter in sparse.parameters()))

    def test_gradients_of_chosen_parameters(self):
        images, labels = batch(22)
        sparse = swpu.torch.sparsify(Plain(), images, sparsity=0.5)
        frozen = next(sparse.parameters())
        frozen.requires_grad_(False)
        loss = F.cross_entropy(sparse(images), labels)
        trained = [p for p in sparse.parameters() if p is not frozen]
        gradients = torch.autograd.grad(loss, trained)
        self.assertIsNone(trained[0].grad)
        copies = [gradient.clone() for gradient in gradients]
        F.cross_entropy(sparse(images), labels).backward()
        self.assertIsNone(frozen.grad)
        for parameter, gradient in zip(trained, copies):
            torch.testing.assert_close(parameter.grad, gradient)

    def test_images_get_their_gradient(self):
        torch.manual_seed(23)
        for module in (Residual(), Plain()):
            images, labels = batch(23)
            sparse = swpu.torch.sparsify(module, images, granularity="dense", image_gradient=True)
            module.train()
            ours, theirs = images.clone().requires_grad_(), images.clone().requires_grad_()
            F.cross_entropy(sparse(ours), labels).backward()
            F.cross_entropy(module(theirs), labels).backward()
            self.assertGreater(theirs.grad.abs().max().item(), 1e-4)
            torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-5, rtol=1e-3)
        sparse = swpu.torch.sparsify(Plain(), images)
        with self.assertRaisesRegex(RuntimeError, "image_gradient=True"):
            sparse(images.clone().requires_grad_())

    def test_what_the_engine_cannot_do_is_an_error(self):
        images, labels = batch(24)
        sparse = swpu.torch.sparsify(Plain(), images)
        with self.assertRaisesRegex(RuntimeError, "float32 on the CPU, not in torch.float64"):
            sparse.double()
        self.assertIs(sparse.to(torch.float32), sparse)
        with self.assertRaisesRegex(TypeError, "state_dict"):
            copy.deepcopy(sparse)
        sparse.eval()
        with self.assertRaisesRegex(RuntimeError, "training mode"):
            F.cross_entropy(sparse(images), labels).backward()

    def test_a_pass_that_was_overwritten_is_an_error(self):
        images, labels = batch(1)
        sparse = swpu.torch.sparsify(Plain(), images)
        loss = F.cross_entropy(sparse(images), labels)
        sparse(images)
        with self.assertRaisesRegex(RuntimeError, "keeps one forward pass"):
            loss.backward()


if __name__ == "__main__":
    unittest.main()
