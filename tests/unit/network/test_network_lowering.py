"""Convolutions and dense layers as one matrix product."""

import numpy as np
import pytest

from rsscircuit.network import Layer, Network, batch_size, exact_product, fold, run, unfold, weight_matrix
from rsscircuit.network.lowering import output_shape, weights_of

RANDOM = np.random.default_rng(5)


def conv(out, channels, *kernel, group=1, **window):
    axes = len(kernel)
    settings = {"strides": (1,) * axes, "dilations": (1,) * axes, "group": group}
    if "auto_pad" not in window:
        settings["pads"] = (0,) * (2 * axes)
    return Layer(
        name="conv",
        operator="Conv",
        inputs=("x",),
        attributes={**settings, **window},
        weight=RANDOM.normal(size=(out, channels // group, *kernel)),
        bias=RANDOM.normal(size=out),
    )


CASES = [
    (conv(4, 3, 3, 2), (2, 3, 6, 5)),
    (conv(4, 3, 3, 2, strides=(2, 1), pads=(1, 0, 2, 1)), (2, 3, 6, 5)),
    (conv(6, 4, 3, 3, group=2, dilations=(2, 1)), (3, 4, 7, 6)),
    (conv(4, 4, 3, 3, group=4, pads=(1, 1, 1, 1)), (1, 4, 5, 5)),
    (conv(2, 3, 4, auto_pad="SAME_LOWER", strides=(3,)), (2, 3, 10)),
    (conv(2, 3, 4, auto_pad="SAME_UPPER", dilations=(2,)), (2, 3, 10)),
]
BEFORE = [(0, 0), (1, 0), (0, 0), (1, 1), (2,), (3,)]


def by_hand(layer, x, before):
    """A convolution as its definition writes it; ``before`` zeros precede each axis."""
    out, per_group, *kernel = layer.weight.shape
    counts = output_shape(layer, x.shape)[2:]
    strides, dilations = layer.attributes["strides"], layer.attributes["dilations"]
    y = np.zeros((len(x), out, *counts))
    for case, channel, *position in np.ndindex(y.shape):
        first = channel // (out // layer.attributes["group"]) * per_group
        total = layer.bias[channel]
        for inner, *tap in np.ndindex(per_group, *kernel):
            at = np.array(position) * strides + np.array(tap) * dilations - before
            if all(0 <= a < size for a, size in zip(at, x.shape[2:], strict=True)):
                total += layer.weight[(channel, inner, *tap)] * x[(case, first + inner, *at)]
        y[(case, channel, *position)] = total
    return y


@pytest.mark.parametrize(
    ("layer", "shape", "before"),
    [(*case, before) for case, before in zip(CASES, BEFORE, strict=True)],
)
def test_the_definition_of_a_convolution(layer, shape, before):
    x = RANDOM.normal(size=shape)
    found = fold(layer, exact_product(layer, unfold(layer, x)), shape)
    np.testing.assert_allclose(found, by_hand(layer, x, before), atol=1e-12)


@pytest.mark.parametrize(("layer", "shape"), CASES)
def test_one_matrix_for_all_groups(layer, shape):
    activations = unfold(layer, RANDOM.normal(size=shape))
    matrix = weight_matrix(layer)
    assert matrix.shape == (activations.shape[1], len(layer.weight))
    np.testing.assert_allclose(activations @ matrix + layer.bias, exact_product(layer, activations), atol=1e-12)


def test_rows_are_channels_then_kernel_and_columns_are_outputs():
    layer = conv(2, 3, 2, 2)
    x = RANDOM.normal(size=(1, 3, 2, 2))
    np.testing.assert_array_equal(unfold(layer, x), x.reshape(1, 12))
    np.testing.assert_array_equal(weight_matrix(layer), layer.weight.reshape(2, 12).T)


def test_a_grouped_matrix_is_zero_off_its_blocks():
    matrix = weight_matrix(conv(4, 4, 2, group=2))
    assert not matrix[:4, 2:].any()
    assert not matrix[4:, :2].any()
    assert matrix[:4, :2].all()


@pytest.mark.parametrize("shape", [(3,), (2, 3), (4, 5, 3)])
def test_dense_takes_the_last_axis(shape):
    layer = Layer(name="fc", operator="Dense", inputs=("x",), weight=RANDOM.normal(size=(2, 3)))
    x = RANDOM.normal(size=shape)
    y = unfold(layer, x) @ weight_matrix(layer)
    np.testing.assert_allclose(fold(layer, y, shape), x @ layer.weight.T)


def test_product_and_observe_replace_and_watch_the_crossbars():
    layer, shape = CASES[2]
    source = Layer(name="x", operator="Input", attributes={"shape": None})
    relu = Layer(name="relu", operator="Relu", inputs=("conv",))
    network = Network.of_layers([source, layer, relu], ("relu",))
    x, seen = RANDOM.normal(size=shape), []

    def product(conv, activations):
        return activations @ weight_matrix(conv) + conv.bias

    own = run(network, x, product=product, observe=lambda *pair: seen.append(pair))
    np.testing.assert_allclose(own["relu"], run(network, x)["relu"], atol=1e-12)
    assert len(seen) == 1
    assert seen[0][0] is layer
    np.testing.assert_array_equal(seen[0][1], x)


def test_a_layer_without_weights_is_refused():
    with pytest.raises(ValueError, match=r"layer r \(Relu\) has no weight"):
        weights_of(Layer(name="r", operator="Relu"))


def test_batches_shrink_with_the_largest_unfolded_layer():
    weight = np.zeros((2, 8, 5, 5))
    layers = [
        Layer(name="x", operator="Input", attributes={"shape": (None, 8, None, None)}),
        Layer(
            name="c",
            operator="Conv",
            inputs=("x",),
            attributes={"strides": (1, 1), "dilations": (1, 1), "pads": (2, 2, 2, 2), "group": 1},
            weight=weight,
        ),
    ]
    network = Network.of_layers(layers, ("c",))
    # 512 x 512 windows of 200 values are more than 2**25, 8 x 8 ones are nothing
    assert batch_size(network, np.zeros((3, 8, 512, 512))) == 1
    assert batch_size(network, np.zeros((3, 8, 8, 8))) == 250
