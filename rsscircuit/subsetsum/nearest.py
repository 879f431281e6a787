"""The nearest subset sum of one cell, by meeting in the middle (Horowitz and Sahni 1974), compiled.

Every cell is first made positive: choosing a negative item is the same as not choosing its magnitude, with
the goal moved by the item. Then x in {0, 1} is written as (1 +- 1) / 2, so that each half of the items has the
*symmetric* list of sums of +-g/2, and the goal loses half the total:

* only the upper half of a list is merged, the lower half is its exact negation;
* the difference of two ascending lists is swept, so that both pointers move the same way.

Merge and sweep are branch-free and run in four independent chains, cut by binary search along the diagonals
of the merge (Odeh et al. 2012), because one chain waits for its own loads. Lists carry no masks: all levels of
a list are kept, and the subset is found by walking down them.
"""

from __future__ import annotations

import numpy as np
from numba import njit

PAD = 1e308  # ends a list; two infinities would differ by NaN
_FOUR_CHAINS = 16
_ONE = np.uint64(1)


@njit(cache=True)
def _upper_from_plus(level, size, half, taken):
    """How many of the first ``taken`` outputs of merging level + half with level - half come from the former."""
    low, high = max(0, taken - size), min(taken, size)
    while low < high:
        middle = (low + high) >> 1
        if level[middle] + half < level[taken - middle - 1] - half:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True)
def _grow(level, size, half, out):
    """Merge level + half and level - half into ``out`` [2 size], all ascending, symmetric and padded."""
    if size < _FOUR_CHAINS:
        i = _upper_from_plus(level, size, half, size)
        j = size - i
        for k in range(size, 2 * size):
            plus, minus = level[i] + half, level[j] - half
            out[k] = plus if plus < minus else minus
            i, j = (i + 1, j) if plus < minus else (i, j + 1)
    else:
        quarter = size >> 2
        i0 = np.uint64(_upper_from_plus(level, size, half, size))
        i1 = np.uint64(_upper_from_plus(level, size, half, size + quarter))
        i2 = np.uint64(_upper_from_plus(level, size, half, size + 2 * quarter))
        i3 = np.uint64(_upper_from_plus(level, size, half, size + 3 * quarter))
        j0, j1 = np.uint64(size) - i0, np.uint64(size + quarter) - i1
        j2, j3 = np.uint64(size + 2 * quarter) - i2, np.uint64(size + 3 * quarter) - i3
        for k in range(quarter):
            place = np.uint64(size + k)
            plus0, minus0 = level[i0] + half, level[j0] - half
            plus1, minus1 = level[i1] + half, level[j1] - half
            plus2, minus2 = level[i2] + half, level[j2] - half
            plus3, minus3 = level[i3] + half, level[j3] - half
            out[place] = plus0 if plus0 < minus0 else minus0
            out[place + np.uint64(quarter)] = plus1 if plus1 < minus1 else minus1
            out[place + np.uint64(2 * quarter)] = plus2 if plus2 < minus2 else minus2
            out[place + np.uint64(3 * quarter)] = plus3 if plus3 < minus3 else minus3
            step0, step1 = np.uint64(plus0 < minus0), np.uint64(plus1 < minus1)
            step2, step3 = np.uint64(plus2 < minus2), np.uint64(plus3 < minus3)
            i0, j0 = i0 + step0, j0 + _ONE - step0
            i1, j1 = i1 + step1, j1 + _ONE - step1
            i2, j2 = i2 + step2, j2 + _ONE - step2
            i3, j3 = i3 + step3, j3 + _ONE - step3
    for k in range(size):
        out[k] = -out[2 * size - 1 - k]
    out[2 * size] = PAD


@njit(cache=True)
def _levels(values, levels):
    """All lists of sums of +-v/2, one after the other; level k begins at 2**k - 1 + k. Returns the last's start."""
    levels[0], levels[1] = 0.0, PAD
    start = 0
    for k in range(values.size):
        size = 1 << k
        after = start + size + 1
        _grow(levels[start:after], size, 0.5 * values[k], levels[after : after + 2 * size + 1])
        start = after
    return start


@njit(cache=True)
def _signs(values, levels, start, index, positive):
    """Which of ``values`` enter entry ``index`` of the last list with a plus; walks down the levels."""
    value = levels[start + index]
    for k in range(values.size - 1, -1, -1):
        size = 1 << k
        start -= size + 1
        half = 0.5 * values[k]
        low, high = start, start + size
        while low < high:
            middle = (low + high) >> 1
            if levels[middle] + half < value:
                low = middle + 1
            else:
                high = middle
        positive[k] = low < start + size and levels[low] + half == value
        if not positive[k]:
            low, high = start, start + size
            while low < high:
                middle = (low + high) >> 1
                if levels[middle] - half < value:
                    low = middle + 1
                else:
                    high = middle
        value = levels[low]


@njit(cache=True)
def _crossed(a, size_a, b, size_b, goal, steps):
    """Where the sweep's first pointer stands after so many steps."""
    low, high = max(0, steps - size_b), min(steps, size_a)
    while low < high:
        middle = (low + high) >> 1
        if a[middle] - goal - b[steps - middle - 1] < 0.0:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True)
def _closest(a, size_a, b, size_b, goal):
    """Indices i, j of the least |a[i] - goal - b[j]|; both lists ascending and padded."""
    quarter = (size_a + size_b) >> 2
    i0 = np.uint64(0)
    i1 = np.uint64(_crossed(a, size_a, b, size_b, goal, quarter))
    i2 = np.uint64(_crossed(a, size_a, b, size_b, goal, 2 * quarter))
    i3 = np.uint64(_crossed(a, size_a, b, size_b, goal, 3 * quarter))
    j0, j1 = np.uint64(0), np.uint64(quarter) - i1
    j2, j3 = np.uint64(2 * quarter) - i2, np.uint64(3 * quarter) - i3
    best0 = best1 = best2 = best3 = np.inf
    at0, at1, at2, at3 = i0, i1, i2, i3
    for _ in range(size_a + size_b - 3 * quarter):  # the last chain is the longest where four do not divide
        e0, e1 = a[i0] - goal - b[j0], a[i1] - goal - b[j1]
        e2, e3 = a[i2] - goal - b[j2], a[i3] - goal - b[j3]
        d0, d1, d2, d3 = abs(e0), abs(e1), abs(e2), abs(e3)
        at0, best0 = (i0, d0) if d0 < best0 else (at0, best0)
        at1, best1 = (i1, d1) if d1 < best1 else (at1, best1)
        at2, best2 = (i2, d2) if d2 < best2 else (at2, best2)
        at3, best3 = (i3, d3) if d3 < best3 else (at3, best3)
        step0, step1, step2, step3 = np.uint64(e0 < 0.0), np.uint64(e1 < 0.0), np.uint64(e2 < 0.0), np.uint64(e3 < 0.0)
        i0, j0 = i0 + step0, j0 + _ONE - step0
        i1, j1 = i1 + step1, j1 + _ONE - step1
        i2, j2 = i2 + step2, j2 + _ONE - step2
        i3, j3 = i3 + step3, j3 + _ONE - step3
    best, i = best0, at0
    best, i = (best1, at1) if best1 < best else (best, i)
    best, i = (best2, at2) if best2 < best else (best, i)
    best, i = (best3, at3) if best3 < best else (best, i)
    wanted = a[i] - goal
    low, high = 0, size_b
    while low < high:
        middle = (low + high) >> 1
        if b[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    if low == size_b or (low > 0 and wanted - b[low - 1] < b[low] - wanted):
        low -= 1
    return i, low


@njit(cache=True)
def insert(values, places, count, value, place):
    """Put ``value`` into the ascending ``values[:count]``, so that the order of the items plays no part."""
    at = count
    while at > 0 and values[at - 1] > value:
        values[at], places[at] = values[at - 1], places[at - 1]
        at -= 1
    values[at], places[at] = value, place


@njit(cache=True)
def choose_nearest(items, target, values, places, levels_a, levels_b, chosen):
    """Mark in ``chosen`` the subset of ``items`` whose sum is nearest to ``target``.

    ``values``, ``places`` [n] and the two level buffers (2**(n/2 + 2)) are scratch.
    """
    count, goal = 0, target
    for k in range(items.size):
        chosen[k] = items[k] < 0.0
        if items[k] < 0.0:
            goal -= items[k]
        if items[k] != 0.0:
            insert(values, places, count, abs(items[k]), k)
            count += 1
    total = 0.0
    for k in range(count):
        total += values[k]
    half = count // 2
    start_a, start_b = _levels(values[:half], levels_a), _levels(values[half:count], levels_b)
    size_a, size_b = 1 << half, 1 << (count - half)
    i, j = _closest(
        levels_a[start_a : start_a + size_a + 1], size_a,
        levels_b[start_b : start_b + size_b + 1], size_b, goal - 0.5 * total,
    )  # fmt: skip
    taken = np.empty(count, np.bool_)
    _signs(values[:half], levels_a, start_a, i, taken[:half])
    _signs(values[half:count], levels_b, start_b, j, taken[half:])
    for k in range(count):
        if taken[k] == (k < half):  # the second list is subtracted, so there a plus means not chosen
            chosen[places[k]] = not chosen[places[k]]
