"""The nearest subset sum of each cell, by meeting in the middle (Horowitz and Sahni 1974), compiled.

Every cell is first made positive: choosing a negative item is the same as not choosing its magnitude, with
the goal moved by the item. Then x in {0, 1} is written as (1 +- 1) / 2, so that each half of the items has the
*symmetric* list of sums of +-g/2, and the goal loses half the total:

* only the upper half of a list is merged, the lower half is its exact negation;
* the difference of two ascending lists is swept, so that both pointers move the same way.

Merge and sweep take a register of :data:`rsscircuit.subsetsum.lanes.LANES` values at a step: a bitonic network
merges two registers, and the sweep compares all of one block with all of another before the block with the
smaller end is left behind. Both run in two independent chains, cut by binary search along the diagonals of the
merge (Odeh et al. 2012), because one chain waits for its own loads. Lists carry no masks: all levels of a list
are kept, and the subset is found by walking down them.

Ties. Sums are rounded, so every pair of half sums whose distance comes within rounding of the least is looked
at again, in ascending order and up to :data:`MAX_TIES` of them: the subset whose compensated error is least
wins, and of equals the first. A half sum that several subsets share stands for the one whose largest items
enter with a plus.
"""

from __future__ import annotations

import numpy as np

from rsscircuit.subsetsum.compiled import kernel, run_cells
from rsscircuit.subsetsum.lanes import (
    LANES,
    any_at_most,
    first_at_most,
    gaps,
    last_at_most,
    least_lane,
    load,
    lower_of_merge,
    shifted,
    shifted_up_or_down,
    store_mirrored,
    upper_of_merge,
)
from rsscircuit.subsetsum.lists import sort_sizes
from rsscircuit.subsetsum.problem import BoolArray, FloatArray
from rsscircuit.subsetsum.rounding import MAX_TIES, compensated, rounding_of, scale_of

PAD = 1e308  # two infinities would differ by NaN
PADS = 2 * LANES  # after every list: a pointer can stand one register past its end
_W = np.uint64(LANES)
_LAST = np.uint64(LANES - 1)
_PADS = np.uint64(PADS)
_ZERO, _ONE = np.uint64(0), np.uint64(1)


@kernel
def _below(levels, start, size, value):
    """How many of the ``size`` (a power of two) ascending entries at ``start`` are below ``value``."""
    at, step = start, np.uint64(size)
    while step > _ONE:
        step >>= _ONE
        at += step * np.uint64(levels[at + step - _ONE] < value)
    return at - start + np.uint64(levels[at] < value)


@kernel
def _plus_share(levels, start, size, half, taken):
    """How many of the first ``taken`` outputs of merging list + half with list - half come from the former."""
    low, high = taken - size, size
    while low < high:
        middle = (low + high) >> _ONE
        if levels[start + middle] + half < levels[start + taken - middle - _ONE] - half:
            low = middle + _ONE
        else:
            high = middle
    return low


@kernel
def _merge_two(a, half_a, i, j, low, high, b, half_b, i2, j2, low2, high2, blocks):
    """Two merges side by side, each of entries + half from ``i`` with entries - half from ``j``.

    The output rises from ``high`` and, mirrored, falls from ``low``, ``blocks`` registers each.
    """
    v, w = shifted(load(a, i), half_a), shifted(load(a, j), -half_a)
    v2, w2 = shifted(load(b, i2), half_b), shifted(load(b, j2), -half_b)
    i, j, i2, j2 = i + _W, j + _W, i2 + _W, j2 + _W
    for _ in range(blocks):
        store_mirrored(a, low, high, lower_of_merge(v, w))
        store_mirrored(b, low2, high2, lower_of_merge(v2, w2))
        v, v2 = upper_of_merge(v, w), upper_of_merge(v2, w2)
        plus, plus2 = np.uint64(a[i] + half_a < a[j] - half_a), np.uint64(b[i2] + half_b < b[j2] - half_b)
        w = shifted_up_or_down(load(a, _pick(plus, i, j)), half_a, plus)
        w2 = shifted_up_or_down(load(b, _pick(plus2, i2, j2)), half_b, plus2)
        i, j = i + _W * plus, j + _W - _W * plus
        i2, j2 = i2 + _W * plus2, j2 + _W - _W * plus2
        low, high, low2, high2 = low - _W, high + _W, low2 - _W, high2 + _W


@kernel
def _pick(yes, one, other):
    """``one`` where ``yes`` is 1, ``other`` where it is 0; a choice that the compiler does not make a branch."""
    return other ^ ((one ^ other) & (_ZERO - yes))


@kernel
def _small_level(levels, before, start, k, half):
    """Level k + 1 of at most 8 entries at ``start`` from the level at ``before``, in order by construction."""
    size = 2 << k
    if k == 0:
        levels[start + 1] = half
    elif k == 1:
        levels[start + 2], levels[start + 3] = half - levels[before + 1], half + levels[before + 1]
    else:
        small, large = levels[before + 2], levels[before + 3]
        inner, outer = abs(half - large), half - small  # rounding can cross them
        levels[start + 4], levels[start + 5] = min(inner, outer), max(inner, outer)
        levels[start + 6], levels[start + 7] = half + small, half + large
    for m in range(size >> 1):
        levels[start + m] = -levels[start + size - 1 - m]


@kernel
def _pads(levels, at, pad):
    for m in range(at, at + PADS):
        levels[m] = pad


@kernel
def _build(values, first, half_count, count, a, b):
    """All lists of sums of +-v/2 of ``half_count`` of the ascending values from ``first``, and of the others.

    Level k holds 2**k ascending sums and begins at 2**k - 1 + PADS k. ``count`` is that of both lists; the
    second has as many values as the first, or one more.
    """
    a[0], b[0] = 0.0, 0.0
    _pads(a, 1, PAD)
    _pads(b, 1, 0.5 * PAD)
    before, size = 0, 1
    for k in range(count - half_count):
        start = before + size + PADS
        both = k < half_count
        half_b = 0.5 * values[first + half_count + k]
        half_a = 0.5 * values[first + k] if both else half_b
        if k < 3:
            if both:
                _small_level(a, before, start, k, half_a)
            _small_level(b, before, start, k, half_b)
        else:
            # a list is symmetric, so that list + half passes zero at rank ``size`` of the merge
            old, new, length = np.uint64(before), np.uint64(start), np.uint64(size)
            j = _below(b, old, length, -half_b)
            if both:
                i = _below(a, old, length, -half_a)
                _merge_two(
                    a, half_a, old + i, old + length - i, new + length - _W, new + length,
                    b, half_b, old + j, old + length - j, new + length - _W, new + length,
                    length // _W,
                )  # fmt: skip
            else:
                part = (length >> _ONE) // _W * _W
                i = _plus_share(b, old, length, half_b, length + part)
                _merge_two(
                    b, half_b, old + j, old + length - j, new + length - _W, new + length,
                    b, half_b, old + i, old + length + part - i, new + length - part - _W, new + length + part,
                    (length - part) // _W,
                )  # fmt: skip
        before, size = start, 2 * size
        if both:
            _pads(a, start + size, PAD)
        _pads(b, start + size, 0.5 * PAD)


@kernel
def _walk(values, first, count, levels, entry, places, up, chosen):
    """Toggle the items that enter ``entry`` of the last list with a plus (``up``) or else a minus, walking down."""
    value = levels[entry]
    for k in range(count - 1, -1, -1):
        half, step = 0.5 * values[first + k], np.uint64(1 << k)
        plus_at = minus_at = step - _ONE + _PADS * np.uint64(k)
        while step > _ONE:
            step >>= _ONE
            plus_at += step * np.uint64(levels[plus_at + step - _ONE] + half < value)
            minus_at += step * np.uint64(levels[minus_at + step - _ONE] - half < value)
        plus = levels[plus_at] + half == value
        value = levels[_pick(np.uint64(plus), plus_at, minus_at)]
        chosen[places[first + k]] ^= plus == up


@kernel
def _crossed(a, start_a, size_a, b, start_b, size_b, goal, steps):
    """Where the sweep's first pointer stands after so many steps."""
    low, high = max(0, steps - size_b), min(steps, size_a)
    while low < high:
        middle = (low + high) >> 1
        if a[start_a + middle] - goal < b[start_b + steps - middle - 1]:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _narrowed(gap, i, j, best, slack, i_low, i_high, j_low):
    """The least distance and the places within ``slack`` of it, a block at i and j taken in."""
    least = least_lane(gap)
    if least + slack < best:
        limit = least + slack
        return least, limit, i + first_at_most(gap, limit), i + last_at_most(gap, limit), j
    best = min(best, least)
    limit = best + slack
    first, last = i + first_at_most(gap, limit), i + last_at_most(gap, limit)
    return best, limit, min(i_low, first), max(i_high, last), min(j_low, j)


@kernel
def _sweep(a, start_a, size_a, b, start_b, size_b, goal, slack):
    """Least |a[i] - goal - b[j]|, and where others within ``slack`` of it lie: (least, first i, last i, first j)."""
    steps = (size_a + size_b) // LANES
    middle = (size_a + size_b) >> 1
    at = _crossed(a, start_a, size_a, b, start_b, size_b, goal, middle)
    i, j = np.uint64(start_a), np.uint64(start_b)
    i2 = np.uint64(start_a + at // LANES * LANES)
    j2 = np.uint64(start_b + (middle - at) // LANES * LANES)
    best, limit = np.inf, np.inf
    i_low, i_high, j_low = i, i, j
    for _ in range(steps // 2 + 1):
        gap, gap2 = gaps(shifted(load(a, i), -goal), b, j), gaps(shifted(load(a, i2), -goal), b, j2)
        if any_at_most(gap, limit):
            best, limit, i_low, i_high, j_low = _narrowed(gap, i, j, best, slack, i_low, i_high, j_low)
        if any_at_most(gap2, limit):
            best, limit, i_low, i_high, j_low = _narrowed(gap2, i2, j2, best, slack, i_low, i_high, j_low)
        step = np.uint64(a[i + _LAST] - goal < b[j + _LAST])
        step2 = np.uint64(a[i2 + _LAST] - goal < b[j2 + _LAST])
        i, j = i + _W * step, j + _W - _W * step
        i2, j2 = i2 + _W * step2, j2 + _W - _W * step2
    return best, i_low, i_high, j_low


@kernel
def choose(items, target, sizes, values, order, levels_a, levels_b, trial, chosen):
    """Mark in ``chosen`` the subset of ``items`` whose sum is nearest to ``target``; the rest is scratch."""
    n = items.size
    goal, zeros = sort_sizes(items, target, 1.0, sizes, values, order)
    scale = scale_of(max(abs(target), values[n - 1]))
    if scale != 1.0:
        goal, zeros = sort_sizes(items, target, scale, sizes, values, order)
    total = 0.0
    for k in range(zeros, n):
        total += values[k]
    count = n - zeros
    slack = rounding_of(count, total + abs(target * scale))
    goal -= 0.5 * total
    half = count // 2
    size_a, size_b = 1 << half, 1 << (count - half)
    _build(values, zeros, half, count, levels_a, levels_b)
    start_a, start_b = size_a - 1 + PADS * half, size_b - 1 + PADS * (count - half)
    best, i_low, i_high, j_low = _sweep(levels_a, start_a, size_a, levels_b, start_b, size_b, goal, slack)
    limit = best + slack
    j, seen, least = np.int64(j_low), 0, np.inf
    i, last = np.int64(i_low) - 1, np.int64(i_high)
    while i < last:
        i += 1
        if i > start_a and levels_a[i] == levels_a[i - 1]:
            last += i == last and last + 1 < start_a + size_a
            continue
        wanted = levels_a[i] - goal
        while j > start_b and wanted - levels_b[j - 1] <= limit:
            j -= 1
        while j < start_b + size_b and wanted - levels_b[j] > limit:
            j += 1
        other = j
        while other < start_b + size_b and levels_b[other] - wanted <= limit and seen < MAX_TIES:
            if other == start_b or levels_b[other] != levels_b[other - 1]:
                into = chosen if seen == 0 else trial
                for k in range(n):
                    into[k] = items[k] < 0.0
                _walk(values, zeros, half, levels_a, i, order[1], True, into)
                _walk(values, zeros + half, count - half, levels_b, other, order[1], False, into)
                if seen == 1:
                    least = abs(compensated(items, chosen, target))
                if seen > 0:
                    error = abs(compensated(items, trial, target))
                    if error < least:
                        least = error
                        chosen[:] = trial
                seen += 1
            other += 1
        # the sweep leaves a block of the second list before entries after the last that are as near may come
        last += i == last and other > j and last + 1 < start_a + size_a


@kernel
def room_for(n):
    """Length of each of the two scratch arrays of levels that ``n`` items need."""
    return (2 << (n - n // 2)) + (n + 2) * PADS


@kernel
def _choose_some(items, targets, first, stride, chosen):
    cells, n = items.shape
    levels_a, levels_b = np.empty(room_for(n)), np.empty(room_for(n))
    sizes, values, order, trial = np.empty(n), np.empty(n), np.empty((2, n), np.int64), np.empty(n, np.bool_)
    for cell in range(first, cells, stride):
        choose(items[cell], targets[cell], sizes, values, order, levels_a, levels_b, trial, chosen[cell])


def search(items: FloatArray, targets: FloatArray) -> BoolArray:
    """The nearest subset of each cell, bool [cells, n]; items [cells, n] with up to 40 a cell that are not zero.

    Scratch memory is 32 bytes a half sum and thread, 34 MB at 40 items.
    """
    chosen = np.zeros(items.shape, np.bool_)
    run_cells(
        lambda first, stride: _choose_some(items, targets, first, stride, chosen),
        cells=len(items),
        steps_per_cell=4 << (items.shape[1] // 2),
    )
    return chosen
