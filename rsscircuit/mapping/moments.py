"""The second moments of a layer's inputs over calibration data: what the errors of a column's cells have in common."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rsscircuit.mapping.matrix import LayerMatrix
from rsscircuit.mapping.tiles import Tile

Array = NDArray[np.float64]


class InputMoments:
    """Gathers E[x x^T] of row drives, batch by batch, within each row of tiles.

    Args:
        matrix: The layer.
        tiles: Its tiles.
    """

    def __init__(self, matrix: LayerMatrix, tiles: Sequence[Tile]) -> None:
        self._matrix = matrix
        self._places = list(dict.fromkeys((tile.row, tile.rows) for tile in tiles))
        self._sums = np.zeros((len(matrix.weights), max(rows for _, rows in self._places)))
        self._cases = 0

    def add(self, activations: Array) -> None:
        """Take in activations [cases, inputs]."""
        drives = self._matrix.drive(activations)
        self._cases += len(drives)
        for row, rows in self._places:
            part = drives[:, row : row + rows]
            self._sums[row : row + rows, :rows] += part.T @ part

    def result(self) -> NDArray[np.float32]:
        """[rows, rows of a tile], a row's with the rows of its tile, as fractions of full drive squared."""
        return (self._sums / max(1, self._cases)).astype(np.float32)


def moments_of(moments: NDArray[np.float32], tile: Tile) -> Array:
    """Those of one tile, float64 [rows, rows]."""
    result: Array = moments[tile.window[0], : tile.rows].astype(np.float64)
    return result
