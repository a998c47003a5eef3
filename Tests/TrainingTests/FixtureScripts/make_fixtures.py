#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the fixtures of TrainingTests: what PyTorch answers, for the engine to agree with.

usage: python3 make_fixtures.py      (writes ../Fixtures/*.json, about ten seconds)

Made with Python 3.11, PyTorch 2.15.0 and NumPy 2.4.6 (pip install -r
Benchmarks/peers/requirements.txt). The tests read the committed files and need none of these.

A tensor is {"shape": [...], "values": [...]}, flat in row-major order: maps are [images, channels,
rows, columns], weights [outputs, inputs / groups, rows, columns]. Inputs have four decimals;
PyTorch computes in float64 from their float32 values, and every answer is the nearest float32, in
as many digits (at most nine) as tell it from its neighbours. Single numbers have nine digits.
A file is {"description": ..., "cases": [{"name": ..., ...}, ...]}.
"""

import sys

import eight_bit_step
import layers
import numpy as np
import optimizers
import resnet20_steps
import torch


def main() -> None:
    torch.set_num_threads(1)
    print(f"PyTorch {torch.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}")
    layers.convolutions()
    layers.batch_norms()
    layers.activations()
    layers.pools()
    layers.linears()
    layers.additions()
    layers.losses()
    optimizers.optimizers()
    optimizers.clipping()
    optimizers.schedules()
    resnet20_steps.training_steps()
    eight_bit_step.eight_bit_step()


if __name__ == "__main__":
    main()
