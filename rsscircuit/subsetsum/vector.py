"""One choice of items for several sums at once, exactly: the subset whose largest error is least.

Meet in the middle: a subset of one half and one of the other are near when every sum of the first is near what
the second leaves of its target. Of all projections that the largest error bounds, the single sum of the widest
spread tells most pairs apart (spread is convex, so it is greatest at a corner of the dual ball). The sums of
each half are sorted by it and cut into blocks of neighbours, each block with its bounds in every sum. First
every block of one half is compared with the block that faces it, which gives a good error to beat; then with
all blocks whose bounds, in all sums, allow a smaller error.

The least error of n items and d sums falls as 2**(-n / d), so that some 2**(n - n / d) of the 2**n pairs are
compared, several at a time.

For the least total or cost within a tolerance the error to beat stays at the tolerance, and pairs of blocks are left
out whose least costs add up to more than the best one so far.

Sums that are nearly proportional, such as the corners of a process, need none of that:
:mod:`rsscircuit.subsetsum.alike` searches them as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rsscircuit.subsetsum import alike
from rsscircuit.subsetsum.compiled import kernel, run_cells
from rsscircuit.subsetsum.lists import insert
from rsscircuit.subsetsum.problem import BoolArray, FloatArray, Objective, Problem, residuals_of
from rsscircuit.subsetsum.rounding import rounding_of

_BLOCK = 16


@kernel
def _sort(values, axis, keys, masks):
    """Subsets of ``values`` [items, sums] in ascending order of one sum, as bits of ``masks``; returns how many."""
    keys[0, 0], masks[0, 0] = 0.0, 0
    size = 1
    for k in range(len(values)):
        step = values[k, axis]
        new = (k + 1) % 2
        keys[1 - new, size] = np.inf
        i, j = 0, 0
        for out in range(2 * size):
            low, high = keys[1 - new, i], keys[1 - new, j] + step
            kept = low <= high
            keys[new, out] = low if kept else high
            masks[new, out] = masks[1 - new, i] if kept else masks[1 - new, j] + size
            i, j = (i + 1, j) if kept else (i, j + 1)
        size *= 2
    return size


@kernel
def _list(values, axis, keys, masks, sums, low, high):
    """Sums [columns, subsets] in ascending order of column ``axis``, and the bounds of every block [blocks, columns].

    The last column is that of the costs.
    """
    count, width = values.shape
    size = _sort(values, axis, keys, masks)
    table, order = keys[1 - count % 2], count % 2
    for j in range(width):
        table[0] = 0.0
        for k in range(count):
            for m in range(1 << k):
                table[(1 << k) + m] = table[m] + values[k, j]
        for start in range(0, size, _BLOCK):
            least, most = np.inf, -np.inf
            for m in range(start, start + _BLOCK):
                value = np.inf
                if m < size:
                    value = table[masks[order, m]]
                    least, most = min(least, value), max(most, value)
                sums[j, m] = value
            low[start // _BLOCK, j], high[start // _BLOCK, j] = least, most
    return size


@kernel
def _compare(left, first, last, right, start, low, high, target, rest, gaps, best, at_left, at_right):
    """The best pair (error, left, right) of some subsets of one half and a block, within its bounds, of the other."""
    for i in range(first, last):
        bound = 0.0
        for j in range(target.size):
            rest[j] = target[j] - left[j, i]
            bound = max(bound, low[j] - rest[j], rest[j] - high[j])
        if bound < best:
            gaps[:] = 0.0
            for j in range(target.size):
                part, wanted = right[j, start : start + _BLOCK], rest[j]
                for k in range(_BLOCK):
                    gap = abs(part[k] - wanted)
                    gaps[k] = gap if gap > gaps[k] else gaps[k]
            for k in range(_BLOCK):
                if gaps[k] < best:
                    best, at_left, at_right = gaps[k], i, start + k
    return best, at_left, at_right


@kernel
def _compare_costs(left, first, last, right, start, low, high, target, rest, gaps, limit, best, at_left, at_right):
    """As :func:`_compare` the pair of least cost (cost, left, right) with an error of at most ``limit``."""
    width = target.size
    for i in range(first, last):
        bound = 0.0
        for j in range(width):
            rest[j] = target[j] - left[j, i]
            bound = max(bound, low[j] - rest[j], rest[j] - high[j])
        if bound <= limit and left[width, i] + low[width] < best:
            gaps[:] = 0.0
            for j in range(width):
                part, wanted = right[j, start : start + _BLOCK], rest[j]
                for k in range(_BLOCK):
                    gap = abs(part[k] - wanted)
                    gaps[k] = gap if gap > gaps[k] else gaps[k]
            for k in range(_BLOCK):
                if gaps[k] <= limit and left[width, i] + right[width, start + k] < best:
                    best, at_left, at_right = left[width, i] + right[width, start + k], i, start + k
    return best, at_left, at_right


@kernel
def _search_some(items, targets, costs, enough, limits, least, first, stride, chosen, found):
    """Search the cells first, first + stride, ... with scratch memory of its own."""
    cells, n, width = items.shape
    room = max(1 << (n - n // 2), _BLOCK)
    values, order, places = np.empty((n, width + 1)), np.empty(n), np.empty(n, np.int64)
    keys, masks_a, masks_b = np.empty((2, room + 1)), np.empty((2, room), np.int64), np.empty((2, room), np.int64)
    sums_a, sums_b = np.empty((width + 1, room)), np.empty((width + 1, room))
    low_a, high_a = np.empty((room // _BLOCK, width + 1)), np.empty((room // _BLOCK, width + 1))
    low_b, high_b = np.empty((room // _BLOCK, width + 1)), np.empty((room // _BLOCK, width + 1))
    rest, gaps, spread = np.empty(width), np.empty(_BLOCK), np.empty(width)
    for cell in range(first, cells, stride):
        target = targets[cell]
        for j in range(width):
            spread[j] = np.abs(items[cell, :, j]).sum()
        axis = np.argmax(spread)
        count = 0
        for k in range(n):
            if np.abs(items[cell, k]).max() > 0.0:
                insert(order, places, count, items[cell, k, axis], k)
                count += 1
        for k in range(count):
            values[k, :width], values[k, width] = items[cell, places[k]], costs[cell, places[k]]
        half = count // 2
        size_a = _list(values[:half], axis, keys, masks_a, sums_a, low_a, high_a)
        size_b = _list(values[half:count], axis, keys, masks_b, sums_b, low_b, high_b)
        blocks_a, blocks_b = (size_a + _BLOCK - 1) // _BLOCK, (size_b + _BLOCK - 1) // _BLOCK
        best, at_a, at_b = np.inf, 0, 0
        reach = limits[cell] if least else np.inf
        for everywhere in (False, True):
            facing = blocks_b - 1
            for block in range(blocks_a):
                upper, lower = target[axis] - low_a[block, axis], target[axis] - high_a[block, axis]
                while facing > 0 and low_b[facing, axis] > 0.5 * (lower + upper):
                    facing -= 1
                begin, end = facing, facing + 1
                beat = reach if least else best
                while everywhere and begin > 0 and high_b[begin - 1, axis] >= lower - beat:
                    begin -= 1
                while everywhere and end < blocks_b and low_b[end, axis] <= upper + beat:
                    end += 1
                for other in range(begin, end):
                    bound = 0.0
                    for j in range(width):
                        below = target[j] - high_a[block, j] - high_b[other, j]
                        bound = max(bound, below, low_a[block, j] + low_b[other, j] - target[j])
                    if least:
                        if bound <= reach and low_a[block, width] + low_b[other, width] < best:
                            best, at_a, at_b = _compare_costs(
                                sums_a, block * _BLOCK, min((block + 1) * _BLOCK, size_a), sums_b, other * _BLOCK,
                                low_b[other], high_b[other], target, rest, gaps, reach, best, at_a, at_b,
                            )  # fmt: skip
                    elif bound < best and best > enough[cell]:
                        best, at_a, at_b = _compare(
                            sums_a, block * _BLOCK, min((block + 1) * _BLOCK, size_a), sums_b, other * _BLOCK,
                            low_b[other], high_b[other], target, rest, gaps, best, at_a, at_b,
                        )  # fmt: skip
        found[cell] = best < np.inf
        if not found[cell]:
            continue
        for k in range(half):
            chosen[cell, places[k]] = (masks_a[half % 2, at_a] >> k) & 1
        for k in range(count - half):
            chosen[cell, places[half + k]] = (masks_b[(count - half) % 2, at_b] >> k) & 1


def _run(search_some: Callable[..., None], given: tuple[Any, ...], chosen: BoolArray, found: BoolArray) -> None:
    """Search all cells with one of the searches, into ``chosen`` and ``found``."""
    cells, n = chosen.shape
    run_cells(
        lambda first, stride: search_some(*given, first, stride, chosen, found),
        cells=cells,
        steps_per_cell=16 << (n // 2),
    )


def search(problem: Problem) -> tuple[BoolArray, BoolArray, BoolArray]:
    """The subset of each cell whose largest error is least; ANY, or the least total or cost, within the tolerance.

    Up to 32 items that are not zero. Scratch memory is 32 bytes a half sum and 16 for each of its sums, 2.6 MB a thread
    for eight sums of 28 items.

    Returns:
        Chosen, bool [cells, n]; found, bool [cells]: False where the least total or cost has nothing within its
        tolerance; and blurred, bool [cells]: where sums came so near to the tolerance that rounding may hide a better
        subset.
    """
    cells, n = problem.items.shape[:2]
    items = problem.items.reshape(cells, n, problem.sums)
    targets = problem.targets.reshape(cells, problem.sums)
    slack = rounding_of(n, (np.abs(items).sum(axis=1) + np.abs(targets)).max(axis=1))
    least = problem.objective in (Objective.LEAST_TOTAL, Objective.LEAST_COST)
    # sums are rounded: what is within this narrower tolerance is within the true one when it is recomputed
    enough = np.maximum(problem.tolerance - slack, 0.0) if problem.objective is Objective.ANY else np.zeros(cells)
    chosen, found = np.zeros((cells, n), np.bool_), np.zeros(cells, np.bool_)
    costs, near = problem.prices, alike.takes(items)

    def run(part: NDArray[np.intp], limits: FloatArray) -> None:
        for search_some, which in ((alike.search_some, near[part]), (_search_some, ~near[part])):
            mine = part[which]
            if mine.size:
                picked, met = np.zeros((mine.size, n), np.bool_), np.zeros(mine.size, np.bool_)
                given = items[mine], targets[mine], costs[mine], enough[mine], limits[which], least
                _run(search_some, given, picked, met)
                chosen[mine], found[mine] = picked, met

    # for the least cost at first a little more is allowed; where that lets in what is beyond, a little less
    rest, blurred = np.arange(cells), np.zeros(cells, np.bool_)
    for extra in (slack, np.zeros(cells), -slack):
        run(rest, (problem.tolerance + extra)[rest])
        errors = np.abs(residuals_of(items[rest], chosen[rest], targets[rest])).max(axis=1)
        rest = rest[found[rest] & (errors > problem.tolerance[rest])]
        if not least or not rest.size:
            break
        blurred[rest] = True
    return chosen, found, blurred
