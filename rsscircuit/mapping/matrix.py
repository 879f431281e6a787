"""A layer as the matrix its crossbars hold: bias rows first, then one row an input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.network import Layer, weight_matrix

Array = NDArray[np.float64]
MAX_BIAS_ROWS = 8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerMatrix:
    """The matrix of one layer and how its rows are driven.

    Attributes:
        weights: float64 [rows, cols]; the first ``bias_rows`` rows hold the bias. The layer's output is
            ``weights.T @ [bias_value, ..., x]``.
        bias_rows: Rows that the bias takes, 0 without one.
        bias_value: The constant on every bias row, in the unit of the activations.
        input_full_scale: The activation that the full read voltage stands for.
    """

    weights: Array
    bias_rows: int
    bias_value: float
    input_full_scale: float

    @property
    def bias_bound_columns(self) -> int:
        """Columns with weights whose scale is set by their bias."""
        bias, weights = self.weights[: self.bias_rows], np.abs(self.weights[self.bias_rows :]).max(axis=0, initial=0.0)
        return int(((np.abs(bias).max(axis=0, initial=0.0) > weights * (1 + 1e-12)) & (weights > 0)).sum())

    def drive(self, activations: Array) -> Array:
        """Row drives as fractions of the read voltage, [cases, rows], from activations [cases, inputs].

        An activation beyond the full scale drives its row beyond the read voltage; whether a converter
        cuts it off is the converter's matter.
        """
        cases = len(activations)
        result = np.empty((cases, len(self.weights)))
        result[:, : self.bias_rows] = self.bias_value / self.input_full_scale
        np.divide(activations, self.input_full_scale, out=result[:, self.bias_rows :])
        return result


def layer_matrix(layer: Layer, input_full_scale: float) -> LayerMatrix:
    """Lower a layer to its crossbar matrix.

    The bias is an input of constant 1. Where the biases of most columns are larger than their weights the
    constant is raised to bring the two together, but not beyond the full scale (to which it is also lowered);
    what is still beyond the largest weight of its column is split evenly over several rows, at most eight.
    Beyond eight times it the bias itself sets the scale of that column (``bias_bound_columns``).
    """
    weights = weight_matrix(layer)
    if layer.bias is None or not layer.bias.any():
        return LayerMatrix(weights=weights, bias_rows=0, bias_value=0.0, input_full_scale=input_full_scale)
    largest = np.abs(weights).max(axis=0)
    both = (largest > 0) & (layer.bias != 0)
    ratio = np.abs(layer.bias[both]) / largest[both]
    usual = float(np.median(ratio)) if ratio.size else 0.0
    value = min(max(1.0, usual), input_full_scale)
    rows = min(MAX_BIAS_ROWS, max(1, math.ceil(ratio.max(initial=0.0) / value)))
    stacked = np.concatenate([np.tile(layer.bias / (value * rows), (rows, 1)), weights])
    return LayerMatrix(weights=stacked, bias_rows=rows, bias_value=value, input_full_scale=input_full_scale)


def column_scale(weights: Array, plus_reach: Array, minus_reach: Array, headroom: float) -> Array:
    """Siemens a unit of weight, [cols]: the largest weight of a column takes so much of its banks' usual reach.

    The usual reach is the median over the measured banks of the column, so that one poor bank does not scale
    the others down; a target beyond its own bank is then counted as out of reach.

    Args:
        weights: [rows, cols].
        plus_reach: [rows, cols], measured sum of the positive bank of each cell, siemens.
        minus_reach: [rows, cols], of the negative bank.
        headroom: Share of the reach that the largest target takes; near the ends subsets grow sparse.

    Returns:
        float64 [cols]; 1.0 for a column without weights, whose targets are all zero.
    """
    scale = np.ones(weights.shape[1])
    for column in np.flatnonzero(weights.any(axis=0)):
        drawn = weights[:, column] != 0
        reach = np.concatenate([plus_reach[drawn, column], minus_reach[drawn, column]])
        scale[column] = headroom * np.median(reach) / np.abs(weights[:, column]).max()
    return scale
