"""No input within the range ever exceeds the bounds, and the bounds are not idle."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rsscircuit.errors import NetworkError
from rsscircuit.network import Layer, Network, input_bounds, run

WINDOW = {"strides": (1, 1), "dilations": (1, 1), "pads": (1, 1, 1, 1)}
POOL = {**WINDOW, "kernel_shape": (2, 2), "ceil_mode": False}
CHANNELS = 3

ELEMENTWISE = [
    ("Relu", {}),
    ("LeakyRelu", {"alpha": 0.1}),
    ("LeakyRelu", {"alpha": -0.5}),
    ("Clip", {"min": -0.5, "max": 0.7}),
    ("Sigmoid", {}),
    ("Tanh", {}),
    ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
    ("HardSigmoid", {"alpha": -0.3, "beta": 0.4}),
    ("HardSwish", {}),
    ("Softmax", {"axis": 1, "flatten": False}),
    ("MaxPool", POOL),
    ("AveragePool", {**POOL, "count_include_pad": True}),
    ("AveragePool", {**POOL, "count_include_pad": False}),
    ("GlobalAveragePool", {}),
    ("Transpose", {"perm": (0, 1, 3, 2)}),
    ("Concat", {"axis": 2}),
    ("Gather", {"indices": np.array([0, 1, 0]), "axis": 1}),
]
ARITHMETIC = ["Add", "Sub", "Mul", "Div"]


def a_conv(draw, number, source):
    seed = draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    return Layer(
        name=f"conv{number}",
        operator="Conv",
        inputs=(source,),
        attributes={**WINDOW, "group": 1},
        weight=random.normal(size=(CHANNELS, CHANNELS, 3, 3)),
        bias=random.normal(size=CHANNELS) if draw(st.booleans()) else None,
    )


@st.composite
def networks(draw):
    """Convolutions with anything between them, constants of mixed sign among it."""
    layers = [Layer(name="x", operator="Input", attributes={"shape": None})]
    for number in range(draw(st.integers(1, 3))):
        layers.append(a_conv(draw, number, layers[-1].name))
        source = layers[-1].name
        if draw(st.booleans()):
            operator, attributes = draw(st.sampled_from(ELEMENTWISE))
            inputs = (source, source) if operator == "Concat" else (source,)
            layers.append(Layer(name=f"op{number}", operator=operator, inputs=inputs, attributes=attributes))
        else:
            value = np.array(draw(st.lists(st.sampled_from([-2.0, -0.5, 0.25, 3.0]), min_size=3, max_size=3)))
            constant = Layer(name=f"k{number}", operator="Constant", attributes={"value": value.reshape(3, 1, 1)})
            operator = draw(st.sampled_from(ARITHMETIC))
            layers += [constant, Layer(name=f"op{number}", operator=operator, inputs=(source, constant.name))]
    layers.append(a_conv(draw, "last", layers[-1].name))
    return Network.of_layers(layers, (layers[-1].name,))


@settings(max_examples=150, deadline=None)
@given(network=networks(), low=st.floats(-2, 1), width=st.floats(0, 3), seed=st.integers(0, 2**32 - 1))
def test_no_input_exceeds_the_bounds(network, low, width, seed):
    bounds = input_bounds(network, low, low + width)
    random = np.random.default_rng(seed)
    inside = random.uniform(low, low + width, size=(4, CHANNELS, 4, 5))
    corners = low + width * random.integers(0, 2, size=(4, CHANNELS, 4, 5))
    largest = {}
    run(
        network,
        np.concatenate([inside, corners]),
        observe=lambda layer, x: largest.__setitem__(layer.name, float(np.abs(x).max())),
    )
    assert set(largest) == set(bounds)
    for name, value in largest.items():
        assert value <= bounds[name] * (1 + 1e-9) + 1e-12


@given(seed=st.integers(0, 2**32 - 1), low=st.floats(-2, 0), width=st.floats(0, 3))
def test_a_dense_layer_reaches_its_bound(seed, low, width):
    random = np.random.default_rng(seed)
    weight, bias = random.normal(size=(2, 4)), random.normal(size=2)
    first = Layer(name="a", operator="Dense", inputs=("x",), weight=weight, bias=bias)
    second = Layer(name="b", operator="Dense", inputs=("a",), weight=np.ones((1, 2)))
    source = Layer(name="x", operator="Input", attributes={"shape": (None, 4)})
    network = Network.of_layers([source, first, second], ("b",))
    every_corner = low + width * (np.arange(16)[:, None] >> np.arange(4) & 1)
    found = []
    run(network, every_corner, observe=lambda layer, x: found.append(np.abs(x).max()))
    bounds = input_bounds(network, low, low + width)
    assert bounds["b"] == pytest.approx(found[1], rel=1e-12)


def test_dividing_by_a_value_that_can_be_zero():
    source = Layer(name="x", operator="Input", attributes={"shape": (None, 2)})
    quotient = Layer(name="q", operator="Div", inputs=("x", "x"))
    network = Network.of_layers([source, quotient], ("q",))
    with pytest.raises(NetworkError, match=r"layer q \(Div\): divides by .* got 'a divisor from -1 to 1'"):
        input_bounds(network, -1.0, 1.0)
    assert input_bounds(network, 1.0, 2.0) == {}
