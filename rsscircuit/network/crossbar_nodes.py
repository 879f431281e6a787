"""Nodes with weights: what they become on crossbars."""

from __future__ import annotations

import math

import numpy as np

from rsscircuit.network.graph import CONSTANT, CONV, DENSE, Array, Layer
from rsscircuit.network.nodes import FlawError
from rsscircuit.network.step import Step, window_settings


def conv(step: Step) -> Layer:
    """A 1-D or 2-D convolution with constant weights."""
    weight = step.constant(1, "weight")
    kernel = weight.shape[2:]
    if len(kernel) not in (1, 2):
        raise FlawError(f"only 1-D and 2-D convolutions are supported; its weight is {list(weight.shape)}")
    if step.integers("kernel_shape", kernel) != kernel:
        declared = list(step.integers("kernel_shape", kernel))
        raise FlawError(f"its kernel_shape {declared} is not that of its weight {list(weight.shape)}")
    group = step.integer("group", 1)
    if group < 1 or weight.shape[0] % group:
        raise FlawError(f"its {weight.shape[0]} outputs cannot be split into {group} groups")
    bias = step.constant(2, "bias") if step.has(2) else None
    if bias is not None and bias.shape != weight.shape[:1]:
        raise FlawError(f"its bias {list(bias.shape)} does not fit its {weight.shape[0]} outputs")
    window = window_settings(step, len(kernel))
    return step.emit(CONV, step.data(), weight=weight, bias=bias, group=group, **window)


def gemm(step: Step) -> Layer:
    """``alpha * A @ B + beta * C`` with a constant B; a C that is no bias is added digitally."""
    matrix = step.constant(1, "weight")
    if matrix.ndim != 2:
        raise FlawError(f"its weight has {matrix.ndim} axes, not 2")
    oriented = matrix if step.integer("transB", 0) else matrix.T
    weight = step.number("alpha", 1.0) * oriented
    data = step.data()
    if step.integer("transA", 0):
        data = step.emit("Transpose", data, suffix="transpose", perm=(1, 0))
    beta = step.number("beta", 1.0)
    if not step.has(2) or beta == 0:
        return step.emit(DENSE, data, weight=weight)
    added = step.data(2)
    bias = _bias(added, len(weight))
    if bias is not None:
        return step.emit(DENSE, data, weight=weight, bias=beta * bias)
    if beta != 1:
        added = step.emit("Mul", added, step.emit_constant(np.array(beta), "beta"), suffix="scaled")
    return step.emit("Add", step.emit(DENSE, data, weight=weight), added, suffix="added")


def _bias(layer: Layer, outputs: int) -> Array | None:
    """A constant that holds one value an output, or one for all, as [outputs]; else None."""
    if layer.operator != CONSTANT:
        return None
    value: Array = layer.attributes["value"]
    if value.ndim > 2 or value.size != math.prod(value.shape[-1:]) or value.size not in (1, outputs):
        return None
    return np.broadcast_to(value.ravel(), (outputs,))


def matmul(step: Step) -> Layer:
    """``A @ B`` with a constant matrix or vector B and data of any rank."""
    matrix = step.constant(1, "weight (the right-hand matrix)")
    if matrix.ndim not in (1, 2):
        raise FlawError(f"its weight {list(matrix.shape)} is not one matrix")
    if matrix.ndim == 2:
        return step.emit(DENSE, step.data(), weight=np.ascontiguousarray(matrix.T))
    column = step.emit(DENSE, step.data(), weight=matrix[None, :])
    return step.emit("Squeeze", column, suffix="squeezed", axes=(-1,))


def batch_normalization(step: Step) -> Layer:
    """Normalisation by constant statistics: a factor and a shift for each channel."""
    if _trains(step):
        raise FlawError("it is in training mode; export the network for inference")
    names = ("scale", "bias", "mean", "variance")
    scale, bias, mean, variance = (step.constant(1 + index, name) for index, name in enumerate(names))
    shapes = {array.shape for array in (scale, bias, mean, variance)}
    if len(shapes) > 1:
        raise FlawError(f"its statistics differ in shape: {sorted(map(list, shapes))}")
    widened = variance + step.number("epsilon", 1e-5)
    if np.any(widened <= 0):
        raise FlawError(f"its variance goes down to {variance.min():g}")
    data = step.data()
    shape = _channel_shape(step, data) if step.integer("spatial", 1) else scale.shape
    factor = scale / np.sqrt(widened)
    scaled = step.emit("Mul", data, step.emit_constant(factor.reshape(shape), "factor"), suffix="scale")
    shift = bias - mean * factor
    return step.emit("Add", scaled, step.emit_constant(shift.reshape(shape), "shift"))


def _channel_shape(step: Step, data: Layer) -> tuple[int, ...]:
    """The shape in which one number a channel (axis 1) broadcasts over ``data``."""
    return (-1, *[1] * (step.builder.rank(data) - 2))


def _trains(step: Step) -> bool:
    if step.opset < 7:
        return not step.integer("is_test", 0)
    if step.opset < 14:
        return sum(bool(output) for output in step.node.outputs) > 1
    return bool(step.integer("training_mode", 0))
