# SPDX-License-Identifier: Apache-2.0
"""Exports published models with random weights, and writes what ONNX Runtime says of their layers.
Call: published_models.py FOLDER (needs torch, torchvision, timm, onnx, onnxruntime), then
SWPU_ONNX_MODELS=FOLDER swift test --filter PublishedModelsTests"""
import json
import math
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime

folder = pathlib.Path(sys.argv[1])
only = set(sys.argv[2:])


def unet(transposed):
    from torch import cat, nn

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            widths = [32, 64, 128, 256, 512]

            def pair(inputs, outputs):
                return nn.Sequential(*(
                    part for first in (inputs, outputs)
                    for part in (nn.Conv2d(first, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())))

            def up(inputs):
                if transposed:
                    return nn.ConvTranspose2d(inputs, inputs // 2, 2, 2)
                return nn.Sequential(
                    nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True),
                    nn.Conv2d(inputs, inputs // 2, 1))

            self.down = nn.ModuleList(pair(a, b) for a, b in zip([3] + widths, widths))
            self.up = nn.ModuleList(up(w) for w in reversed(widths[1:]))
            self.join = nn.ModuleList(pair(w, w // 2) for w in reversed(widths[1:]))
            self.out = nn.Conv2d(widths[0], 2, 1)

        def forward(self, x):
            kept = []
            for block in self.down[:-1]:
                kept.append(block(x))
                x = nn.functional.max_pool2d(kept[-1], 2)
            x = self.down[-1](x)
            for up, join, side in zip(self.up, self.join, reversed(kept)):
                x = join(cat([side, up(x)], 1))
            return self.out(x)

    return UNet()


def export():
    import torch
    for operation in ("nms", "qnms"):  # torchvision asks for them at import; none is exported
        torch.library.define(
            f"torchvision::{operation}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import timm
    import torchvision

    torch.manual_seed(0)
    segmentation = {"weights_backbone": None}
    vision = {
        name: (lambda name=name, more=more: torchvision.models.get_model(name, weights=None, **more), side)
        for name, side, more in [
            ("alexnet", 224, {}), ("convnext_tiny", 224, {}), ("densenet121", 224, {}),
            ("efficientnet_b0", 224, {}), ("efficientnet_v2_s", 224, {}), ("googlenet", 224, {
                "init_weights": False, "aux_logits": False}),
            ("inception_v3", 299, {"init_weights": False, "aux_logits": False}), ("mnasnet1_0", 224, {}),
            ("mobilenet_v2", 224, {}), ("mobilenet_v3_large", 224, {}), ("regnet_y_400mf", 224, {}),
            ("resnet18", 224, {}), ("resnet50", 224, {}), ("resnext50_32x4d", 224, {}),
            ("shufflenet_v2_x1_0", 224, {}), ("squeezenet1_1", 224, {}), ("swin_t", 224, {}),
            ("vit_b_16", 224, {}), ("deeplabv3_mobilenet_v3_large", 128, segmentation),
            ("fcn_resnet50", 128, segmentation), ("lraspp_mobilenet_v3_large", 128, segmentation)]
    }
    more = {
        name: (lambda name=name: timm.create_model(name), side)
        for name, side in [
            ("convnextv2_atto", 224), ("dpn48b", 224), ("edgenext_xx_small", 256),
            ("efficientnet_lite0", 224), ("ghostnet_100", 224), ("hrnet_w18_small", 224),
            ("inception_v4", 299), ("mixer_s32_224", 224), ("mobilevit_xxs", 256), ("pvt_v2_b0", 224),
            ("repvgg_a0", 224), ("resnest14d", 224), ("vit_tiny_patch16_224", 224)]
    }
    nets = {"unet_transposed": (lambda: unet(True), 128), "unet_bilinear": (lambda: unet(False), 128)}
    for name, (make, side) in {**vision, **more, **nets}.items():
        for kind in ("script", "dynamo"):
            path = folder / f"{name}.{kind}.onnx"
            if path.exists() or (only and name not in only):
                continue
            try:
                net, images = make().eval(), torch.zeros(1, 3, side, side)
                if kind == "script":
                    torch.onnx.export(
                        net, (images,), path, dynamo=False, opset_version=17, input_names=["x"],
                        dynamic_axes={"x": {0: "N"}})
                else:
                    torch.onnx.export(net, (images,), path, dynamo=True, external_data=False)
                print("exported", path.name, flush=True)
            except Exception as error:  # some exporter has no rule for some model
                print("not exported", path.name, type(error).__name__, flush=True)


WEIGHTED = ("Conv", "ConvTranspose", "Gemm", "MatMul")


def describe(path):
    """Products of each layer inside the map, and those without weights, by running the model."""
    model = onnx.load(path)
    graph = model.graph
    # What the images do not reach, as a position encoding that is made of shapes, is constant.
    known = {i.name for i in graph.initializer}
    for node in graph.node:
        if node.op_type in ("Shape", "Size") or all(i in known for i in node.input if i):
            known.update(node.output)
    nodes = [n for n in graph.node if n.op_type in WEIGHTED and not known.issuperset(n.output)]
    wanted = {v for n in nodes for v in (*n.input[:2], n.output[0])}
    sizes = {i.name: list(i.dims) for i in graph.initializer}
    made = {o for n in graph.node for o in n.output}
    for value in sorted(wanted & made - {o.name for o in graph.output}):
        graph.output.append(onnx.ValueInfoProto(name=value))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    feed = {
        i.name: np.zeros([d if isinstance(d, int) and d > 0 else 1 for d in i.shape], np.float32)
        for i in session.get_inputs()}
    sizes.update({k: list(v.shape) for k, v in feed.items()})
    names = [o.name for o in session.get_outputs()]
    sizes.update({k: list(v.shape) for k, v in zip(names, session.run(None, feed))})
    layers, products = [], []
    for node in nodes:
        settings = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        first, second, output = (sizes[v] for v in (*node.input[:2], node.output[0]))
        if node.op_type.startswith("Conv"):
            source, target = (first, output) if node.op_type == "Conv" else (output, first)
            count = second[0] * second[1]
            for axis, kernel in enumerate(second[2:]):
                stride = settings.get("strides", [1] * 9)[axis]
                dilation = settings.get("dilations", [1] * 9)[axis]
                padding = settings.get("pads", [0] * 9)[axis]
                count *= sum(
                    0 <= p * stride + r * dilation - padding < source[2 + axis]
                    for p in range(target[2 + axis]) for r in range(kernel))
            layers.append(count)
        else:
            inner = first[0] if settings.get("transA") else first[-1]
            count = math.prod(output) * inner
            (layers if known & set(node.input[:2]) else products).append(count)
    return {"layers": layers, "products": products}


export()
result = folder / "expected.json"
found = json.loads(result.read_text()) if result.exists() else {}
for path in sorted(folder.glob("*.onnx")):
    if path.name not in found:
        found[path.name] = describe(path)
        print(path.name, len(found[path.name]["layers"]), "layers", flush=True)
        result.write_text(json.dumps(found))
