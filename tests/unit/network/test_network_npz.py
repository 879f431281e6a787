"""Networks as NumPy files."""

import json

import numpy as np
import pytest
from onnx_models import node, normal, save

from rsscircuit.errors import NetworkError
from rsscircuit.network import read_network, run

LAYERS = [
    {"operator": "Conv", "name": "conv1", "weight": "w1", "bias": "b1", "pads": [1, 1, 1, 1]},
    {"operator": "BatchNormalization", "scale": "s", "bias": "o", "mean": "m", "variance": "v"},
    {"operator": "Relu", "name": "act"},
    {"operator": "MaxPool", "kernel_shape": [2, 2], "strides": [2, 2]},
    {"operator": "Add", "constant": "shift"},
    {"operator": "Reshape", "shape": [0, -1]},
    {"operator": "Gemm", "name": "fc", "weight": "w2", "bias": "b2", "transB": 1},
]
ARRAYS = {
    "w1": normal(3, 1, 3, 3),
    "b1": normal(3),
    "s": normal(3, seed=1),
    "o": normal(3, seed=2),
    "m": normal(3, seed=3),
    "v": np.float32([1, 2, 3]),
    "shift": normal(3, 1, 1, seed=4),
    "w2": normal(4, 27, seed=5),
    "b2": normal(4, seed=6),
}


def write(folder, layers, arrays=ARRAYS, **more):
    text = layers if isinstance(layers, (str, bytes)) else json.dumps(layers)
    np.savez(folder / "net.npz", layers=text, **arrays, **more)
    return folder / "net.npz"


def refuse(path, *words):
    with pytest.raises(NetworkError) as caught:
        read_network(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_the_same_network_as_onnx(tmp_path):
    nodes = [
        node("Conv", "x w1 b1", "1", name="conv1", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "1 s o m v", "2"),
        node("Relu", "2", "3"),
        node("MaxPool", "3", "4", kernel_shape=[2, 2], strides=[2, 2]),
        node("Add", "4 shift", "5"),
        node("Flatten", "5", "6"),
        node("Gemm", "6 w2 b2", "7", name="fc", transB=1),
    ]
    from_onnx = read_network(save(tmp_path, nodes, {"x": ["n", 1, 6, 6]}, "7", ARRAYS))
    from_numpy = read_network(write(tmp_path, LAYERS, input_shape=[0, 1, 6, 6]))
    x = normal(5, 1, 6, 6, seed=9)
    (first,), (second,) = run(from_numpy, x).values(), run(from_onnx, x).values()
    np.testing.assert_array_equal(first, second)
    assert [layer.name for layer in from_numpy.crossbar_layers] == ["conv1", "fc"]
    assert from_numpy.inputs[0].attributes["shape"] == (None, 1, 6, 6)


def test_layers_as_bytes_and_any_file_name(tmp_path):
    path = write(tmp_path, json.dumps(LAYERS).encode(), input_shape=[-1, 1, 6, 6])
    other = path.rename(tmp_path / "network.data")
    assert read_network(other).outputs == ("fc",)


def test_branches_by_name_and_several_outputs(tmp_path):
    layers = [
        {"operator": "Relu", "name": "a"},
        {"operator": "Tanh", "name": "b", "inputs": ["input"]},
        {"operator": "Sub", "name": "c", "inputs": ["a", "b"]},
        {"operator": "Sigmoid", "inputs": ["a"]},
    ]
    network = read_network(write(tmp_path, layers, {}))
    assert network.outputs == ("c", "Sigmoid_3")
    x = normal(2, 3).astype(float)
    np.testing.assert_allclose(run(network, x)["c"], np.maximum(x, 0) - np.tanh(x))


def test_every_unknown_entry_and_missing_array_is_named(tmp_path):
    layers = [
        {"operator": "Conv", "name": "a", "weight": "nowhere", "padding": 1},
        {"operator": "Gemm"},
        {"operator": "Erf"},
        {"operator": "Relu", "name": "a", "inputs": ["b"]},
        {"operator": "Relu", "inputs": "a"},
        {"name": "nothing"},
        {"operator": ["Relu"]},
        {"operator": "MatMul", "weight": ["w"]},
    ]
    refuse(
        write(tmp_path, layers),
        "two layers are called 'a'",
        "layer 'a': unknown entry 'padding' (known: auto_pad, bias,",
        "weight 'nowhere' is not an array of this file",
        "layer 'Gemm_1': entry 'weight' is missing",
        "layer 'Erf_2': operator 'Erf' is not one of Add,",
        "it takes 'b', which is no layer",
        "layer 'Relu_4': inputs is not a list of layer names",
        "layer 'nothing': operator None",
        "operator ['Relu'] is not one of",
        "weight '['w']' is not an array",
    )


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ({"operator": "MaxPool", "kernel_shape": 2}, "attribute kernel_shape cannot be 2"),
        ({"operator": "MaxPool", "kernel_shape": "22"}, "attribute kernel_shape cannot be '22'"),
        ({"operator": "Clip", "min": "low"}, "attribute min cannot be 'low'"),
        ({"operator": "Flatten", "axis": 0.5}, "attribute axis cannot be 0.5"),
        ({"operator": "LeakyRelu", "alpha": 10**400}, "attribute alpha cannot be 1000"),
        ({"operator": "LeakyRelu", "alpha": "1"}, "attribute alpha cannot be '1'"),
        ({"operator": "Flatten", "axis": None}, "attribute axis cannot be None"),
        ({"operator": "Add", "constant": "text"}, "not made of numbers"),
        ({"operator": "Relu", "inputs": ["Relu_0"]}, "a cycle"),
        ({"operator": "Relu", "inputs": []}, "input 0 is missing"),
        ({"operator": "Relu", "name": "input"}, "defines 'input' a second time"),
        ({"operator": "Gemm", "weight": "bad"}, "holds nan at [0, 0]"),
    ],
)
def test_layers_that_cannot_be_mapped(layer, words, tmp_path):
    arrays = {"text": np.array("a"), "bad": np.full((2, 2), np.nan)}
    refuse(write(tmp_path, [layer], arrays), words)


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ("[{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff", "is not JSON"),
        ("{}", "not a list of objects"),
        ("[]", "not a list of objects"),
        ("[1]", "not a list of objects"),
    ],
)
def test_layers_that_are_not_a_list(layers, words, tmp_path):
    refuse(write(tmp_path, layers), words)


def test_files_that_are_no_networks(tmp_path):
    path = tmp_path / "net.npz"
    np.savez(path, a=np.ones(2))
    refuse(path, "no entry 'layers'", "got 'a'")
    np.savez(path, layers=np.ones(2))
    refuse(path, "not text", "float64")
    np.savez(path, layers=np.array([{}], dtype=object))
    refuse(path, "cannot be read")
    path.write_bytes(write(tmp_path, LAYERS).read_bytes()[:-100])
    refuse(path, "cannot be read")
    path.write_bytes(b"PK\x05\x06" + b"\0" * 18)
    refuse(path, "no entry 'layers'", "an empty archive")


@pytest.mark.parametrize("shape", [[0.5, 1.0], [[1]]])
def test_an_input_shape_that_is_none(shape, tmp_path):
    refuse(write(tmp_path, LAYERS, input_shape=shape), "'input_shape' is not a list of whole numbers")
