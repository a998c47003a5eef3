# SPDX-License-Identifier: Apache-2.0
"""Writes operators.json: single nodes with what ONNX Runtime makes of them.
Call: make_operators.py FILE (needs numpy, onnx, onnxruntime)

Each case has an operation, attributes, inputs (name, shape, and values and type where the node reads them as
constants) and outputs (shape; values where all inputs are constants)."""
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

random = np.random.default_rng(7)
cases = []

def case(op, inputs, outputs=1, constants=(), opset=17, kept=None, **attributes):
    """inputs: arrays; those whose place is in `constants` are known before the network runs. Of the outputs
    the first `kept` are written."""
    inputs = [None if a is None else np.asarray(a) for a in inputs]
    names = [f"i{n}" for n in range(len(inputs))]
    results = [f"o{n}" for n in range(outputs)]
    node = helper.make_node(
        op, [n if a is not None else "" for n, a in zip(names, inputs)], results, **attributes)
    given = [a for a in inputs if a is not None]
    graph = helper.make_graph(
        [node], "g",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
         for n, a in zip(names, inputs) if a is not None],
        [onnx.ValueInfoProto(name=r) for r in results])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    model = onnx.shape_inference.infer_shapes(model)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = session.run(None, {n: a for n, a in zip(names, inputs) if a is not None})
    constant = len(constants) == len(given)

    def attribute(value):
        if isinstance(value, onnx.TensorProto):
            array = onnx.numpy_helper.to_array(value)
            return {"type": value.data_type, "shape": list(array.shape), "values": array.ravel().tolist()}
        return value

    cases.append({
        "op": op,
        "attributes": {k: attribute(v) for k, v in attributes.items()},
        "inputs": [
            None if a is None else {
                "shape": list(a.shape), "type": helper.np_dtype_to_tensor_dtype(a.dtype),
                **({"values": a.ravel().tolist()} if n in constants else {})}
            for n, a in enumerate(inputs)],
        "outputs": [
            {"shape": list(a.shape), "type": helper.np_dtype_to_tensor_dtype(a.dtype),
             **({"values": a.ravel().tolist()} if constant else {})}
            for a in found[:kept]],
    })


def floats(*shape):
    return random.integers(-9, 9, shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def all_of(count):
    return tuple(range(count))


# Windows.
for groups in (1, 2):
    for pads in ([0] * 4, [1, 2, 0, 1]):
        for strides, dilations in (([1, 1], [1, 1]), ([2, 1], [1, 2]), ([3, 2], [2, 1])):
            case("Conv", [floats(2, 4, 13, 11), floats(6, 4 // groups, 3, 2)], group=groups, pads=pads,
                 strides=strides, dilations=dilations)
for auto in ("SAME_UPPER", "SAME_LOWER", "VALID"):
    case("Conv", [floats(1, 2, 9, 8), floats(3, 2, 3, 4)], auto_pad=auto, strides=[2, 3])
case("Conv", [floats(2, 3, 17), floats(5, 3, 4)], strides=[2], dilations=[3], pads=[2, 1])
case("Conv", [floats(1, 2, 5, 6, 7), floats(3, 2, 2, 3, 1)], strides=[1, 2, 3])
for extra in ([0, 0], [1, 0]):
    case("ConvTranspose", [floats(1, 4, 5, 6), floats(4, 3, 3, 2)], group=1, strides=[2, 3],
         pads=[1, 0, 1, 1], output_padding=extra)
case("ConvTranspose", [floats(1, 4, 5, 6), floats(4, 3, 3, 3)], group=2, dilations=[2, 1])
case("ConvTranspose", [floats(1, 4, 5, 6), floats(4, 3, 4, 4)], strides=[2, 2], output_shape=[10, 11])
case("ConvTranspose", [floats(1, 4, 5, 6), floats(4, 3, 4, 4)], strides=[2, 2], auto_pad="SAME_UPPER")
case("ConvTranspose", [floats(1, 2, 9), floats(2, 3, 4)], strides=[2])
for op in ("MaxPool", "AveragePool"):
    for up in (0, 1):
        for kernel, stride, pads in ((2, 2, 0), (3, 2, 1), (3, 3, 0), (5, 4, 2)):
            case(op, [floats(1, 2, 11, 14)], kernel_shape=[kernel] * 2, strides=[stride] * 2,
                 pads=[pads] * 4, ceil_mode=up)
case("MaxPool", [floats(1, 2, 9)], kernel_shape=[3], strides=[2], outputs=2)
case("GlobalAveragePool", [floats(2, 3, 4, 5)])
case("GlobalMaxPool", [floats(2, 3, 4)])
case("LpPool", [floats(1, 2, 8, 8)], kernel_shape=[2, 2])

# Value by value.
case("Add", [floats(2, 3, 4), floats(3, 1)])
case("Mul", [floats(1, 4, 5, 5), floats(1, 4, 1, 1)])
case("Sum", [floats(2, 1), floats(1, 3), floats(1)])
case("Where", [floats(3, 1) > 0, floats(3, 4), floats(1, 4)])
case("PRelu", [floats(1, 3, 2, 2), floats(3, 1, 1)])
case("BatchNormalization", [floats(2, 3, 4, 4), floats(3), floats(3), floats(3), np.ones(3, np.float32)])
case("LayerNormalization", [floats(2, 3, 4), floats(4), floats(4)])
case("Softmax", [floats(2, 5)], axis=-1)
case("Dropout", [floats(2, 5)], outputs=2)
case("Clip", [floats(5), np.float32(-1), np.float32(2)], constants=all_of(3))
for op in ("Sub", "Div", "Pow", "Min", "Max"):
    case(op, [np.abs(floats(2, 3)) + 1, np.abs(floats(3)) + 2], constants=all_of(2))
for op in ("Add", "Sub", "Mul", "Div", "Mod"):
    case(op, [random.integers(-20, 20, (2, 4)), ints(3, -4, 5, 7)], constants=all_of(2))
for op in ("Equal", "Greater", "LessOrEqual"):
    case(op, [floats(4), floats(4)], constants=all_of(2))
for op in ("Sqrt", "Exp", "Reciprocal", "Log"):
    case(op, [np.abs(floats(5)) + 1], constants=all_of(1))
for op in ("Neg", "Abs", "Sign", "Floor", "Ceil", "Round", "Relu"):
    case(op, [(floats(9) / 2).astype(np.float32)], constants=all_of(1))
case("Where", [ints(1, 0, 1) > 0, floats(2, 3), floats(3)], constants=all_of(3))
case("And", [ints(1, 0, 1) > 0, ints(1, 1, 0) > 0], constants=all_of(2))

# Types.
wide = np.array([-3.7, -0.5, 0.0, 0.4, 0.6, 1.0, 2.5, 99.9], np.float32)
for to in (TensorProto.INT8, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL, TensorProto.FLOAT16,
           TensorProto.DOUBLE):
    case("Cast", [wide], constants=all_of(1), to=to)
case("Cast", [np.array([1e-9, 1e-7, 6.1e-5, 60000, 1 / 3], np.float32)], constants=all_of(1),
     to=TensorProto.FLOAT16)
for to in (TensorProto.INT8, TensorProto.UINT8, TensorProto.FLOAT, TensorProto.BOOL):
    case("Cast", [ints(-300, -1, 0, 1, 127, 128, 255, 256)], constants=all_of(1), to=to)
case("DequantizeLinear", [random.integers(-9, 9, (3, 4)).astype(np.int8), np.float32(0.5), np.int8(2)],
     constants=all_of(3))
case("DequantizeLinear", [random.integers(-9, 9, (3, 4)).astype(np.int8),
     np.array([0.5, 2, 4], np.float32), np.array([1, 0, -1], np.int8)], constants=all_of(3), axis=0)
case("QuantizeLinear", [(floats(3, 4) * 9).astype(np.float32), np.array([0.3, 2, 4, 1], np.float32),
     np.array([1, 0, 5, 7], np.uint8)], constants=all_of(3), axis=1)

# Axes.
case("Reshape", [floats(2, 3, 4), ints(0, -1)], constants=(1,))
case("Reshape", [floats(2, 3, 4), ints(4, 3, 2)], constants=all_of(2))
case("Flatten", [floats(2, 3, 4)], axis=2)
case("Flatten", [floats(2, 3, 4)], axis=-1)
case("Flatten", [floats(2, 3, 4)], axis=0)
case("Squeeze", [floats(2, 1, 3, 1), ints(-1)], constants=(1,))
case("Squeeze", [floats(2, 1, 3, 1)])
case("Unsqueeze", [floats(2, 3), ints(0, -1)], constants=(1,))
case("Transpose", [floats(2, 3, 4)], constants=all_of(1), perm=[2, 0, 1])
case("Transpose", [floats(2, 3)], constants=all_of(1))
case("DepthToSpace", [floats(1, 8, 2, 3)], blocksize=2)
case("SpaceToDepth", [floats(1, 2, 4, 6)], blocksize=2)

# Pieces.
case("Concat", [floats(1, 2, 3), floats(1, 4, 3)], axis=-2)
case("Concat", [floats(2, 2), floats(2, 3), floats(2, 1)], constants=all_of(3), axis=1)
case("Split", [floats(2, 7), ints(3, 4)], outputs=2, constants=all_of(2), axis=1)
case("Split", [floats(2, 8)], outputs=2, axis=1)
case("Slice", [floats(5, 6), ints(1, -1), ints(4, -9), ints(0, 1), ints(2, -2)], constants=all_of(5))
case("Slice", [floats(5, 6), ints(2), ints(2**63 - 1)], constants=(1, 2))
case("Slice", [floats(5, 6), ints(-3), ints(-1), ints(-1)], constants=(1, 2, 3))
case("Gather", [floats(3, 4), np.array([[0, -1], [2, 1]])], constants=all_of(2), axis=0)
case("Gather", [ints(5, 6, 7), np.array(1)], constants=all_of(2))
case("Gather", [floats(2, 3, 4), ints(0, 2)], axis=2)
case("GatherND", [floats(3, 4, 5), np.array([[0, 1], [2, 3]])], constants=(1,))
case("GatherElements", [floats(3, 4), np.array([[0, 1], [2, 0]])], constants=(1,), axis=1)
case("Pad", [floats(2, 3), ints(0, 1, 2, 0), np.float32(7)], constants=all_of(3))
case("Pad", [floats(1, 2, 5, 5), ints(0, 0, 1, 2, 0, 0, 1, 2)], constants=(1,), mode="reflect")
case("Tile", [floats(2, 3), ints(2, 3)], constants=all_of(2))
case("Expand", [floats(3, 1), ints(2, 1, 4)], constants=all_of(2))
case("Resize", [floats(1, 2, 5, 6), None, np.array([1, 1, 1.7, 2.5], np.float32)], constants=(2,))
case("Resize", [floats(1, 2, 5, 6), None, None, ints(1, 2, 9, 4)], constants=(3,), mode="linear")
case("OneHot", [ints(0, 2, 1), np.array(4), np.array([0, 1], np.float32)], constants=(1,))

# Reductions.
for op in ("ReduceMean", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceProd"):
    case(op, [floats(2, 3, 4)], constants=all_of(1), axes=[0, -1], keepdims=0)
case("ReduceSum", [floats(2, 3, 4), ints(1)], constants=all_of(2))
case("ReduceSum", [floats(2, 3, 4)], keepdims=0)
case("ArgMax", [floats(2, 3, 4)], axis=1, keepdims=0)
case("TopK", [floats(2, 9), ints(4)], outputs=2, constants=(1,))

# Products.
case("MatMul", [floats(2, 1, 3, 4), floats(5, 4, 6)])
case("MatMul", [floats(4), floats(4, 5)])
case("MatMul", [floats(3, 4), floats(4)])
case("MatMul", [floats(3, 4), floats(4, 5)], constants=all_of(2))
case("Gemm", [floats(3, 4), floats(5, 4), floats(5)], transB=1)
case("Gemm", [floats(4, 3), floats(4, 5)], transA=1)
case("Einsum", [floats(2, 3, 4), floats(2, 4, 5)], equation="bij,bjk->bik")
case("Einsum", [floats(2, 3), floats(3)], equation="ij,j")

# Sizes.
case("Shape", [floats(2, 3, 4)])
case("Shape", [floats(2, 3, 4)], start=-2, end=3)
case("Size", [floats(2, 3, 4)])
case("ConstantOfShape", [ints(2, 3)], constants=all_of(1),
     value=helper.make_tensor("v", TensorProto.FLOAT, [1], [0.5]))
case("ConstantOfShape", [ints(2)], constants=all_of(1))
case("Range", [np.array(3), np.array(12), np.array(4)], constants=all_of(3))
case("Trilu", [floats(3, 4)], constants=all_of(1), upper=0)
case("CumSum", [floats(2, 3), np.array(1)])
case("LSTM", [floats(5, 2, 3), floats(1, 16, 3), floats(1, 16, 4)], outputs=3, hidden_size=4)
case("GRU", [floats(5, 2, 3), floats(1, 12, 3), floats(1, 12, 4)], outputs=2, hidden_size=4)

# Normalisations of weights, and single values that are put in their place. Biases keep results off zero,
# where a relative difference says nothing.
kernels, channels = floats(3, 4, 2, 2), np.arange(4, dtype=np.float32)
case("BatchNormalization", [kernels, channels + 1, channels + 20, channels / 2, channels + 2],
     constants=range(5), epsilon=0.01)
case("BatchNormalization", [floats(1, 5, 12), floats(5) / 4, np.full(5, 20, np.float32), floats(5), np.ones(5, np.float32)],
     outputs=3, kept=1, constants=range(5), training_mode=1)
case("InstanceNormalization", [kernels, channels - 2, channels + 20], constants=range(3))
case("Dropout", [kernels], constants=[0])
case("ScatterND", [kernels, np.int64([[0, 1], [2, -1]]), floats(2, 2, 2)], constants=range(3))
case("ScatterND", [np.arange(8), np.int64([[4], [3], [-1]]), np.int64([9, 10, 11])], constants=range(3))

with open(sys.argv[1], "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(len(cases), "cases")
