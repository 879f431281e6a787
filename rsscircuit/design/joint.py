"""Choice over whole columns: errors cancel in what the column's inputs have in common.

A column adds up input times error over its rows, so what counts of its errors e is the power e^T M e, M being the
second moments E[x x^T] of the inputs: the square of the mean part, (sum_r e_r E[x_r])^2, and the variance e^T C e. Rows
are gone through from first to last, all columns side by side. Given the other rows, the best error of row r is
-sum_{s != r} M_rs e_s / M_rr; the cell is solved again for its target moved by that, by the same rules, and what is
found is kept where it lowers the power (coordinate descent, as :mod:`rsscircuit.subsetsum.column`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.design.cells import TileCells
from rsscircuit.subsetsum import Status

Array = NDArray[np.float64]
SWEEPS = 10
FARTHEST = 3.0  # rms errors: how far a cell is let go from its own target where the tolerance is out of reach
_WORTH = 1.0 - 2.0**-40  # a smaller gain may be rounding


def settle_columns(tile: TileCells, moments: Array, beyond_reach: NDArray[np.bool_]) -> Array:
    """Choose the drawn cells of a tile again, column by column; every cell has a choice already.

    No cell goes further from its target than the tolerance, or, where the rms error of the tile's cells within reach is
    more than that, than ``FARTHEST`` times that rms; one that is further already stays or comes nearer.

    Args:
        tile: The tile.
        moments: [rows, rows], symmetric, positive semidefinite.
        beyond_reach: bool [rows, cols].

    Returns:
        float64 [2, cols]: the power of every column's errors, before and after; it never grows.
    """
    tolerance, error = tile.rules.tolerance_siemens, tile.residual
    before = column_power(error, moments)
    near = tile.drawn & ~beyond_reach
    rms = float(np.sqrt(np.mean(error[near] ** 2))) if near.any() else 0.0
    limit = tolerance if rms <= tolerance else FARTHEST * rms
    rows = [(place, columns) for place, columns in tile.rows() if moments[place[0], place[0]] > 0]
    moving = np.ones(error.shape[1], np.bool_)
    for _ in range(SWEEPS):
        changed = np.zeros(error.shape[1], np.bool_)
        for place, drawn_columns in rows:
            still = moving[drawn_columns]
            cells = place[still], drawn_columns[still]
            if not cells[1].size:
                continue
            row, old = int(place[0]), error[cells]
            best = old - (moments[row][:, None] * error[:, cells[1]]).sum(axis=0) / moments[row, row]
            found = tile.solve(cells, tile.targets[cells] + np.clip(best, -limit, limit), tolerance / 2.0)
            better = np.abs(found.residual - best) < _WORTH * np.abs(old - best)
            better &= (found.worst <= np.maximum(limit, tile.worst[cells])) & (found.status != Status.INFEASIBLE)
            tile.keep(cells, found, better)
            changed[cells[1][better]] = True
        moving = changed
        if not moving.any():
            break
    return np.stack([before, column_power(error, moments)])


def column_power(error: Array, moments: Array) -> Array:
    """e^T M e of every column of errors [rows, cols]."""
    result: Array = np.einsum("rc,rs,sc->c", error, moments, error, optimize=["einsum_path", (0, 1), (0, 1)])
    return np.maximum(result, 0.0)
