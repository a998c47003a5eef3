# SPDX-License-Identifier: Apache-2.0
"""Writes ONNX files as PyTorch exports them. Call: make_onnx.py FOLDER (needs torch, onnx, onnxscript)"""
import pathlib
import sys

import onnx
import torch
from torch import nn

folder = pathlib.Path(sys.argv[1])
torch.manual_seed(3)


class Block(nn.Module):
    """Has what importers meet: a residual with a shortcut, groups, ReLU6, a mean, an odd operation."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4, bias=False)
        self.bn2 = nn.BatchNorm2d(8)
        self.shortcut = nn.Conv2d(8, 8, 1, stride=2, bias=False)
        self.bn3 = nn.BatchNorm2d(8)
        self.odd = nn.Conv2d(8, 8, 3, padding=2, dilation=2)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = nn.functional.relu6(self.bn1(self.conv1(x)))
        x = torch.relu(self.bn2(self.conv2(x)) + self.bn3(self.shortcut(x)))
        x = torch.sigmoid(self.odd(x)) * x
        return self.fc(x.mean((2, 3)).flatten(1))


net = Block().eval()
with torch.no_grad():
    for layer in (net.conv1, net.conv2):
        layer.weight[:, :, 0] = 0
images = torch.zeros(2, 3, 12, 12)
torch.onnx.export(
    net, (images,), folder / "torch.onnx", dynamo=False, opset_version=17,
    training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False)
torch.onnx.export(net, (images,), folder / "dynamo.onnx", dynamo=True, external_data=False)
for name in ("torch", "dynamo"):
    model = onnx.load(folder / f"{name}.onnx")
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    for value in model.graph.value_info:
        del value.metadata_props[:]
    del model.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
