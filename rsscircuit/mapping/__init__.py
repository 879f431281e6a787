"""Weights to signed conductance targets: the layer matrix, its tiles, the scale of each column."""

from rsscircuit.mapping.converter import ColumnDemand
from rsscircuit.mapping.matrix import MAX_BIAS_ROWS, LayerMatrix, column_scale, layer_matrix
from rsscircuit.mapping.moments import InputMoments, moments_of
from rsscircuit.mapping.tiles import Tile, cut

__all__ = [
    "MAX_BIAS_ROWS",
    "ColumnDemand",
    "InputMoments",
    "LayerMatrix",
    "Tile",
    "column_scale",
    "cut",
    "layer_matrix",
    "moments_of",
]
