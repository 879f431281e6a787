"""Sorted lists of subset sums: how items are sorted, lists merged, searched, and swept in pairs.

Merge and sweep choose without branches and run in four chains of loads that do not wait for each other: from
both ends inward, and from the middle, found by binary search, outward. A list stands between infinities, or
sums left out, so that a chain may look one beyond its end.
"""

from __future__ import annotations

import numpy as np

from rsscircuit.subsetsum.compiled import kernel

_ONE = np.uint64(1)
_FOUR_CHAINS = 16


@kernel
def sort_sizes(items, target, scale, sizes, values, order):
    """Write the magnitudes, scaled and ascending, and in order[1] whose they are; returns the goal they are to meet.

    Choosing a negative item is not choosing its magnitude, with the goal moved by it. Also returns how many are
    zero; those come first.
    """
    n = items.size
    goal, zeros = target * scale, 0
    for k in range(n):
        sizes[k] = abs(items[k] * scale)
        goal += sizes[k] if items[k] < 0.0 else 0.0
        zeros += sizes[k] == 0.0
    ranks, places = order[0], order[1]
    for k in range(n):
        ranks[k] = 0
    for m in range(n):
        for k in range(n):
            ranks[k] += (sizes[m] < sizes[k]) | ((sizes[m] == sizes[k]) & (m < k))
    for k in range(n):
        values[ranks[k]], places[ranks[k]] = sizes[k], k
    return goal, zeros


@kernel
def insert(values, places, count, value, place):
    """Put ``value`` into the ascending ``values[:count]``."""
    at = count
    while at > 0 and values[at - 1] > value:
        values[at], places[at] = values[at - 1], places[at - 1]
        at -= 1
    values[at], places[at] = value, place


@kernel
def merge(sums, first, size, second, second_size, step, out):
    """Merge the lists at ``first`` and, each sum plus ``step``, at ``second`` into one at ``out``.

    What stands before and after a list, or part of one, must not lie within it: infinities, or sums left out.
    """
    total = size + second_size
    if total < _FOUR_CHAINS:
        i, j = first, second
        for k in range(out, out + total):
            low, other = sums[i], sums[j] + step
            sums[k] = low if low < other else other
            i, j = (i + 1, j) if low < other else (i, j + 1)
        return
    half = total // 2
    low, high = max(0, half - second_size), min(half, size)
    while low < high:
        middle = (low + high) >> 1
        if sums[first + middle] < sums[second + half - middle - 1] + step:
            low = middle + 1
        else:
            high = middle
    i0, j0, k0 = np.uint64(first), np.uint64(second), np.uint64(out)
    i2, j2, k2 = np.uint64(first + low), np.uint64(second + half - low), np.uint64(out + half)
    i1, j1, k1 = i2 - _ONE, j2 - _ONE, k2 - _ONE
    i3, j3, k3 = np.uint64(first + size - 1), np.uint64(second + second_size - 1), np.uint64(out + total - 1)
    for _ in range((total - half + 1) // 2):
        x0, x1, x2, x3 = sums[i0], sums[i1], sums[i2], sums[i3]
        y0, y1, y2, y3 = sums[j0] + step, sums[j1] + step, sums[j2] + step, sums[j3] + step
        sums[k0] = x0 if x0 < y0 else y0
        sums[k1] = x1 if x1 > y1 else y1
        sums[k2] = x2 if x2 < y2 else y2
        sums[k3] = x3 if x3 > y3 else y3
        s0, s1, s2, s3 = np.uint64(x0 < y0), np.uint64(x1 > y1), np.uint64(x2 < y2), np.uint64(x3 > y3)
        i0, j0, k0 = i0 + s0, j0 + _ONE - s0, k0 + _ONE
        i1, j1, k1 = i1 - s1, j1 - _ONE + s1, k1 - _ONE
        i2, j2, k2 = i2 + s2, j2 + _ONE - s2, k2 + _ONE
        i3, j3, k3 = i3 - s3, j3 - _ONE + s3, k3 - _ONE


@kernel
def first_from(sums, start, size, step, value):
    """Where the list at ``start`` first reaches ``value``, each sum plus ``step``; its end where it does not."""
    low, high = start, start + size
    while low < high:
        middle = (low + high) >> 1
        if sums[middle] + step < value:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def closest(sums, first, size, second, second_size, target, low, high, limit):
    """The pair of sums nearest to ``target`` with an error below ``limit`` and, signed, from ``low`` to ``high``.

    Both lists stand between infinities. Returns (error, sum of the first list, sum of the second); where there is no
    such pair the error is ``limit``.
    """
    best_first, best_second = 0.0, 0.0
    if size == 0 or second_size == 0:
        return limit, best_first, best_second
    # leave out the ends that no sum of the other list brings within the limit
    least, most = sums[first] - target, sums[first + size - 1] - target
    second_least, second_most = sums[second] - target, sums[second + second_size - 1] - target
    end = first_from(sums, first, size, second_least, limit)
    first = first_from(sums, first, size, second_most, -limit)
    second_end = first_from(sums, second, second_size, least, limit)
    second = first_from(sums, second, second_size, most, -limit)
    size, second_size = end - first, second_end - second
    if size <= 0 or second_size <= 0:
        return limit, best_first, best_second
    half = (size + second_size) // 2
    left, right = max(0, half - second_size), min(half, size)
    while left < right:
        middle = (left + right) >> 1
        if sums[first + middle] + sums[second + second_size - half + middle] < target:
            left = middle + 1
        else:
            right = middle
    i0, j0 = np.uint64(first), np.uint64(second + second_size - 1)
    i2, j2 = np.uint64(first + left), np.uint64(second + second_size - 1 - half + left)
    ahead = np.uint64(sums[i2] + sums[j2] - target < 0.0)  # the chains that part here see the turn between them
    i1, j1 = i2 + ahead - _ONE, j2 + ahead
    i3, j3 = np.uint64(first + size - 1), np.uint64(second)
    for _ in range((size + second_size - half) // 2 + 1):
        e0, e1 = sums[i0] + sums[j0] - target, sums[i1] + sums[j1] - target
        e2, e3 = sums[i2] + sums[j2] - target, sums[i3] + sums[j3] - target
        least = min(min(abs(e0), abs(e1)), min(abs(e2), abs(e3)))
        if least < limit:
            for e, i, j in ((e0, i0, j0), (e1, i1, j1), (e2, i2, j2), (e3, i3, j3)):
                if abs(e) < limit and low <= e <= high:
                    limit, best_first, best_second = abs(e), sums[i], sums[j]
        s0, s1, s2, s3 = np.uint64(e0 < 0.0), np.uint64(e1 >= 0.0), np.uint64(e2 < 0.0), np.uint64(e3 >= 0.0)
        i0, j0 = i0 + s0, j0 - _ONE + s0
        i1, j1 = i1 - s1, j1 + _ONE - s1
        i2, j2 = i2 + s2, j2 - _ONE + s2
        i3, j3 = i3 - s3, j3 + _ONE - s3
    return limit, best_first, best_second
