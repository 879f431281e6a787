"""The nearest subset sum in plain NumPy, cell by cell: the same masks as the compiled search, where numba is missing.

Same lists, same rounding, same ties as :mod:`rsscircuit.subsetsum.nearest`, found by sorting and searching
instead of merging and sweeping.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.subsetsum.problem import BoolArray, FloatArray, residuals_of
from rsscircuit.subsetsum.rounding import MAX_TIES, rounding_of, scale_of


def _levels(values: FloatArray) -> list[FloatArray]:
    """All lists of sums of +-v/2, ascending and symmetric."""
    levels = [np.zeros(1)]
    for half in 0.5 * values:
        upper = np.sort(np.concatenate([levels[-1] + half, levels[-1] - half]))[levels[-1].size :]
        levels.append(np.concatenate([-upper[::-1], upper]))
    return levels


def _pluses(values: FloatArray, levels: list[FloatArray], index: int) -> BoolArray:
    """Which values enter entry ``index`` of the last list with a plus."""
    plus = np.zeros(values.size, np.bool_)
    value = levels[-1][index]
    for k in range(values.size - 1, -1, -1):
        half, below = 0.5 * values[k], levels[k]
        at = min(int(np.searchsorted(below + half, value)), below.size - 1)
        plus[k] = below[at] + half == value
        value = below[at] if plus[k] else below[np.searchsorted(below - half, value)]
    return plus


def _near_pairs(a: FloatArray, b: FloatArray, goal: float, slack: float) -> list[tuple[int, int]]:
    """Indices of the pairs whose distance is within ``slack`` of the least, ascending, up to MAX_TIES."""
    wanted = a - goal
    place = np.searchsorted(b, wanted)
    after, before = np.minimum(place, b.size - 1), np.maximum(place - 1, 0)
    distance = np.minimum(np.abs(wanted - b[after]), np.abs(wanted - b[before]))
    limit = distance.min() + slack
    pairs: list[tuple[int, int]] = []
    for i in np.flatnonzero(distance <= limit).tolist():
        if i > 0 and a[i] == a[i - 1]:
            continue
        low, high = before[i], after[i]
        while low > 0 and wanted[i] - b[low - 1] <= limit:
            low -= 1
        while high < b.size - 1 and b[high + 1] - wanted[i] <= limit:
            high += 1
        for j in range(low, high + 1):
            if abs(wanted[i] - b[j]) <= limit and (j == 0 or b[j] != b[j - 1]):
                pairs.append((i, j))
                if len(pairs) == MAX_TIES:
                    return pairs
    return pairs


def _nearest(items: FloatArray, target: float) -> BoolArray:
    scale = scale_of(max(abs(target), float(np.abs(items).max())))
    sizes, goal = np.abs(items * scale), target * scale
    for k in np.flatnonzero(items < 0.0):
        goal += sizes[k]
    places: NDArray[np.intp] = np.flatnonzero(sizes != 0.0)
    places = places[np.argsort(sizes[places], kind="stable")]
    values, half = sizes[places], places.size // 2
    total = float(np.cumsum(values)[-1]) if values.size else 0.0  # in order, as the compiled path adds
    slack = rounding_of(places.size, total + abs(target * scale))
    a, b = _levels(values[:half]), _levels(values[half:])
    pairs = _near_pairs(a[-1], b[-1], goal - 0.5 * total, slack)
    trials = np.tile(items < 0.0, (len(pairs), 1))
    for trial, (i, j) in zip(trials, pairs, strict=True):
        trial[places[:half]] ^= _pluses(values[:half], a, i)
        trial[places[half:]] ^= ~_pluses(values[half:], b, j)
    errors = np.abs(residuals_of(np.tile(items, (len(pairs), 1)), trials, np.full(len(pairs), target)))
    chosen: BoolArray = trials[int(np.argmin(errors))]
    return chosen


def room_for(n: int) -> int:
    """The scratch that :func:`choose` needs for ``n`` items: none."""
    return 0


def choose(items: FloatArray, target: float, *scratch_and_chosen: NDArray[Any]) -> None:
    """Mark in the last argument the subset of ``items`` whose sum is nearest to ``target``."""
    scratch_and_chosen[-1][:] = _nearest(items, target)


def search(items: FloatArray, targets: FloatArray) -> BoolArray:
    """The nearest subset of each cell, bool [cells, n]; items [cells, n] with up to 40 a cell that are not zero."""
    return np.array([_nearest(cell, float(target)) for cell, target in zip(items, targets, strict=True)])
