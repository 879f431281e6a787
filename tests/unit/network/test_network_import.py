"""Names, older operator sets, and the forms in which exporters write things."""

import json

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import model, node, normal, save

from rsscircuit.network import read_network, run

X = {"x": ["n", 3]}


def result(path, x):
    (value,) = run(read_network(path), x).values()
    return value


def test_layers_take_the_names_of_their_nodes_made_unique(tmp_path):
    nodes = [
        node("Relu", "x", "a", name="act"),
        node("Relu", "a", "b", name="act"),
        node("Relu", "b", "c"),
        node("Relu", "c", "y", name="x"),
    ]
    network = read_network(save(tmp_path, nodes, X, "y"))
    assert [layer.name for layer in network.layers()] == ["x_2", "act", "act_1", "Relu_2", "x"]
    assert network.inputs[0].name == "x_2"


def test_two_layers_of_one_node_keep_the_node_name_on_the_crossbar(tmp_path):
    nodes = [node("Gemm", "x w c", "y", name="fc", transA=1)]
    path = save(tmp_path, nodes, {"x": [3, 2], "c": [2, 4]}, "y", {"w": normal(3, 4)})
    network = read_network(path)
    assert [(layer.name, layer.operator) for layer in network.layers() if layer.inputs] == [
        ("fc_transpose", "Transpose"),
        ("fc", "Dense"),
        ("fc_added", "Add"),
    ]


def test_the_batch_axis_is_free_and_others_are_declared(tmp_path):
    path = save(tmp_path, [node("Relu", "x", "y")], {"x": [4, 3, "width"]}, "y")
    assert read_network(path).inputs[0].attributes["shape"] == (None, 3, None)


def test_initializers_listed_as_inputs_are_constants(tmp_path):
    path = save(tmp_path, [node("MatMul", "x w", "y")], {**X, "w": [3, 2]}, "y", {"w": normal(3, 2)})
    assert [layer.name for layer in read_network(path).inputs] == ["x"]


@pytest.mark.parametrize("dtype", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_every_float_type_becomes_float64(dtype, tmp_path):
    weight = normal(3, 2).astype(dtype)
    network = read_network(save(tmp_path, [node("MatMul", "x w", "y", name="m")], X, "y", {"w": weight}))
    assert network.layer("m").weight.dtype == np.float64
    np.testing.assert_array_equal(network.layer("m").weight, weight.astype(np.float64).T)


@pytest.mark.parametrize(
    ("attributes", "value"),
    [
        ({"value": helper.make_tensor("t", 1, [3], [1.0, 2.0, 3.0])}, [1, 2, 3]),
        ({"value_float": 2.5}, 2.5),
        ({"value_floats": [1.0, 2.0, 3.0]}, [1, 2, 3]),
        ({"value_int": 4}, 4),
        ({"value_ints": [4, 5, 6]}, [4, 5, 6]),
    ],
)
def test_constant_nodes(attributes, value, tmp_path):
    nodes = [node("Constant", "", "c", **attributes), node("Add", "x c", "y")]
    np.testing.assert_allclose(result(save(tmp_path, nodes, X, "y"), np.zeros((2, 3))), [value + np.zeros(3)] * 2)


def test_cast_of_constants_and_of_floats(tmp_path):
    nodes = [
        node("Cast", "c", "whole", to=onnx.TensorProto.INT64),
        node("Reshape", "x whole", "r"),
        node("Cast", "r", "y", to=onnx.TensorProto.DOUBLE),
    ]
    path = save(tmp_path, nodes, {"x": ["n", 6]}, "y", {"c": np.float32([-1, 2, 3])})
    assert result(path, np.zeros((4, 6))).shape == (4, 2, 3)


def test_shape_with_start_and_end(tmp_path):
    nodes = [
        node("Shape", "x", "n", start=0, end=1),
        node("Shape", "x", "last", start=-1),
        node("Concat", "n minus last", "shape", axis=0),
        node("Reshape", "x shape", "y"),
    ]
    path = save(tmp_path, nodes, {"x": ["n", 2, 3, 5]}, "y", {"minus": np.int64([-1])})
    assert result(path, np.zeros((7, 2, 3, 5))).shape == (7, 6, 5)


@pytest.mark.parametrize(("axis", "shape"), [(1, (3,)), (0, (5, 3)), (-2, (4,)), (2, (4, 2))])
def test_broadcast_by_axis_before_opset_7(axis, shape, tmp_path):
    path = save(
        tmp_path,
        [node("Mul", "x b", "y", broadcast=1, axis=axis)],
        {"x": [5, 3, 4, 2]},
        "y",
        {"b": normal(*shape)},
        opset=6,
    )
    x, start = normal(5, 3, 4, 2, seed=1), axis % 4
    widened = normal(*shape).reshape(*shape, *[1] * (4 - start - len(shape)))
    np.testing.assert_allclose(result(path, x), x * widened, atol=1e-6)


def test_broadcast_by_axis_is_a_bias_of_a_conv(tmp_path):
    nodes = [node("Conv", "x w", "c", name="c"), node("Add", "c b", "y", broadcast=1, axis=1)]
    constants = {"w": normal(2, 1, 3, 3), "b": normal(2)}
    network = read_network(save(tmp_path, nodes, {"x": [1, 1, 5, 5]}, "y", constants, opset=6))
    np.testing.assert_array_equal(network.layer("c").bias, normal(2))


def test_broadcast_by_axis_of_a_computed_value(tmp_path):
    nodes = [node("Relu", "b", "r"), node("Add", "x r", "y", broadcast=1, axis=0)]
    path = save(tmp_path, nodes, {"x": [2, 3, 4], "b": [2, 3]}, "y", opset=6)
    x, b = normal(2, 3, 4), normal(2, 3, seed=1)
    np.testing.assert_allclose(result(path, {"x": x, "b": b}), x + np.maximum(b, 0)[..., None], atol=1e-6)


def test_forms_of_the_first_operator_sets(tmp_path):
    nodes = [
        node("Reshape", "x", "r", shape=[0, -1, 1]),
        node("Clip", "r", "c", max=1.0),
        node("Concat", "c c", "j"),
        node("Dropout", "j", "y", is_test=1, ratio=0.5),
    ]
    found = result(save(tmp_path, nodes, {"x": ["n", 2, 2]}, "y", opset=1), 4 * np.ones((3, 2, 2)))
    np.testing.assert_array_equal(found, np.ones((3, 8, 1)))


def test_batch_normalization_of_every_position(tmp_path):
    statistics = {"s": normal(2, 3), "b": normal(2, 3, seed=1), "m": normal(2, 3, seed=2)}
    path = save(
        tmp_path,
        [node("BatchNormalization", "x s b m v", "y", spatial=0, epsilon=0.0)],
        {"x": ["n", 2, 3]},
        "y",
        {**statistics, "v": np.full((2, 3), 4, np.float32)},
        opset=7,
    )
    x = normal(5, 2, 3, seed=3)
    expected = (x - statistics["m"]) / 2 * statistics["s"] + statistics["b"]
    np.testing.assert_allclose(result(path, x), expected, atol=1e-6)


def test_matmul_with_a_vector(tmp_path):
    path = save(tmp_path, [node("MatMul", "x w", "y")], {"x": ["n", 2, 3]}, "y", {"w": normal(3)})
    x = normal(4, 2, 3, seed=1)
    np.testing.assert_allclose(result(path, x), x @ normal(3), atol=1e-6)


def test_squeeze_without_axes_keeps_the_batch(tmp_path):
    path = save(tmp_path, [node("Squeeze", "x", "y")], {"x": [1, 1, 3, 1]}, "y")
    for batch in (1, 2):
        assert result(path, np.zeros((batch, 1, 3, 1))).shape == (batch, 3)


def test_a_reshape_that_leaves_the_batch_alone(tmp_path):
    """A first size that equals the batch is a copy of it only where the value begins with the batch."""
    nodes = [node("Transpose", "x", "t", perm=[1, 0]), node("Reshape", "t s", "y")]
    network = read_network(save(tmp_path, nodes, {"x": [2, 4]}, "y", {"s": np.int64([2, 2, -1])}))
    assert network.layer(network.outputs[0]).attributes["shape"] == (2, 2, -1)


def test_a_network_without_crossbars(tmp_path):
    path = save(tmp_path, [node("Reshape", "x s", "y")], {"x": ["n", 6]}, "y", {"s": np.int64([-1, 2, 3])})
    network = read_network(path)
    assert network.crossbar_layers == ()
    (value,) = run(network, np.zeros((5, 6))).values()
    assert value.shape == (5, 2, 3)


def test_gather_takes_part_of_a_value(tmp_path):
    path = save(tmp_path, [node("Gather", "x i", "y", axis=1)], X, "y", {"i": np.int64([2, 0])})
    np.testing.assert_array_equal(result(path, np.array([[1, 2, 3]])), [[3, 1]])


def test_model_bytes_under_any_file_name(tmp_path):
    path = tmp_path / "network.json"
    path.write_bytes(model([node("Relu", "x", "y")], X, "y").SerializeToString())
    assert read_network(str(path)).outputs == ("Relu_0",)


def test_a_mean_over_the_spatial_axes_is_global_average_pooling(tmp_path):
    layers = [{"operator": "ReduceMean", "name": "mean", "axes": [-1, -2], "keepdims": 0}]
    np.savez(tmp_path / "mean.npz", layers=json.dumps(layers), input_shape=np.array([0, 3, 4, 5]))
    x = np.random.default_rng(0).random((2, 3, 4, 5))
    (result,) = run(read_network(tmp_path / "mean.npz"), x).values()
    assert np.allclose(result, x.mean((2, 3)))
