"""What each digital operator computes, in float64; one function an operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np

from rsscircuit.network.graph import Array, Layer
from rsscircuit.network.windows import padded, spans, taps

Operator = Callable[[Layer, Sequence[Array]], Array]


def _binary(function: Callable[[Array, Array], Array]) -> Operator:
    return lambda layer, values: function(values[0], values[1])


def _unary(function: Callable[[Array], Array]) -> Operator:
    return lambda layer, values: function(values[0])


def _relu(x: Array) -> Array:
    result: Array = np.maximum(x, 0.0)
    return result


def _leaky_relu(layer: Layer, values: Sequence[Array]) -> Array:
    return np.where(values[0] >= 0, values[0], layer.attributes["alpha"] * values[0])


def _clip(layer: Layer, values: Sequence[Array]) -> Array:
    raised = np.maximum(values[0], layer.attributes["min"])
    result: Array = np.minimum(raised, layer.attributes["max"])  # the upper limit wins, as in ONNX
    return result


def _sigmoid(x: Array) -> Array:
    result: Array = np.exp(-np.logaddexp(0.0, -x))
    return result


def _hard_sigmoid(layer: Layer, values: Sequence[Array]) -> Array:
    line = layer.attributes["alpha"] * values[0] + layer.attributes["beta"]
    result: Array = np.clip(line, 0.0, 1.0)
    return result


def _hard_swish(x: Array) -> Array:
    return x * np.clip(x / 6 + 0.5, 0.0, 1.0)


def _softmax(layer: Layer, values: Sequence[Array]) -> Array:
    x, axis = values[0], layer.attributes["axis"]
    over = tuple(range(axis % x.ndim, x.ndim)) if layer.attributes["flatten"] else (axis,)
    powers = np.exp(x - x.max(axis=over, keepdims=True))
    result: Array = powers / powers.sum(axis=over, keepdims=True)
    return result


def _max_pool(layer: Layer, values: Sequence[Array]) -> Array:
    x, kernel = values[0], layer.attributes["kernel_shape"]
    along = spans(layer.attributes, kernel, x.shape[2:])
    seen = taps(padded(x, along, -np.inf), along, kernel, layer.attributes)
    return reduce(np.maximum, (tap for _, tap in seen))


def _average_pool(layer: Layer, values: Sequence[Array]) -> Array:
    """The mean of what each window covers; pads count where ``count_include_pad`` says so."""
    x, kernel = values[0], layer.attributes["kernel_shape"]
    along = spans(layer.attributes, kernel, x.shape[2:])
    declared = [span._replace(beyond=0) for span in along]
    beyond = [span._replace(before=0, after=0) for span in along]
    counted = padded(np.ones(x.shape[2:]), declared, float(layer.attributes["count_include_pad"]))
    counts = sum(tap for _, tap in taps(padded(counted, beyond), along, kernel, layer.attributes))
    total = reduce(np.add, (tap for _, tap in taps(padded(x, along), along, kernel, layer.attributes)))
    result: Array = total / np.maximum(counts, 1.0)
    return result


def _global_average_pool(x: Array) -> Array:
    result: Array = x.mean(axis=tuple(range(2, x.ndim)), keepdims=True)
    return result


def _flatten(layer: Layer, values: Sequence[Array]) -> Array:
    x, axis = values[0], layer.attributes["axis"]
    axis = axis + x.ndim if axis < 0 else axis
    return x.reshape(int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:])))


def _reshape(layer: Layer, values: Sequence[Array]) -> Array:
    x, shape = values[0], layer.attributes["shape"]
    if layer.attributes["allowzero"]:
        return x.reshape(shape)
    if any(size == 0 and axis >= x.ndim for axis, size in enumerate(shape)):
        raise ValueError(f"the shape {list(shape)} copies an axis that the input does not have")
    sizes = [x.shape[axis] if size == 0 else size for axis, size in enumerate(shape)]
    return x.reshape(sizes)


def _transpose(layer: Layer, values: Sequence[Array]) -> Array:
    return values[0].transpose(layer.attributes["perm"])


def _squeeze(layer: Layer, values: Sequence[Array]) -> Array:
    """Drop the given axes or, where none is given, every axis of size 1 but the batch."""
    x, axes = values[0], layer.attributes["axes"]
    if axes is None:
        axes = tuple(axis for axis in range(1, x.ndim) if x.shape[axis] == 1)
    return np.squeeze(x, axes)


def _unsqueeze(layer: Layer, values: Sequence[Array]) -> Array:
    return np.expand_dims(values[0], layer.attributes["axes"])


def _concat(layer: Layer, values: Sequence[Array]) -> Array:
    return np.concatenate(values, axis=layer.attributes["axis"])


def _gather(layer: Layer, values: Sequence[Array]) -> Array:
    result: Array = np.take(values[0], layer.attributes["indices"], axis=layer.attributes["axis"])
    return result


def _reduce_mean(layer: Layer, values: Sequence[Array]) -> Array:
    result: Array = values[0].mean(axis=layer.attributes["axes"], keepdims=layer.attributes["keepdims"])
    return result


def _constant(layer: Layer, values: Sequence[Array]) -> Array:
    value: Array = layer.attributes["value"]
    return value


# from a layer and its input values to its output value
OPERATORS: dict[str, Operator] = {
    "Add": _binary(np.add),
    "AveragePool": _average_pool,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "Div": _binary(np.divide),
    "Flatten": _flatten,
    "Gather": _gather,
    "GlobalAveragePool": _unary(_global_average_pool),
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _unary(_hard_swish),
    "LeakyRelu": _leaky_relu,
    "MaxPool": _max_pool,
    "Mul": _binary(np.multiply),
    "ReduceMean": _reduce_mean,
    "Relu": _unary(_relu),
    "Reshape": _reshape,
    "Sigmoid": _unary(_sigmoid),
    "Softmax": _softmax,
    "Squeeze": _squeeze,
    "Sub": _binary(np.subtract),
    "Tanh": _unary(np.tanh),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
