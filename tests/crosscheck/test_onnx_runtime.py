"""Whole networks against onnxruntime, an implementation that shares nothing with ours."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from rsscircuit.network import read_network, run

EXAMPLES = Path(__file__).parents[2] / "examples"


class Graph:
    """A small ONNX model, built node by node."""

    def __init__(self, opset=17, **inputs):
        self.opset, self.inputs, self.nodes, self.constants = opset, inputs, [], []
        self.random = np.random.default_rng(7)

    def weights(self, *shape):
        """A constant of random numbers; returns its name."""
        return self.constant(self.random.normal(size=shape).astype(np.float32) / 2)

    def constant(self, array):
        """A constant; returns its name."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, operator, *inputs, **attributes):
        """A node; returns the name of its output."""
        name = f"value_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name=f"node_{name}", **attributes))
        return name

    def save(self, path, *outputs):
        """Write the model, with these values as its outputs."""
        infos = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in self.inputs.items()]
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
        graph = helper.make_graph(self.nodes, "test", infos, ends, self.constants)
        opset = [helper.make_opsetid("", self.opset)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=min(8, 3 + self.opset // 2))
        onnx.save(model, path)


def agree(path, batch=5, tolerance=1e-5, fixed=None):
    """Compare every output; with ``fixed``, onnxruntime gets the cases so many at a time."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(3)
    given = {
        value.name: random.uniform(-1, 1, [batch, *value.shape[1:]]).astype(np.float32)
        for value in session.get_inputs()
    }
    step = fixed or batch
    parts = [
        session.run(None, {name: value[start : start + step] for name, value in given.items()})
        for start in range(0, batch, step)
    ]
    network = read_network(path)
    found = run(network, given)
    for position, name in enumerate(network.outputs):
        expected = np.concatenate([part[position] for part in parts])
        assert found[name].shape == expected.shape
        np.testing.assert_allclose(found[name], expected, rtol=0, atol=tolerance * np.abs(expected).max())
    return network


@pytest.mark.parametrize(
    "name", ["lenet5_mnist/lenet5.onnx", "lenet5_mnist/lenet5_pruned.onnx", "lenet5_fashion/lenet5.onnx"]
)
def test_lenet5(name):
    path = EXAMPLES / name
    images = np.load(path.parent / "test.npz")["images"][:64, None].astype(np.float32) / 255
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: images})[0]
    network = read_network(path)
    assert [layer.name for layer in network.crossbar_layers] == ["conv1", "conv2", "fc1", "fc2", "fc3"]
    (found,) = run(network, images).values()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_conv_1d(tmp_path):
    g = Graph(x=["batch", 3, 20])
    y = g.add("Conv", "x", g.weights(4, 3, 5), g.weights(4), strides=[2], pads=[3, 1])
    y = g.add("LeakyRelu", y, alpha=0.2)
    y = g.add("MaxPool", y, kernel_shape=[3], strides=[2], pads=[1, 0], ceil_mode=1)
    y = g.add("AveragePool", y, kernel_shape=[2])
    g.save(tmp_path / "m.onnx", g.add("Flatten", y))
    agree(tmp_path / "m.onnx")


def test_depthwise_and_pointwise_with_batch_normalization(tmp_path):
    g = Graph(x=["batch", 4, 9, 9])

    def normalised(value, channels):
        statistics = [g.weights(channels) for _ in range(3)]
        variance = g.constant(g.random.uniform(0.5, 2, channels).astype(np.float32))
        return g.add("BatchNormalization", value, *statistics, variance, epsilon=1e-3)

    y = g.add("Conv", "x", g.weights(8, 1, 3, 3), group=4, pads=[1, 1, 1, 1])
    y = g.add("HardSwish", normalised(y, 8))
    y = g.add("HardSwish", normalised(g.add("Conv", y, g.weights(6, 8, 1, 1)), 6))
    g.save(tmp_path / "m.onnx", g.add("GlobalAveragePool", y))
    network = agree(tmp_path / "m.onnx")
    operators = [layer.operator for layer in network.layers()]
    assert operators == ["Input", "Conv", "HardSwish", "Conv", "HardSwish", "GlobalAveragePool"]


def test_residual(tmp_path):
    g = Graph(x=["batch", 3, 8, 8])
    first = g.add("Relu", g.add("Conv", "x", g.weights(5, 3, 3, 3), g.weights(5), pads=[1, 1, 1, 1]))
    second = g.add("Conv", first, g.weights(5, 5, 3, 3), auto_pad="SAME_UPPER")
    y = g.add("Relu", g.add("Add", second, first))
    y = g.add("AveragePool", y, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    g.save(tmp_path / "m.onnx", y, first)
    agree(tmp_path / "m.onnx")


def test_concat_branches_and_two_inputs(tmp_path):
    g = Graph(x=["batch", 2, 6, 6], z=["batch", 3, 6, 6])
    a = g.add("Sigmoid", g.add("Conv", "x", g.weights(4, 2, 3, 3), pads=[1, 1, 1, 1]))
    b = g.add("Tanh", g.add("Conv", "z", g.weights(2, 3, 1, 1), g.weights(2)))
    y = g.add("Concat", a, b, "x", axis=1)
    y = g.add("Transpose", y, perm=[0, 2, 3, 1])
    y = g.add("MatMul", y, g.weights(8, 5))
    y = g.add("Softmax", g.add("Add", y, g.weights(5)), axis=-1)
    g.save(tmp_path / "m.onnx", y)
    assert len(agree(tmp_path / "m.onnx").crossbar_layers) == 3


def test_grouped_dilated_conv(tmp_path):
    g = Graph(x=["batch", 6, 11, 10])
    y = g.add("Conv", "x", g.weights(9, 2, 3, 2), g.weights(9), group=3, dilations=[2, 3], pads=[2, 1, 0, 3])
    g.save(tmp_path / "m.onnx", g.add("Clip", y, g.constant(np.float32(-0.5)), g.constant(np.float32(1))))
    agree(tmp_path / "m.onnx")


@pytest.mark.parametrize("auto_pad", ["SAME_LOWER", "SAME_UPPER", "VALID"])
@pytest.mark.parametrize("operator", ["Conv", "MaxPool", "AveragePool"])
def test_strided_auto_pad(auto_pad, operator, tmp_path):
    g = Graph(x=["batch", 2, 10, 7])
    if operator == "Conv":
        y = g.add("Conv", "x", g.weights(3, 2, 4, 3), strides=[3, 2], auto_pad=auto_pad)
    else:
        y = g.add(operator, "x", kernel_shape=[4, 3], strides=[3, 2], auto_pad=auto_pad)
    g.save(tmp_path / "m.onnx", y)
    agree(tmp_path / "m.onnx")


@pytest.mark.parametrize("counted", [0, 1])
@pytest.mark.parametrize("pads", [[0, 0, 0, 0], [1, 0, 2, 1]])
def test_average_pool_with_ceil_mode(counted, pads, tmp_path):
    g = Graph(opset=19, x=["batch", 2, 10, 9])
    window = {"kernel_shape": [3, 3], "strides": [2, 3], "pads": pads, "ceil_mode": 1}
    g.save(tmp_path / "m.onnx", g.add("AveragePool", "x", count_include_pad=counted, **window))
    agree(tmp_path / "m.onnx")


def test_gemm_with_every_attribute(tmp_path):
    g = Graph(x=["batch", 6], z=["batch", 4])
    y = g.add("Gemm", "x", g.weights(4, 6), g.weights(1, 4), transB=1, alpha=0.5, beta=2.0)
    y = g.add("Gemm", y, g.weights(4, 4), "z", beta=0.25)
    y = g.add("Transpose", y, perm=[1, 0])
    g.save(tmp_path / "m.onnx", g.add("Gemm", y, g.weights(4, 3), g.constant(np.float32(3)), transA=1))
    agree(tmp_path / "m.onnx")


def test_arithmetic_with_constants_before_and_behind_a_conv(tmp_path):
    g = Graph(x=["batch", 3, 5, 5])
    y = g.add("Div", g.add("Sub", "x", g.weights(3, 1, 1)), g.constant(np.float32([[[2]], [[3]], [[4]]])))
    y = g.add("Conv", y, g.weights(2, 3, 2, 2))
    y = g.add("Sub", g.weights(2, 1, 1), g.add("Mul", y, g.weights(1, 2, 1, 1)))
    y = g.add("Add", y, g.weights(4, 4))  # one value a position: this one stays digital
    g.save(tmp_path / "m.onnx", y)
    operators = [layer.operator for layer in agree(tmp_path / "m.onnx").layers()]
    assert [operator for operator in operators if operator not in ("Input", "Constant")] == [
        "Sub", "Div", "Conv", "Add",
    ]  # fmt: skip


@pytest.mark.parametrize("opset", [7, 9, 11, 13, 17, 21])
def test_operator_sets(opset, tmp_path):
    """The same network with the forms that each version of the operators prescribes."""
    g = Graph(opset=opset, x=["batch", 3, 6, 6])

    def axes(operator, value, *numbers):
        if opset < 13:
            return g.add(operator, value, axes=list(numbers))
        return g.add(operator, value, g.constant(np.int64(numbers)))

    y = g.add("Conv", "x", g.weights(4, 3, 3, 3), g.weights(4))
    variance = g.constant(np.float32([0.5, 1, 1.5, 2]))
    y = g.add("BatchNormalization", y, g.weights(4), g.weights(4), g.weights(4), variance)
    if opset < 11:
        y = g.add("Clip", y, min=0.0, max=6.0)
    else:
        y = g.add("Clip", y, g.constant(np.float32(0)), g.constant(np.float32(6)))
    y = g.add("GlobalAveragePool", y)
    y = axes("Unsqueeze", axes("Squeeze", y, 2, 3), 1)
    y = g.add("Dropout", g.add("Reshape", y, g.constant(np.int64([-1, 2, 2]))))
    y = g.add("Softmax", y, axis=1)
    g.save(tmp_path / "m.onnx", y)
    agree(tmp_path / "m.onnx")


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flattening_softmax(axis, tmp_path):
    g = Graph(opset=11, x=["batch", 3, 4])
    g.save(tmp_path / "m.onnx", g.add("Softmax", "x", axis=axis))
    agree(tmp_path / "m.onnx")


@pytest.mark.parametrize("batch", [1, 2, 7])
def test_fixed_batch_runs_at_any_batch_size(batch, tmp_path):
    g = Graph(x=[1, 1, 28, 28])
    y = g.add("MaxPool", g.add("Relu", g.add("Conv", "x", g.weights(2, 1, 5, 5))), kernel_shape=[2, 2])
    y = g.add("Reshape", y, g.constant(np.int64([1, 2 * 23 * 23])))
    y = g.add("Gemm", y, g.weights(2 * 23 * 23, 10), g.weights(10))
    g.save(tmp_path / "m.onnx", g.add("Reshape", y, g.constant(np.int64([1, 2, -1]))))
    agree(tmp_path / "m.onnx", batch=batch, fixed=1)


def test_view_by_the_batch_size(tmp_path):
    """What torch once wrote for x.view(x.size(0), -1)."""
    g = Graph(opset=11, x=["batch", 2, 4, 4])
    size = g.add("Gather", g.add("Shape", "x"), g.constant(np.int64(0)), axis=0)
    size = g.add("Cast", g.add("Unsqueeze", size, axes=[0]), to=TensorProto.INT64)
    shape = g.add("Concat", size, g.constant(np.int64([-1])), axis=0)
    y = g.add("Reshape", g.add("Relu", "x"), shape)
    g.save(tmp_path / "m.onnx", g.add("MatMul", y, g.weights(32, 3)))
    agree(tmp_path / "m.onnx")


def test_weights_computed_from_constants(tmp_path):
    g = Graph(x=["batch", 6])
    turned = g.add("Transpose", g.add("Reshape", g.weights(24), g.constant(np.int64([4, 6]))), perm=[1, 0])
    y = g.add("MatMul", "x", turned)
    g.save(tmp_path / "m.onnx", g.add("Add", y, g.add("Mul", g.weights(4), g.constant(np.float32(3)))))
    network = agree(tmp_path / "m.onnx")
    assert [layer.operator for layer in network.layers()] == ["Input", "Dense"]
