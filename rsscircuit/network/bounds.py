"""How large the inputs of each crossbar layer can become, by interval arithmetic.

One interval a value: the lowest and the highest number that any of its entries can take for any
input of the network within the given range. Nothing is sampled, so nothing can exceed the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rsscircuit.errors import NetworkError
from rsscircuit.network.graph import CONV, INPUT, Array, Layer, Network
from rsscircuit.network.lowering import weights_of
from rsscircuit.network.operators import OPERATORS


class Interval(NamedTuple):
    """The lowest and highest entry of a value; of a constant, arrays of its entries."""

    low: Array
    high: Array


def input_bounds(network: Network, low: float = 0.0, high: float = 1.0) -> dict[str, float]:
    """The largest magnitude that the input of each crossbar layer can have.

    Args:
        network: The network.
        low: The lowest entry of any network input.
        high: The highest entry of any network input.

    Returns:
        The bound of each crossbar layer, by name.

    Raises:
        NetworkError: A layer divides by a value that can be zero, so that there is no bound.
    """
    intervals: dict[str, Interval] = {}
    bounds: dict[str, float] = {}
    for layer in network.layers():
        taken = [intervals[name] for name in layer.inputs]
        if layer.on_crossbar:
            bounds[layer.name] = float(np.max(np.abs(taken[0])))
            intervals[layer.name] = _crossbar(layer, taken[0])
        elif layer.operator == INPUT:
            intervals[layer.name] = Interval(np.asarray(float(low)), np.asarray(float(high)))
        else:
            intervals[layer.name] = _RULES[layer.operator](layer, taken)
    return bounds


def _hull(*values: Array) -> Interval:
    lowest, highest = min(float(value.min()) for value in values), max(float(value.max()) for value in values)
    return Interval(np.asarray(lowest), np.asarray(highest))


def _with_zero(interval: Interval) -> Interval:
    return _hull(*interval, np.zeros(()))


def _pads(layer: Layer) -> bool:
    return "auto_pad" in layer.attributes or any(layer.attributes["pads"])


def _crossbar(layer: Layer, taken: Interval) -> Interval:
    """Each output's extremes: positive weights with one end of the input, negative with the other."""
    low, high = _with_zero(taken) if layer.operator == CONV and _pads(layer) else _hull(*taken)
    weight = weights_of(layer).reshape(weights_of(layer).shape[0], -1)
    positive, negative = np.maximum(weight, 0).sum(axis=1), np.minimum(weight, 0).sum(axis=1)
    bias = np.zeros(len(weight)) if layer.bias is None else layer.bias
    return _hull(positive * low + negative * high + bias, positive * high + negative * low + bias)


def _same(layer: Layer, taken: Sequence[Interval]) -> Interval:
    """Operators that move, choose or average entries: no entry leaves the hull of the inputs."""
    return _hull(*(end for interval in taken for end in interval))


def _monotone(layer: Layer, taken: Sequence[Interval]) -> Interval:
    """Operators of one value whose extremes lie at the ends of the interval."""
    return _hull(*(OPERATORS[layer.operator](layer, [end]) for end in taken[0]))


def _bent(turn: float) -> Callable[[Layer, Sequence[Interval]], Interval]:
    """Operators of one value that fall on one side of ``turn`` and rise on the other."""

    def rule(layer: Layer, taken: Sequence[Interval]) -> Interval:
        ends = (*taken[0], np.clip(np.asarray(turn), *taken[0]))
        return _hull(*(OPERATORS[layer.operator](layer, [end]) for end in ends))

    return rule


def _corners(layer: Layer, taken: Sequence[Interval]) -> Interval:
    """Operators of two values that are monotone in each: the extremes lie at the corners."""
    return _hull(*(OPERATORS[layer.operator](layer, [a, b]) for a in taken[0] for b in taken[1]))


def _quotient(layer: Layer, taken: Sequence[Interval]) -> Interval:
    low, high = taken[1]
    if np.any((low <= 0) & (high >= 0)):
        raise NetworkError(
            "divides by a value that can be zero, so its result has no bound",
            where=f"layer {layer.name} (Div)",
            got=f"a divisor from {np.min(low):g} to {np.max(high):g}",
            remedy="give a range of inputs that keeps the divisor away from zero",
        )
    return _corners(layer, taken)


def _average(layer: Layer, taken: Sequence[Interval]) -> Interval:
    counts_zeros = _pads(layer) and layer.attributes["count_include_pad"]
    return _with_zero(taken[0]) if counts_zeros else _same(layer, taken)


def _probability(layer: Layer, taken: Sequence[Interval]) -> Interval:
    return Interval(np.zeros(()), np.ones(()))


def _constant(layer: Layer, taken: Sequence[Interval]) -> Interval:
    return Interval(layer.attributes["value"], layer.attributes["value"])


_RULES: dict[str, Callable[[Layer, Sequence[Interval]], Interval]] = {
    "Add": _corners,
    "AveragePool": _average,
    "Clip": _monotone,
    "Concat": _same,
    "Constant": _constant,
    "Div": _quotient,
    "Flatten": _same,
    "Gather": _same,
    "GlobalAveragePool": _same,
    "ReduceMean": _same,
    "HardSigmoid": _monotone,
    "HardSwish": _bent(-1.5),
    "LeakyRelu": _bent(0.0),
    "MaxPool": _same,
    "Mul": _corners,
    "Relu": _monotone,
    "Reshape": _same,
    "Sigmoid": _monotone,
    "Softmax": _probability,
    "Squeeze": _same,
    "Sub": _corners,
    "Tanh": _monotone,
    "Transpose": _same,
    "Unsqueeze": _same,
}
