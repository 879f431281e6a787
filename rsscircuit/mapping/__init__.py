"""Weights to signed conductance targets: the layer matrix, its tiles, the scale of each column."""

from rsscircuit.mapping.matrix import LayerMatrix, column_scale, layer_matrix
from rsscircuit.mapping.tiles import Tile, cut

__all__ = ["LayerMatrix", "Tile", "column_scale", "cut", "layer_matrix"]
