"""One choice of items for several sums at once, exactly: the subset whose largest error is least.

Meet in the middle: a subset of one half and one of the other are near when every sum of the first is near what
the second leaves of its target. Of all projections that the largest error bounds, the single sum of the widest
spread tells most pairs apart (spread is convex, so it is greatest at a corner of the dual ball). The sums of
each half are sorted by it and cut into blocks of neighbours, each block with its bounds in every sum. First
every block of one half is compared with the block that faces it, which gives a good error to beat; then with
all blocks whose bounds, in all sums, allow a smaller error. The bounds matter where sums are nearly
proportional, as at the corners of a process, and the targets are not.

The least error of n items and d sums falls as 2**(-n / d), so that some 2**(n - n / d) of the 2**n pairs are
compared, several at a time.
"""

from __future__ import annotations

import numpy as np

from rsscircuit.subsetsum.compiled import kernel, run_cells
from rsscircuit.subsetsum.lists import insert
from rsscircuit.subsetsum.problem import BoolArray, Objective, Problem
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
    """Sums [sums, subsets] in ascending order of sum ``axis``, and the bounds of every block [blocks, sums]."""
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
def _search_some(items, targets, enough, first, stride, chosen):
    """Search the cells first, first + stride, ... with scratch memory of its own."""
    cells, n, width = items.shape
    room = max(1 << (n - n // 2), _BLOCK)
    values, order, places = np.empty((n, width)), np.empty(n), np.empty(n, np.int64)
    keys, masks_a, masks_b = np.empty((2, room + 1)), np.empty((2, room), np.int64), np.empty((2, room), np.int64)
    sums_a, sums_b = np.empty((width, room)), np.empty((width, room))
    low_a, high_a = np.empty((room // _BLOCK, width)), np.empty((room // _BLOCK, width))
    low_b, high_b = np.empty((room // _BLOCK, width)), np.empty((room // _BLOCK, width))
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
            for j in range(width):
                values[k, j] = items[cell, places[k], j]
        half = count // 2
        size_a = _list(values[:half], axis, keys, masks_a, sums_a, low_a, high_a)
        size_b = _list(values[half:count], axis, keys, masks_b, sums_b, low_b, high_b)
        blocks_a, blocks_b = (size_a + _BLOCK - 1) // _BLOCK, (size_b + _BLOCK - 1) // _BLOCK
        best, at_a, at_b = np.inf, 0, 0
        for everywhere in (False, True):
            facing = blocks_b - 1
            for block in range(blocks_a):
                most, least = target[axis] - low_a[block, axis], target[axis] - high_a[block, axis]
                while facing > 0 and low_b[facing, axis] > 0.5 * (least + most):
                    facing -= 1
                begin, end = facing, facing + 1
                while everywhere and begin > 0 and high_b[begin - 1, axis] > least - best:
                    begin -= 1
                while everywhere and end < blocks_b and low_b[end, axis] < most + best:
                    end += 1
                for other in range(begin, end):
                    bound = 0.0
                    for j in range(width):
                        below = target[j] - high_a[block, j] - high_b[other, j]
                        bound = max(bound, below, low_a[block, j] + low_b[other, j] - target[j])
                    if bound < best and best > enough[cell]:
                        best, at_a, at_b = _compare(
                            sums_a, block * _BLOCK, min((block + 1) * _BLOCK, size_a), sums_b, other * _BLOCK,
                            low_b[other], high_b[other], target, rest, gaps, best, at_a, at_b,
                        )  # fmt: skip
        for k in range(half):
            chosen[cell, places[k]] = (masks_a[half % 2, at_a] >> k) & 1
        for k in range(count - half):
            chosen[cell, places[half + k]] = (masks_b[(count - half) % 2, at_b] >> k) & 1


def search(problem: Problem) -> BoolArray:
    """The subset of each cell whose largest error is least, or ANY within the tolerance; bool [cells, n].

    Up to 28 items that are not zero. Scratch memory is 32 bytes a half sum and 16 for each of its sums, 2.6 MB a thread
    for eight sums of 28 items.
    """
    cells, n = problem.items.shape[:2]
    items = problem.items.reshape(cells, n, problem.sums)
    targets = problem.targets.reshape(cells, problem.sums)
    enough = np.zeros(cells)
    if problem.objective is Objective.ANY:
        # sums are rounded: what is within this narrower tolerance is within the true one when it is recomputed
        magnitude = (np.abs(items).sum(axis=1) + np.abs(targets)).max(axis=1)
        enough = np.maximum(problem.tolerance - rounding_of(n, magnitude), 0.0)
    chosen = np.zeros((cells, n), np.bool_)
    run_cells(
        lambda first, stride: _search_some(items, targets, enough, first, stride, chosen),
        cells=cells,
        steps_per_cell=16 << (n // 2),
    )
    return chosen
