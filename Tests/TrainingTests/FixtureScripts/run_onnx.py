# SPDX-License-Identifier: Apache-2.0
"""Runs every NAME.onnx of a folder on the floats of NAME.images and writes NAME.logits.
Call: run_onnx.py FOLDER (needs onnxruntime; with onnx the files are checked, too)"""
import pathlib
import sys

import numpy as np
import onnxruntime

try:
    import onnx
except ImportError:
    onnx = None

folder = pathlib.Path(sys.argv[1])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
for path in sorted(folder.glob("*.onnx")):
    if onnx:
        onnx.checker.check_model(onnx.load(path), full_check=True)
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (port,) = session.get_inputs()
    images = np.fromfile(path.with_suffix(".images"), "<f4").reshape([-1] + port.shape[1:])
    (logits,) = session.run(None, {port.name: images})
    assert logits.ndim == 2, (path, logits.shape)
    logits.astype("<f4").tofile(path.with_suffix(".logits"))
print("onnxruntime", onnxruntime.__version__, "onnx", onnx and onnx.__version__)
