"""Nodes without weights: each becomes a digital layer with its settings in their newest meaning."""

from __future__ import annotations

import math

import numpy as np

from rsscircuit.network.building import BATCH_SIZE, SHAPE
from rsscircuit.network.graph import CONSTANT, Array, Layer
from rsscircuit.network.nodes import FlawError
from rsscircuit.network.step import Step, window_settings

# numbers of onnx.TensorProto.DataType, and the words that opsets before 6 used
_FLOATS = frozenset({1, 10, 11, 16, "FLOAT", "FLOAT16", "DOUBLE"})
_WHOLE_NUMBERS = frozenset({2, 3, 4, 5, 6, 7, 12, 13, "INT32", "INT64"})


def plain(step: Step) -> Layer:
    """An operator of one value without settings."""
    return step.emit(step.node.operator, step.data())


def arithmetic(step: Step) -> Layer:
    """Add, Sub, Mul or Div of two values."""
    first, second = step.data(0), step.data(1)
    if step.opset < 7 and "axis" in step.node.attributes:
        second = _aligned(step, first, second)
    return step.emit(step.node.operator, first, second)


def _aligned(step: Step, first: Layer, second: Layer) -> Layer:
    """The second operand with axes of size 1 behind it, so that it begins at ``axis`` of the first."""
    rank, own = step.builder.rank(first), step.builder.rank(second)
    axis = step.integer("axis", 0)
    start = axis + rank if axis < 0 else axis
    if start + own > rank:
        raise FlawError(f"an operand of {own} axes does not fit at axis {axis} of one with {rank}")
    behind = tuple(range(own, rank - start))
    return step.emit("Unsqueeze", second, suffix="aligned", axes=behind) if behind else second


def leaky_relu(step: Step) -> Layer:
    """LeakyRelu."""
    return step.emit("LeakyRelu", step.data(), alpha=step.number("alpha", 0.01))


def hard_sigmoid(step: Step) -> Layer:
    """HardSigmoid."""
    alpha, beta = step.number("alpha", 0.2), step.number("beta", 0.5)
    return step.emit("HardSigmoid", step.data(), alpha=alpha, beta=beta)


def clip(step: Step) -> Layer:
    """Clip with constant limits."""
    low, high = step.limit("min", 1, -math.inf), step.limit("max", 2, math.inf)
    return step.emit("Clip", step.data(), min=low, max=high)


def softmax(step: Step) -> Layer:
    """Softmax; before opset 13 it runs over all axes from ``axis`` on (attribute ``flatten``)."""
    data, flatten = step.data(), step.opset < 13
    axis = step.integer("axis", 1 if flatten else -1)
    shape = step.builder.shapes[data.name]
    last = axis == -1 or (shape is not None and axis == len(shape) - 1)
    return step.emit("Softmax", data, axis=axis, flatten=flatten and not last)


def max_pool(step: Step) -> Layer:
    """MaxPool, 1-D or 2-D."""
    kernel = _kernel(step)
    ceil_mode = bool(step.integer("ceil_mode", 0))
    window = window_settings(step, len(kernel))
    return step.emit("MaxPool", step.data(), kernel_shape=kernel, ceil_mode=ceil_mode, **window)


def average_pool(step: Step) -> Layer:
    """AveragePool, 1-D or 2-D."""
    kernel = _kernel(step)
    return step.emit(
        "AveragePool",
        step.data(),
        kernel_shape=kernel,
        ceil_mode=bool(step.integer("ceil_mode", 0)),
        count_include_pad=bool(step.integer("count_include_pad", 0)),
        **window_settings(step, len(kernel)),
    )


def _kernel(step: Step) -> tuple[int, ...]:
    kernel = step.integers("kernel_shape", ())
    if len(kernel) not in (1, 2) or min(kernel) < 1:
        raise FlawError(f"only 1-D and 2-D pools are supported; its kernel_shape is {list(kernel)}")
    return kernel


def flatten(step: Step) -> Layer:
    """Flatten."""
    return step.emit("Flatten", step.data(), axis=step.integer("axis", 1))


def reshape(step: Step) -> Layer:
    """Reshape to a constant shape, in which a fixed batch size becomes a copy of the input's."""
    data, sizes = step.data(), _target(step)
    allowzero = bool(step.integer("allowzero", 0)) and 0 in sizes
    shape, batch = step.builder.shapes[data.name], step.builder.batch
    keeps_batch = shape is None or shape[:1] in ((batch,), (None,))
    if data.operator not in (CONSTANT, SHAPE) and sizes[:1] == (batch,) and keeps_batch and not allowzero:
        sizes = (0, *sizes[1:])
    return step.emit("Reshape", data, shape=sizes, allowzero=allowzero)


def _target(step: Step) -> tuple[int, ...]:
    """The sizes of a Reshape, with 0 to copy the batch size."""
    if not step.has(1):
        return step.integers("shape", ())
    source = step.builder.source(step.node.inputs[1])
    if source.operator != SHAPE:
        return tuple(int(size) for size in step.constant(1, "shape").ravel())
    sizes: Array = np.array(source.attributes["value"]).ravel()
    if sizes.size and sizes[0] == BATCH_SIZE:
        sizes[0] = 0
    if not np.all(np.isfinite(sizes)):
        raise FlawError("its shape depends on a size other than the batch's, or on the batch size elsewhere")
    return tuple(int(size) for size in sizes)


def transpose(step: Step) -> Layer:
    """Transpose; without ``perm`` the axes are reversed."""
    perm = step.integers("perm", ()) or None
    return step.emit("Transpose", step.data(), perm=perm)


def squeeze(step: Step) -> Layer:
    """Squeeze; without axes every axis of size 1 but the batch goes."""
    return step.emit("Squeeze", step.data(), axes=step.axes())


def unsqueeze(step: Step) -> Layer:
    """Unsqueeze."""
    axes = step.axes()
    if axes is None:
        raise FlawError("its axes are missing")
    return step.emit("Unsqueeze", step.data(), axes=axes)


def reduce_mean(step: Step) -> Layer:
    """ReduceMean over any axes but the batch's, as exporters write global average pooling."""
    data, axes = step.data(), step.axes()
    if not axes and step.integer("noop_with_empty_axes", 0):
        return data
    if axes and min(axes) < 0:
        rank = step.builder.rank(data)
        axes = tuple(axis % rank for axis in axes)
    if not axes or 0 in axes:
        raise FlawError("it averages over the batch")
    return step.emit("ReduceMean", data, axes=axes, keepdims=bool(step.integer("keepdims", 1)))


def concat(step: Step) -> Layer:
    """Concat of any number of values."""
    values = [step.data(position) for position in range(len(step.node.inputs))]
    if "axis" not in step.node.attributes and step.opset >= 4:
        raise FlawError("its axis is missing")
    return step.emit("Concat", *values, axis=step.integer("axis", 1))


def gather(step: Step) -> Layer:
    """Gather with constant indices."""
    indices = step.constant(1, "indices").astype(np.int64)
    return step.emit("Gather", step.data(), indices=indices, axis=step.integer("axis", 0))


def shape(step: Step) -> Layer:
    """The shape of a value, to be passed on to a Reshape."""
    attributes = step.node.attributes
    part = slice(attributes.get("start"), attributes.get("end"))
    return step.builder.sizes(step.node.name, step.data(), part)


def identity(step: Step) -> Layer:
    """Identity: the value itself."""
    return step.data()


def dropout(step: Step) -> Layer:
    """Dropout at inference: the value itself."""
    if step.opset < 7:
        trains = not step.integer("is_test", 0)
    else:
        trains = step.has(2) and bool(step.constant(2, "training_mode").any())
    if trains and step.limit("ratio", 1, 0.5) > 0:
        raise FlawError("it is in training mode; export the network for inference")
    return step.data()


def constant(step: Step) -> Layer:
    """A constant written as a node."""
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in step.node.attributes:
            return step.emit_constant(np.asarray(step.node.attributes[name]), "value")
    raise FlawError(f"its {', '.join(step.node.attributes) or 'value'} cannot be read as numbers")


def cast(step: Step) -> Layer:
    """Cast: floats stay what they are; only constants can become whole numbers."""
    data, target = step.data(), step.node.attributes.get("to")
    if target in _FLOATS or (target in _WHOLE_NUMBERS and data.operator == SHAPE):
        return data
    if target in _WHOLE_NUMBERS and data.operator == CONSTANT:
        return step.emit_constant(np.trunc(data.attributes["value"]), "value")
    raise FlawError(f"casts {'a constant' if data.operator == CONSTANT else 'a value'} to type {target}")
