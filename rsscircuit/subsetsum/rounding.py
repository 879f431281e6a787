"""Sums of float64: how far rounding can carry them, and how they are recomputed without it. One rule for every path."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rsscircuit.subsetsum.compiled import kernel

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MAX_TIES = 64  #: pairs of half sums within rounding of the least that are compared again
FAR = 2.0**500  # values beyond it, or all below its inverse, are scaled before they are halved and added
SCALE = 2.0**600


@kernel
def rounding_of(count: int, magnitude: float) -> float:
    """Twice the largest error of the difference of two half sums and a goal.

    A half sum of ``count`` items takes fewer than ``count`` roundings of at most 2**-53 of ``magnitude``,
    the items' total plus the target's size; so does the goal; two more for the difference.
    """
    return (count + 2) * 2.0**-51 * magnitude


@kernel
def scale_of(largest: float) -> float:
    """What to multiply values by, ``largest`` their largest magnitude, so that sums neither overflow nor underflow."""
    if 0.0 < largest < 1.0 / FAR:
        return SCALE
    return 1.0 / SCALE if largest > FAR else 1.0


@kernel
def compensated_add(total: float, lost: float, term: float) -> tuple[float, float]:
    """The next total, and what all additions up to it have rounded away (Knuth's two-sum)."""
    new = total + term
    taken = new - total
    return new, lost + ((total - (new - taken)) + (term - taken))


@kernel
def compensated(items: FloatArray, chosen: BoolArray, target: float) -> float:
    """Sum of the chosen items minus the target, what every addition loses added in the end (Neumaier 1974)."""
    total, lost = -target, 0.0
    for k in range(items.size):
        total, lost = compensated_add(total, lost, items[k] if chosen[k] else 0.0)
    return float(total + lost)


@kernel
def compensated_sums(items: FloatArray, chosen: BoolArray, targets: FloatArray, residuals: FloatArray) -> None:
    """:func:`compensated` of items [cells, n, sums] and targets [cells, sums] into residuals [cells, sums]."""
    for cell in range(items.shape[0]):
        for k in range(items.shape[2]):
            residuals[cell, k] = compensated(items[cell, :, k], chosen[cell], targets[cell, k])
