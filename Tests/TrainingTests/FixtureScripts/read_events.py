# SPDX-License-Identifier: Apache-2.0
"""Reads a folder of events as TensorBoard does and prints JSON. Call: read_events.py FOLDER
(needs tensorboard; pictures are opened where pillow is there)"""
import io
import json
import sys

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

try:
    from PIL import Image
except ImportError:
    Image = None

# 0 keeps everything.
events = EventAccumulator(sys.argv[1], {"scalars": 0, "histograms": 0, "images": 0})
events.Reload()
tags = events.Tags()


def picture(event):
    if Image is None:
        return [event.step, event.width, event.height, None]
    image = Image.open(io.BytesIO(event.encoded_image_string))
    image.load()
    assert image.size == (event.width, event.height) and image.mode == "L"
    return [event.step, event.width, event.height, sum(image.tobytes()) / 255]


print(
    json.dumps(
        {
            "version": tensorboard.__version__,
            "scalars": {t: [[e.step, e.value] for e in events.Scalars(t)] for t in tags["scalars"]},
            "histograms": {
                t: [
                    [e.step, e.histogram_value.num, e.histogram_value.sum]
                    for e in events.Histograms(t)
                ]
                for t in tags["histograms"]
            },
            "images": {t: [picture(e) for e in events.Images(t)] for t in tags["images"]},
        }
    )
)
