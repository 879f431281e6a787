"""Convolutions and dense layers as one matrix product: what a crossbar computes.

A row of the matrix is a logical input, a column an output, a case one vector of activations. The
reference and every inference on crossbars unfold and fold with the functions here, so row ``i``
means the same everywhere.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from rsscircuit.network.graph import CONV, Array, Layer
from rsscircuit.network.windows import Span, padded, spans, taps


def kernel_of(layer: Layer) -> tuple[int, ...]:
    """The window of a Conv layer; empty for a Dense layer."""
    return weights_of(layer).shape[2:]


def weights_of(layer: Layer) -> Array:
    """The weight of a crossbar layer.

    Raises:
        ValueError: The layer has none.
    """
    if layer.weight is None:
        raise ValueError(f"layer {layer.name} ({layer.operator}) has no weight")
    return layer.weight


def groups_of(layer: Layer) -> int:
    """Into how many groups a crossbar layer's channels are split; 1 for Dense."""
    return int(layer.attributes.get("group", 1))


def weight_matrix(layer: Layer) -> Array:
    """The layer as one matrix.

    Returns:
        [rows, columns]: rows are the inputs, ordered (channel, *kernel) over all groups; columns are
        the outputs. A grouped convolution is block diagonal.
    """
    blocks = _blocks(layer)
    groups, rows, columns = blocks.shape
    matrix = np.zeros((groups, rows, groups, columns))
    index = np.arange(groups)
    matrix[index, :, index, :] = blocks
    return matrix.reshape(groups * rows, groups * columns)


def exact_product(layer: Layer, activations: Array) -> Array:
    """What an ideal crossbar returns.

    Args:
        layer: A Conv or Dense layer.
        activations: [cases, rows], as ``unfold`` returns them.

    Returns:
        [cases, columns], bias included, computed group by group in float64.
    """
    blocks = _blocks(layer)
    groups, rows, columns = blocks.shape
    by_group = activations.T.reshape(groups, rows, -1)
    product: Array = np.matmul(blocks.transpose(0, 2, 1), by_group).reshape(groups * columns, -1)
    if layer.bias is not None:
        product += layer.bias[:, None]
    return product.T


def unfold(layer: Layer, x: Array) -> Array:
    """A crossbar layer's input as vectors.

    Args:
        layer: A Conv or Dense layer.
        x: [N, channels, *spatial] for Conv, [..., in] for Dense.

    Returns:
        [cases, rows] with the rows of ``weight_matrix``; the cases are (N, *positions) for Conv and
        the leading axes of ``x`` for Dense.

    Raises:
        ValueError: ``x`` does not fit the layer.
    """
    check_input(layer, x.shape)
    if layer.operator != CONV:
        return x.reshape(-1, x.shape[-1])
    kernel, along = kernel_of(layer), _spans(layer, x.shape)
    by_channel = padded(x, along).swapaxes(0, 1)
    counts = [span.windows for span in along]
    unfolded = np.empty((x.shape[1], *kernel, x.shape[0], *counts))
    for position, tap in taps(by_channel, along, kernel, layer.attributes):
        index: tuple[Any, ...] = (slice(None), *position)
        unfolded[index] = tap
    rows = x.shape[1] * math.prod(kernel)
    return unfolded.reshape(rows, x.shape[0] * math.prod(counts)).T


def fold(layer: Layer, y: Array, x_shape: tuple[int, ...]) -> Array:
    """Put a crossbar's outputs back into the shape of the layer's output.

    Args:
        layer: A Conv or Dense layer.
        y: [cases, columns].
        x_shape: The shape of the input that was unfolded.

    Returns:
        [N, out, *positions] for Conv, [..., out] for Dense.
    """
    shape = output_shape(layer, x_shape)
    if layer.operator != CONV:
        return y.reshape(shape)
    return y.T.reshape(shape[1], shape[0], *shape[2:]).swapaxes(0, 1)


def output_shape(layer: Layer, x_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of a crossbar layer's output for an input of ``x_shape``.

    Raises:
        ValueError: The input does not fit the layer.
    """
    check_input(layer, x_shape)
    outputs = weights_of(layer).shape[0]
    if layer.operator != CONV:
        return (*x_shape[:-1], outputs)
    return (x_shape[0], outputs, *(span.windows for span in _spans(layer, x_shape)))


def check_input(layer: Layer, x_shape: tuple[int, ...]) -> None:
    """Check that an input of ``x_shape`` fits a crossbar layer's weight.

    Raises:
        ValueError: It has another number of axes or of channels.
    """
    weight = weights_of(layer)
    needed = weight.shape[1] * groups_of(layer)
    if layer.operator == CONV:
        if len(x_shape) != weight.ndim:
            raise ValueError(f"the weight {list(weight.shape)} needs an input of {weight.ndim} axes")
        found = x_shape[1]
    elif not x_shape:
        raise ValueError("the input is a single number")
    else:
        found = x_shape[-1]
    if found != needed:
        raise ValueError(f"the weight {list(weight.shape)} needs {needed} input channels, not {found}")


def _spans(layer: Layer, x_shape: tuple[int, ...]) -> tuple[Span, ...]:
    return spans(layer.attributes, kernel_of(layer), x_shape[2:])


def _blocks(layer: Layer) -> Array:
    """The weights as [groups, rows of a group, columns of a group]."""
    weight, groups = weights_of(layer), groups_of(layer)
    return weight.reshape(groups, weight.shape[0] // groups, -1).transpose(0, 2, 1)
