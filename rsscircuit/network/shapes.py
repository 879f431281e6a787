"""The shape of each layer's output, as far as the declared input shapes tell it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rsscircuit.network.graph import Layer
from rsscircuit.network.lowering import output_shape, weights_of
from rsscircuit.network.operators import OPERATORS

# None: nothing is known; a None inside: how many axes there are is known, but not this size
Shape = tuple[int | None, ...] | None

_KEEPS_RANK = frozenset(
    {"AveragePool", "Clip", "Concat", "GlobalAveragePool", "HardSigmoid", "HardSwish", "LeakyRelu"}
    | {"MaxPool", "Relu", "Sigmoid", "Softmax", "Tanh", "Transpose"}
)
_BROADCASTS = frozenset({"Add", "Sub", "Mul", "Div"})


def known(shape: Shape) -> tuple[int, ...] | None:
    """The shape where every size is known, else None."""
    if shape is None:
        return None
    sizes = tuple(size for size in shape if size is not None)
    return sizes if len(sizes) == len(shape) else None


def shape_of(layer: Layer, given: Sequence[Shape]) -> Shape:
    """The shape of a layer's output; a digital layer is tried on ones.

    Args:
        layer: A crossbar or digital layer.
        given: The shapes of its inputs.

    Raises:
        ValueError: The inputs do not fit the layer or one another.
        IndexError: An axis or index lies outside an input.
        OverflowError: An axis or size is absurdly large.
    """
    sizes = [size for size in map(known, given) if size is not None]
    if len(sizes) < len(given):
        return _rank_only(layer, given)
    if layer.on_crossbar:
        return output_shape(layer, sizes[0])
    trial = [np.broadcast_to(np.float64(1), size) for size in sizes]
    with np.errstate(all="ignore"):
        return OPERATORS[layer.operator](layer, trial).shape


def _rank_only(layer: Layer, given: Sequence[Shape]) -> Shape:
    ranks = [len(shape) for shape in given if shape is not None]
    if layer.operator == "Conv":
        return (None,) * weights_of(layer).ndim
    if len(ranks) == len(given) and layer.operator in _BROADCASTS | _KEEPS_RANK | {"Dense"}:
        return (None,) * max(ranks)
    return None
