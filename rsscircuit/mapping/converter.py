"""What calibration data ask of the converters at the columns, and the cell error that half a step allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rsscircuit.mapping.matrix import LayerMatrix
from rsscircuit.mapping.tiles import Tile

Array = NDArray[np.float64]


class ColumnDemand:
    """Gathers, batch by batch, how far the columns of a layer's tiles are driven.

    Args:
        matrix: The layer.
        tiles: Its tiles; those without weights are left out.
    """

    def __init__(self, matrix: LayerMatrix, tiles: Sequence[Tile]) -> None:
        self._matrix = matrix
        self._tiles = [tile for tile in tiles if matrix.weights[tile.window].any()]
        self._peak = [np.zeros(tile.columns) for tile in self._tiles]
        self._power = np.zeros(len(matrix.weights))
        self._cases = 0

    def add(self, activations: Array) -> None:
        """Take in activations [cases, inputs]."""
        drives = self._matrix.drive(activations)
        self._power += (drives**2).sum(axis=0)
        self._cases += len(drives)
        for tile, peak in zip(self._tiles, self._peak, strict=True):
            sums = drives[:, tile.window[0]] @ self._matrix.weights[tile.window]
            np.maximum(peak, np.abs(sums).max(axis=0, initial=0.0), out=peak)

    def half_step_siemens(self, siemens_per_weight: Array, bits: float) -> float:
        """The error of every cell that makes, in rms, half a step of the converter of its column.

        tol = I_LSB / 2 / (V_read sqrt(sum over rows of E[(x / x_full)^2])), independent errors of cells taken.
        The converter's full scale is the layer's largest column current of either sign over the calibration
        data, I_LSB = 2 I_full / 2**bits; the read voltage cancels. Of the layer's tiles the most demanding
        counts.

        Args:
            siemens_per_weight: float64 [cols], the layer's column scale.
            bits: Resolution of the converter.
        """
        if not self._tiles or not self._cases:
            return 0.0
        scales = [siemens_per_weight[tile.window[1]] for tile in self._tiles]
        full_scale = max(float((peak * scale).max()) for peak, scale in zip(self._peak, scales, strict=True))
        power = max(float(self._power[tile.window[0]].sum()) for tile in self._tiles) / self._cases
        return full_scale / 2.0**bits / power**0.5 if power > 0 else 0.0
