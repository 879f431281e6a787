"""What is folded into weights, and what stays digital."""

import numpy as np
from onnx_models import node, normal, save

from rsscircuit.network import read_network, run

STATISTICS = {
    "w": normal(3, 2, 1, 1),
    "s": normal(3),
    "b": normal(3, seed=1),
    "m": normal(3, seed=2),
    "v": np.ones(3, np.float32),
}


def operators(network):
    return [layer.operator for layer in network.layers()]


def test_batch_normalization_becomes_weights_and_bias(tmp_path):
    weight, scale, bias, mean = normal(3, 2, 1, 1), normal(3), normal(3, seed=1), normal(3, seed=2)
    variance = np.float32([1, 2, 3])
    path = save(
        tmp_path,
        [node("Conv", "x w", "c", name="conv"), node("BatchNormalization", "c s b m v", "y", epsilon=0.5)],
        {"x": ["n", 2, 4, 4]},
        "y",
        {"w": weight, "s": scale, "b": bias, "m": mean, "v": variance},
    )
    network = read_network(path)
    assert operators(network) == ["Input", "Conv"]
    assert network.outputs == ("conv",)
    factor = scale / np.sqrt(variance.astype(float) + 0.5)
    np.testing.assert_allclose(network.layer("conv").weight[:, :, 0, 0], weight[:, :, 0, 0] * factor[:, None])
    np.testing.assert_allclose(network.layer("conv").bias, bias - mean * factor)


def test_batch_normalization_of_a_shared_value_stays_digital(tmp_path):
    path = save(
        tmp_path,
        [
            node("Conv", "x w", "c", name="conv"),
            node("BatchNormalization", "c s b m v", "n"),
            node("Add", "c n", "y"),
        ],
        {"x": ["n", 2, 4, 4]},
        "y",
        STATISTICS,
    )
    network = read_network(path)
    assert sorted(operators(network)) == ["Add", "Add", "Constant", "Constant", "Conv", "Input", "Mul"]
    assert network.layer("conv").bias is None


def test_batch_normalization_of_any_image_size(tmp_path):
    path = save(
        tmp_path,
        [
            node("Conv", "x w", "c"),
            node("Relu", "c", "r"),
            node("BatchNormalization", "r s b m v", "y"),
        ],
        {"x": ["n", 2, "height", "width"]},
        "y",
        STATISTICS,
    )
    network = read_network(path)
    (result,) = run(network, normal(2, 2, 5, 3)).values()
    assert result.shape == (2, 3, 5, 3)


def test_a_network_output_is_not_folded_into(tmp_path):
    nodes = [node("MatMul", "x w", "m", name="m"), node("Add", "m b", "y", name="a")]
    path = save(tmp_path, nodes, {"x": ["n", 2]}, "m y", {"w": normal(2, 3), "b": normal(3)})
    network = read_network(path)
    assert network.outputs == ("m", "a")
    assert network.layer("m").bias is None


def test_per_channel_arithmetic_on_both_sides(tmp_path):
    nodes = [
        node("MatMul", "x w", "m", name="m"),
        node("Sub", "c m", "s"),
        node("Div", "s d", "q"),
        node("Add", "q scalar", "y"),
    ]
    constants = {"w": normal(2, 3), "c": normal(1, 3), "d": np.float32([1, 2, -4]), "scalar": np.float32(5)}
    path = save(tmp_path, nodes, {"x": ["n", 2]}, "y", constants)
    network = read_network(path)
    assert operators(network) == ["Input", "Dense"]
    x = normal(6, 2, seed=4).astype(float)
    expected = (constants["c"] - x @ constants["w"]) / constants["d"] + 5
    np.testing.assert_allclose(run(network, x)["m"], expected, atol=1e-6)


def test_division_by_zero_or_of_a_constant_stays_digital(tmp_path):
    nodes = [
        node("MatMul", "x w", "a", name="a"),
        node("Div", "one a", "b"),
        node("MatMul", "b w", "c", name="c"),
        node("Div", "c zero", "y"),
    ]
    constants = {"w": normal(2, 2), "one": np.float32(1), "zero": np.float32([0, 1])}
    network = read_network(save(tmp_path, nodes, {"x": ["n", 2]}, "y", constants))
    assert operators(network).count("Div") == 2


def test_a_constant_that_widens_the_result_stays_digital(tmp_path):
    nodes = [node("MatMul", "x w", "m"), node("Add", "m b", "y")]
    for bias in (normal(4, 1, 3), normal(1, 1, 3), normal(2, 3)):
        network = read_network(save(tmp_path, nodes, {"x": [2, 2]}, "y", {"w": normal(2, 3), "b": bias}))
        (result,) = run(network, np.ones((2, 2))).values()
        np.testing.assert_allclose(result, np.ones((2, 2)) @ normal(2, 3) + bias, atol=1e-6)
        assert "Add" in operators(network)


def test_identity_dropout_and_dead_branches_disappear(tmp_path):
    nodes = [
        node("Identity", "x", "i"),
        node("Dropout", "i ratio training", "d mask"),
        node("Relu", "d", "y", name="relu"),
        node("MatMul", "x w", "unused"),
    ]
    constants = {"ratio": np.float32(0.5), "training": np.array(False), "w": normal(2, 2)}
    network = read_network(save(tmp_path, nodes, {"x": ["n", 2]}, "y", constants))
    assert [(layer.name, layer.operator) for layer in network.layers()] == [("x", "Input"), ("relu", "Relu")]


def test_an_output_may_be_an_input_or_a_constant(tmp_path):
    network = read_network(save(tmp_path, [node("Identity", "x", "y")], {"x": ["n"]}, "y x c", {"c": normal(2)}))
    assert network.outputs == ("x", "x", "c")
    assert set(run(network, np.arange(3))) == {"x", "c"}
