"""Every way in which an ONNX file cannot be used, and what the error says."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import model, node, normal, save

from rsscircuit.errors import InputError, NetworkError
from rsscircuit.network import read_network, run

X = {"x": ["n", 3]}
IMAGE = {"x": ["n", 2, 5, 5]}


def refuse(path, *words, kind=NetworkError):
    with pytest.raises(kind) as caught:
        read_network(path)
    message = str(caught.value)
    assert str(path) in message
    for word in words:
        assert word in message


def test_missing_file_and_directory(tmp_path):
    refuse(tmp_path / "none.onnx", "no such file", kind=InputError)
    refuse(tmp_path, "directory", kind=InputError)
    refuse(tmp_path / ("x" * 300), "cannot be read", kind=InputError)


@pytest.mark.parametrize("content", [b"", b"this is a text, not a network\n", b"\x00" * 100, b"\x1f\x8b\x08"])
def test_files_that_are_no_networks(content, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    refuse(path, f"{len(content)} bytes", "export the network again")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_file(share, tmp_path):
    path = save(tmp_path, [node("MatMul", "x w", "y")], X, "y", {"w": normal(3, 50)})
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refuse(path, "export the network again")


def test_newer_operators_than_onnx_knows(tmp_path):
    refuse(save(tmp_path, [node("Relu", "x", "y")], X, "y", opset=999), "version 999", "newer onnx")


def test_every_unsupported_node_is_named(tmp_path):
    nodes = [
        node("Conv", "x w", "a", name="conv"),
        node("Erf", "a", "b", name="erf"),
        node("FusedConv", "b w", "c", name="fused", domain="com.microsoft"),
        node("Relu", "c", "d"),
        node("LSTM", "d w w", "e", name="memory"),
        node("Conv", "e bad", "y", name="late"),
    ]
    constants = {"w": normal(2, 2, 1, 1), "bad": np.full((2, 2, 1, 1), np.inf, np.float32)}
    path = save(tmp_path, nodes, IMAGE, "y", constants, opsets=[helper.make_opsetid("com.microsoft", 1)])
    refuse(
        path,
        "4 things do not map",
        "erf (Erf) is not a supported operator",
        "fused (com.microsoft.FusedConv)",
        "memory (LSTM)",
        "late (Conv) tensor 'bad' holds inf at [0, 0, 0, 0]",
        "supported operators: Add, AveragePool",
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("operator", "inputs"), [("MatMul", "x w"), ("Gemm", "x w"), ("Add", "x w"), ("Gemm", "x v w")]
)
def test_weights_that_are_not_finite(operator, inputs, value, tmp_path):
    weight = normal(3, 3)
    weight[1, 2] = value
    path = save(tmp_path, [node(operator, inputs, "y", name="n")], X, "y", {"w": weight, "v": normal(3, 3)})
    refuse(path, f"n ({operator}) tensor 'w' holds {value} at [1, 2]")


@pytest.mark.parametrize(("operator", "shape"), [("Conv", ["n", 2, 1, 1]), ("Gemm", ["n", 3]), ("MatMul", [3, 4])])
def test_weights_that_are_computed(operator, shape, tmp_path):
    nodes = [node("Relu", "z", "w"), node(operator, "x w", "y", name="n")]
    refuse(save(tmp_path, nodes, {**X, "z": shape}, "y"), f"n ({operator}) its weight", "'w' is not constant")


CONV = {"w": normal(4, 2, 3, 3)}


@pytest.mark.parametrize(
    ("constants", "attributes", "words"),
    [
        ({"w": normal(4, 3, 3, 3)}, {}, "needs 3 input channels, not 2"),
        ({"w": normal(4, 1, 3, 3)}, {"group": 3}, "4 outputs cannot be split into 3 groups"),
        ({**CONV, "b": normal(3)}, {}, "bias [3] does not fit its 4 outputs"),
        (CONV, {"kernel_shape": [5, 5]}, "kernel_shape [5, 5] is not that of its weight"),
        (CONV, {"pads": [1, 1]}, "pads [1, 1] do not fit 2 spatial axes"),
        (CONV, {"pads": [1, 1, -1, 1]}, "pads [1, 1, -1, 1] do not fit"),
        (CONV, {"strides": [0, 1]}, "strides [0, 1] do not fit"),
        (CONV, {"dilations": [1]}, "dilations [1] do not fit"),
        (CONV, {"dilations": [4, 4]}, "reaching over 9 does not fit into 5"),
        (CONV, {"auto_pad": "SAME"}, "auto_pad 'SAME'"),
        ({"w": normal(4, 2, 3, 3, 3)}, {}, "only 1-D and 2-D convolutions"),
        ({"w": normal(4, 2, 3)}, {}, "needs an input of 3 axes"),
    ],
)
def test_convolutions_that_do_not_fit(constants, attributes, words, tmp_path):
    nodes = [node("Conv", " ".join(["x", *constants]), "y", name="c", **attributes)]
    refuse(save(tmp_path, nodes, IMAGE, "y", constants), "c (Conv)", words)


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes", "words"),
    [
        ("Gemm", "x cube", {}, "weight has 3 axes"),
        ("MatMul", "x cube", {}, "not one matrix"),
        ("MatMul", "x m", {}, "needs 4 input channels, not 3"),
        ("MatMul", "x", {}, "weight (the right-hand matrix) is missing"),
        ("Add", "x", {}, "input 1 is missing"),
        ("Add", "x m", {}, "shapes do not fit"),
        ("Clip", "x x", {}, "min 'x' is not constant"),
        ("Clip", "x m", {}, "min is not one number"),
        ("MaxPool", "x", {"kernel_shape": [2, 2, 2]}, "only 1-D and 2-D pools"),
        ("AveragePool", "x", {}, "kernel_shape is []"),
        ("Reshape", "x shape", {}, "cannot reshape"),
        ("Reshape", "x zeros", {}, "copies an axis that the input does not have"),
        ("Unsqueeze", "x far", {}, "shapes do not fit"),
        ("Unsqueeze", "x", {}, "axes are missing"),
        ("Squeeze", "x axes", {}, "shapes do not fit"),
        ("Concat", "x x", {}, "axis is missing"),
        ("Gather", "x m", {"axis": 7}, "shapes do not fit"),
        ("Cast", "x", {"to": TensorProto.INT64}, "casts a value to type 7"),
        ("Cast", "m", {"to": TensorProto.STRING}, "casts a constant to type 8"),
        ("LeakyRelu", "x", {"alpha": float("nan")}, "attribute alpha is nan"),
        ("Constant", "", {"value_string": "a"}, "value_string cannot be read as numbers"),
        ("BatchNormalization", "x three three three low", {}, "variance goes down to -1"),
        ("BatchNormalization", "x three three three shape", {}, "statistics differ in shape"),
        ("BatchNormalization", "x three three three three", {"training_mode": 1}, "training mode"),
        ("Dropout", "x _ true", {}, "training mode"),
        ("Add", "x text", {}, "not made of numbers"),
        ("Relu", "nothing", {}, "takes 'nothing', which nothing defines"),
    ],
)
def test_nodes_that_cannot_be_mapped(operator, inputs, attributes, words, tmp_path):
    constants = {
        "cube": normal(3, 3, 3),
        "m": np.ones((4, 4), np.float32),
        "shape": np.int64([5, 7]),
        "zeros": np.int64([0, 3, 0]),
        "axes": np.int64([1]),
        "far": np.int64([2**60]),
        "three": np.ones(3, np.float32),
        "low": -np.ones(3, np.float32),
        "true": np.array(True),
        "text": np.array(["a"], dtype=object),
    }
    refuse(
        save(tmp_path, [node(operator, inputs, "y", name="it", **attributes)], X, "y", constants),
        f"it ({operator})",
        words,
    )


@pytest.mark.parametrize("opset", [6, 9])
def test_older_forms_of_training(opset, tmp_path):
    """Before opset 7 is_test was 0 by default; until 14 five outputs told a normalisation that trains."""
    outputs = "y" if opset == 6 else "y m v a b"
    nodes = [node("BatchNormalization", "x s s s s", outputs, name="bn")]
    constants = {"s": np.ones(3, np.float32)}
    refuse(save(tmp_path, nodes, X, "y", constants, opset=opset), "bn (BatchNormalization)", "training mode")
    if opset == 6:
        refuse(save(tmp_path, [node("Dropout", "x", "y")], X, "y", opset=6), "training mode")


def test_an_operand_that_does_not_fit_at_its_axis(tmp_path):
    nodes = [node("Add", "x b", "y", broadcast=1, axis=1)]
    refuse(save(tmp_path, nodes, X, "y", {"b": normal(3, 4)}, opset=6), "does not fit at axis 1")


@pytest.mark.parametrize("operator", ["MaxPool", "Dropout"])
def test_second_outputs_that_are_used(operator, tmp_path):
    attributes = {"kernel_shape": [2, 2]} if operator == "MaxPool" else {}
    nodes = [node(operator, "x", "y second", name="it", **attributes), node("Relu", "second", "z")]
    refuse(save(tmp_path, nodes, IMAGE, "y z"), f"it ({operator}) has a second output 'second'")
    network = read_network(save(tmp_path, nodes[:1], IMAGE, "y"))
    assert len(network.outputs) == 1


def test_sizes_that_depend_on_more_than_the_batch(tmp_path):
    nodes = [
        node("Shape", "x", "s", name="s"),
        node("Gather", "s i", "size", name="size"),
        node("Concat", "minus size", "shape", axis=0, name="shape"),
        node("Reshape", "x shape", "y", name="view"),
        node("Mul", "s two", "z", name="double"),
        node("Relu", "z", "w"),
    ]
    constants = {"i": np.int64([0]), "minus": np.int64([-1]), "two": np.float32(2)}
    refuse(
        save(tmp_path, nodes, IMAGE, "y w s", constants),
        "3 things",
        "view (Reshape) its shape depends on",
        "double (Mul) computes with the shape of a value",
        "output 's' is a shape",
    )


def test_the_rank_must_be_known_where_it_matters(tmp_path):
    proto = model([node("BatchNormalization", "x s s s s", "y")], X, "y", {"s": np.ones(3, np.float32)})
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    onnx.save(proto, tmp_path / "model.onnx")
    refuse(tmp_path / "model.onnx", "declare the shape of the network's input")


def test_flow_of_values(tmp_path):
    nodes = [
        node("Add", "x back", "a", name="first"),
        node("Relu", "a", "back", name="second"),
        node("Relu", "x", "a", name="third"),
        node("Relu", "x", "x", name="fourth"),
        node("Relu", "lost", "b", name="fifth"),
    ]
    refuse(
        save(tmp_path, nodes, X, "a nowhere"),
        "first (Add) takes 'back', which is defined only by it or after it: a cycle",
        "third (Relu) defines 'a' a second time",
        "fourth (Relu) defines 'x' a second time",
        "fifth (Relu) takes 'lost', which nothing defines",
        "output 'nowhere', which nothing defines",
    )


def test_a_graph_without_outputs(tmp_path):
    refuse(save(tmp_path, [node("Relu", "x", "y")], X, ""), "no outputs")


def test_inputs_and_tensors_of_other_kinds(tmp_path):
    proto = model([node("Relu", "x", "y")], X, "y")
    kind = helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [1]))
    proto.graph.input.append(helper.make_value_info("list", kind))
    values = helper.make_tensor("thin", TensorProto.FLOAT, [1], [1.0])
    places = helper.make_tensor("", TensorProto.INT64, [1], [0])
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [3]))
    short = helper.make_tensor("short", TensorProto.FLOAT, [4], b"\0" * 16, raw=True)
    short.raw_data = b"\0" * 12
    proto.graph.initializer.append(short)
    onnx.save(proto, tmp_path / "model.onnx")
    refuse(
        tmp_path / "model.onnx",
        "input 'list' is not a tensor",
        "'thin' is sparse",
        "tensor 'short' cannot be read",
    )


def external(folder, location, **extent):
    """A model whose weight [3, 2] is kept in a file of its own."""
    proto = model([node("MatMul", "x w", "y", name="m")], X, "y", {"w": np.ones((3, 2), np.float32)})
    tensor = proto.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **extent}.items():
        tensor.external_data.add(key=key, value=str(value))
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_weights_in_a_file_of_their_own(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "w.bin").write_bytes(b"\0" * 8 + np.arange(6, dtype=np.float32).tobytes())
    network = read_network(external(tmp_path, "below/w.bin", offset=8, length=24))
    np.testing.assert_array_equal(network.layer("m").weight, np.arange(6).reshape(3, 2).T)


def test_weights_in_files_that_cannot_be_used(tmp_path):
    outside = tmp_path / "outside.bin"
    outside.write_bytes(b"\0" * 24)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.bin").symlink_to(outside)
    (folder / "short.bin").write_bytes(b"\0" * 20)
    refuse(external(folder, "gone.bin"), "tensor 'w' is kept in 'gone.bin', which is missing")
    refuse(external(folder, ""), "not a path below the model's folder")
    refuse(external(folder, str(outside)), "not a path below the model's folder")
    refuse(external(folder, "../outside.bin"), "not a path below the model's folder")
    refuse(external(folder, "link.bin"), "leads out of the model's folder")
    refuse(external(folder, "short.bin", length=24), "too short: 20 of 24 bytes from byte 0")
    refuse(external(folder, "short.bin", offset=4, length=20), "too short: 16 of 20 bytes from byte 4")
    refuse(external(folder, "short.bin"), "tensor 'w' cannot be read")
    refuse(external(folder, "short.bin", offset=-4), "impossible offset '-4'")


def test_inputs_of_a_run(tmp_path):
    network = read_network(save(tmp_path, [node("Add", "a b", "y")], {"a": ["n", 3], "b": ["n", 3]}, "y"))
    good = np.zeros((2, 3))
    with pytest.raises(InputError, match="the network has 2 inputs"):
        run(network, good)
    with pytest.raises(InputError, match="give a, b"):
        run(network, {"a": good})
    with pytest.raises(InputError, match=r"input b: needs shape \[any, 3\]; got \[2, 4\]"):
        run(network, {"a": good, "b": np.zeros((2, 4))})
    with pytest.raises(NetworkError, match=r"layer Add_0 \(Add\): .*inputs are \[2, 3\] and \[5, 3\]"):
        run(network, {"a": good, "b": np.zeros((5, 3))})


def test_a_value_that_does_not_fit_a_crossbar_during_a_run(tmp_path):
    path = save(tmp_path, [node("MatMul", "x w", "y", name="m")], {"x": ["n", "k"]}, "y", {"w": normal(3, 2)})
    with pytest.raises(NetworkError, match=r"layer m \(Dense\): .*needs 3 input channels, not 4; .* \[2, 4\]"):
        run(read_network(path), np.zeros((2, 4)))
