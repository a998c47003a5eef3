#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Classifies image files with an exported network in ONNX Runtime, by what is in the file alone.

    classify_onnx.py MODEL.onnx IMAGE...

Prints a JSON list: for each image the names of the classes, the most probable first, and their
probabilities.
"""
import json
import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
(port,) = session.get_inputs()
side = port.shape[2]
found = []
for path in sys.argv[2:]:
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    box = (left, top, left + edge, top + edge)
    values = np.asarray(image.resize((side, side), Image.BILINEAR, box), np.float32) / 255
    (logits,) = session.run(None, {port.name: values.transpose(2, 0, 1)[None]})
    powers = np.exp(logits[0].astype(np.float64) - logits[0].max())
    probabilities = powers / powers.sum()
    order = np.argsort(-probabilities, kind="stable")
    found.append([[classes[i], float(probabilities[i])] for i in order])
print(json.dumps(found))
