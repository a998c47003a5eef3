# SPDX-License-Identifier: Apache-2.0
"""Writes small ONNX files, each of one feature, and features.json with what they hold.
Call: make_features.py FOLDER (needs numpy, onnx, onnxruntime)

For each file and layer: the weights as `[filters][channels][rows][columns]`, worked out with NumPy, and
`macs`, the multiply-accumulates inside the map, which ONNX Runtime counts: of ones convolved with ones the
values of the output add up to them."""
import json
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(11)
expected = {}


def floats(*shape, zeros=0.4):
    values = random.integers(1, 9, shape).astype(np.float32)
    return values * (random.random(shape) >= zeros)


def run(model, **inputs):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, inputs)[0]


def model(nodes, inputs, outputs, constants=(), functions=(), sparse=(), opset=17):
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in outputs],
        [numpy_helper.from_array(a, n) for n, a in constants], sparse_initializer=sparse)
    return helper.make_model(
        graph, functions=list(functions), ir_version=8,
        opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("pkg", 1)])


def count(op, data, kernels, **attributes):
    """The multiply-accumulates of a node, of one image."""
    node = helper.make_node(op, ["x", "w"], ["y"], **attributes)
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, data)],
        [onnx.ValueInfoProto(name="y")], [numpy_helper.from_array(np.ones(kernels, np.float32), "w")])
    counting = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    found = run(onnx.shape_inference.infer_shapes(counting), x=np.ones(data, np.float32))
    return int(found.astype(np.float64).sum())


def layer(weights, macs, reads):
    weights = np.asarray(weights)
    weights = weights.reshape(weights.shape + (1,) * (4 - weights.ndim))
    return {
        "shape": list(weights.shape), "weights": weights.ravel().tolist(), "macs": macs, "reads": reads}


def write(name, made, layers, **more):
    onnx.save(made, folder / f"{name}.onnx")
    expected[f"{name}.onnx"] = {"layers": layers, **more}


# Functions: one that calls another, an attribute of the caller with a default, weights of the function.
def reference(node, name, attribute):
    node.attribute.append(onnx.AttributeProto(name=name, ref_attr_name=attribute, type=onnx.AttributeProto.INTS))
    return node


inner = helper.make_function(
    "pkg", "Step", ["a", "w"], ["c"],
    [reference(helper.make_node("Conv", ["a", "w"], ["b"], name="conv", pads=[1, 1, 1, 1]), "strides", "by"),
     helper.make_node("Relu", ["b"], ["c"], name="relu")],
    [helper.make_opsetid("", 17)], attributes=["by"])
own = floats(3, 4, 1, 1)
outer = helper.make_function(
    "pkg", "Block", ["a", "w"], ["e"],
    [helper.make_node("Constant", [], ["k"], value=numpy_helper.from_array(own)),
     reference(helper.make_node("Step", ["a", "w"], ["d"], name="step", domain="pkg"), "by", "by"),
     helper.make_node("Conv", ["d", "k"], ["e"], name="point")],
    [helper.make_opsetid("", 17), helper.make_opsetid("pkg", 1)],
    attribute_protos=[helper.make_attribute("by", [2, 2])])
first, second = floats(4, 2, 3, 3), floats(4, 3, 3, 3)
made = model(
    [helper.make_node("Block", ["x", "w1"], ["m"], name="one", domain="pkg"),
     helper.make_node("Block", ["m", "w2"], ["y"], name="two", domain="pkg", by=[1, 2])],
    [("x", [1, 2, 9, 8])], [("y", None)], [("w1", first), ("w2", second)], [inner, outer])
assert run(made, x=np.ones((1, 2, 9, 8), np.float32)).shape == (1, 3, 5, 2)
write("functions", made, {
    "one/step/conv": layer(first, count("Conv", [1, 2, 9, 8], first.shape, pads=[1] * 4, strides=[2, 2]), []),
    "one/point": layer(own, count("Conv", [1, 4, 5, 4], own.shape), ["one/step/relu"]),
    "two/step/conv": layer(
        second, count("Conv", [1, 3, 5, 4], second.shape, pads=[1] * 4, strides=[1, 2]), ["one/point"]),
    "two/point": layer(own, count("Conv", [1, 4, 5, 2], own.shape), ["two/step/relu"])})

# Whole numbers whose zero is another number: one of all, one a filter, one a column.
zero_of_all, zeros, columns = np.uint8(3), np.int8([-2, 0, 5]), np.int8([1, -1, 0, 2])
conv = random.integers(1, 6, (3, 2, 3, 3)).astype(np.uint8)
per_filter = random.integers(-3, 7, (3, 3, 1, 1)).astype(np.int8)
matrix = random.integers(-2, 3, (48, 4)).astype(np.int8)
scale = ("s", np.float32(0.5))
made = model(
    [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="q"),
     helper.make_node("QLinearConv", ["q", "s", "z", "w1", "s", "z1", "s", "z"], ["a"], name="conv"),
     helper.make_node("QLinearConv", ["a", "s", "z", "w2", "s3", "z2", "s", "z"], ["b"], name="point"),
     helper.make_node("Flatten", ["b"], ["f"], name="flat"),
     helper.make_node("QLinearMatMul", ["f", "s", "z", "w3", "s4", "z3", "s", "z"], ["m"], name="fc"),
     helper.make_node("DequantizeLinear", ["m", "s", "z"], ["y"], name="d")],
    [("x", [1, 2, 6, 6])], [("y", [1, 4])],
    [scale, ("s3", np.full(3, 0.5, np.float32)), ("s4", np.full(4, 0.5, np.float32)), ("z", np.uint8(128)),
     ("z1", zero_of_all), ("z2", zeros), ("z3", columns), ("w1", conv), ("w2", per_filter), ("w3", matrix)])
assert run(made, x=np.ones((1, 2, 6, 6), np.float32)).shape == (1, 4)
write("zero-points", made, {
    "conv": layer(conv.astype(int) - 3, count("Conv", [1, 2, 6, 6], conv.shape), ["q"]),
    "point": layer(
        per_filter.astype(int) - zeros.astype(int).reshape(3, 1, 1, 1),
        count("Conv", [1, 3, 4, 4], per_filter.shape), ["conv"]),
    "fc": layer((matrix.astype(int) - columns.astype(int)).T, 48 * 4, ["point"])})


# Sparse constants: with one index a value, with one for each axis, and of a node.
def sparse(name, array, by_axis):
    places = np.argwhere(array) if by_axis else np.flatnonzero(array)
    values = numpy_helper.from_array(array[array != 0], name)
    return helper.make_sparse_tensor(
        values, numpy_helper.from_array(places.astype(np.int64), name + "_i"), array.shape)


linear, axes, inside = floats(3, 2, 3, 3), floats(4, 3, zeros=0.7), floats(5, 4, zeros=0.5)
made = model(
    [helper.make_node("Constant", [], ["w3"], sparse_value=sparse("v", inside, False)),
     helper.make_node("Conv", ["x", "w1"], ["a"], name="conv"),
     helper.make_node("ReduceMean", ["a"], ["p"], name="pool", axes=[2, 3], keepdims=0),
     helper.make_node("Gemm", ["p", "w2"], ["b"], name="fc1", transB=1),
     helper.make_node("Gemm", ["b", "w3"], ["y"], name="fc2", transB=1)],
    [("x", [1, 2, 6, 6])], [("y", [1, 5])], sparse=[sparse("w1", linear, False), sparse("w2", axes, True)])
x = floats(1, 2, 6, 6)
plain = model(
    [n for n in made.graph.node if n.op_type != "Constant"], [("x", [1, 2, 6, 6])], [("y", [1, 5])],
    [("w1", linear), ("w2", axes), ("w3", inside)])
assert np.array_equal(run(made, x=x), run(plain, x=x))
write("sparse", made, {
    "conv": layer(linear, count("Conv", [1, 2, 6, 6], linear.shape), []),
    "fc1": layer(axes, 12, ["pool"]), "fc2": layer(inside, 20, ["fc1"])})

# Branches: the condition is worked out from shapes; weights within the branch and around it.
chosen, other, around = floats(3, 2, 3, 3), floats(3, 2, 1, 1), floats(4, 3, 1, 1)
branches = [
    helper.make_graph(
        [helper.make_node("Conv", ["x", name], ["c"], name=conv),
         helper.make_node("Conv", ["c", "w"], ["o"], name="around")],
        branch, [], [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, name)])
    for branch, conv, name, weights in [("t", "chosen", "w1", chosen), ("e", "other", "w2", other)]]
made = model(
    [helper.make_node("Shape", ["x"], ["s"]),
     helper.make_node("Gather", ["s", "three"], ["side"]),
     helper.make_node("Greater", ["side", "two"], ["large"]),
     helper.make_node("If", ["large"], ["b"], name="if", then_branch=branches[0], else_branch=branches[1]),
     helper.make_node("Conv", ["b", "v"], ["y"], name="behind")],
    [("x", [1, 2, 6, 5])], [("y", None)],
    [("three", np.int64(3)), ("two", np.int64(2)), ("w", around), ("v", floats(2, 4, 3, 3))])
assert run(made, x=np.ones((1, 2, 6, 5), np.float32)).shape == (1, 2, 2, 1)
behind = numpy_helper.to_array(made.graph.initializer[3])
write("branches", made, {
    "chosen": layer(chosen, count("Conv", [1, 2, 6, 5], chosen.shape), []),
    "around": layer(around, count("Conv", [1, 3, 4, 3], around.shape), ["chosen"]),
    "behind": layer(behind, count("Conv", [1, 4, 4, 3], behind.shape), ["around"])})

# Weights in a file that is not there, beside some that are here.
here, away = floats(3, 2, 3, 3), floats(8, 3, 3, 3)
made = model(
    [helper.make_node("Conv", ["x", "w1"], ["a"], name="here"),
     helper.make_node("Conv", ["a", "w2"], ["y"], name="away")],
    [("x", [1, 2, 8, 8])], [("y", [1, 8, 4, 4])], [("w1", here)])
gone = numpy_helper.from_array(away, "w2")
gone.ClearField("raw_data")
gone.data_location = TensorProto.EXTERNAL
gone.external_data.add(key="location", value="gone.bin")
made.graph.initializer.append(gone)
write("missing", made, {
    "here": layer(here, count("Conv", [1, 2, 8, 8], here.shape), []),
    "away": {"shape": [8, 3, 3, 3], "macs": count("Conv", [1, 3, 6, 6], away.shape), "reads": ["here"]}})

# Transposed convolutions: groups, strides of both axes, dilation, padding, output_padding and output_shape.
data, nodes, constants, layers = [1, 4, 5, 6], [], [], {}
cases = [
    ("plain", (4, 6, 2, 2), dict(strides=[2, 2])),
    ("odd", (6, 2, 3, 2), dict(
        strides=[2, 3], group=2, pads=[1, 0, 0, 1], dilations=[1, 2], output_padding=[1, 2])),
    ("shaped", (4, 3, 3, 3), dict(strides=[2, 1], output_shape=[42, 37], auto_pad="SAME_UPPER"))]
previous = "x"
for name, shape, attributes in cases:
    weights = floats(*shape)
    constants.append((name + ".weight", weights))
    nodes.append(helper.make_node(
        "ConvTranspose", [previous, name + ".weight"], [name + ".out"], name=name, **attributes))
    before = model(list(nodes), [("x", [1, 4, 5, 6])], [(name + ".out", None)], constants)
    # ONNX has the filters of the convolution that it turns round first, as we do.
    layers[name] = layer(
        weights, count("ConvTranspose", data, shape, **attributes), [] if previous == "x" else [previous[:-4]])
    data = list(run(before, x=np.ones((1, 4, 5, 6), np.float32)).shape)
    previous = name + ".out"
write("transposed", before, layers, output=data)

# A product whose first matrix is turned: the channels are its first axis.
turned = floats(48, 5)
made = model(
    [helper.make_node("Flatten", ["x"], ["f"], name="flat"),
     helper.make_node("Transpose", ["f"], ["t"], name="turn", perm=[1, 0]),
     helper.make_node("Gemm", ["t", "w"], ["y"], name="fc", transA=1)],
    [("x", [1, 3, 4, 4])], [("y", [1, 5])], [("w", turned)])
x = floats(1, 3, 4, 4)
assert np.array_equal(run(made, x=x), x.reshape(1, 48) @ turned)
write("turned", made, {"fc": layer(turned.T, 48 * 5, [])})

# Attention: products of computed values have no weights, so that they are left out, with their share.
q, k, v, end = (floats(8, 8) for _ in range(4))
made = model(
    [helper.make_node("MatMul", ["x", n], [n + "x"], name=n) for n in "qkv"]
    + [helper.make_node("Transpose", ["kx"], ["kt"], name="turn", perm=[0, 2, 1]),
       helper.make_node("MatMul", ["qx", "kt"], ["scores"], name="scores"),
       helper.make_node("Softmax", ["scores"], ["soft"], name="soft"),
       helper.make_node("MatMul", ["soft", "vx"], ["mixed"], name="mixed"),
       helper.make_node("MatMul", ["mixed", "end.w"], ["y"], name="end")],
    [("x", [1, 6, 8])], [("y", [1, 6, 8])],
    [("q", q), ("k", k), ("v", v), ("end.w", end)])
assert run(made, x=np.ones((1, 6, 8), np.float32)).shape == (1, 6, 8)
left, all_layers = 2 * 6 * 6 * 8, 4 * 6 * 8 * 8
write("attention", made, {
    **{n: layer(w.T, 384, []) for n, w in zip("qkv", (q, k, v))}, "end": layer(end.T, 384, None)},
    leftOut={"scores": 288, "mixed": 288}, share=left / (left + all_layers))

(folder / "features.json").write_text(json.dumps(expected) + "\n")
