"""Sums that are nearly proportional, one choice of items for all of them, exactly: plus subsets against minus subsets.

The corners of a process move every item by little, so that a subset that misses in one sum misses in the others. One
sum, that of the widest spread, is searched as :mod:`rsscircuit.subsetsum.by_sign` does: the sums m of one sign
in rising order, each with the sums p of the other sign within the allowed error of target + m. Only those pairs are
looked at in the other sums, the sum that was last missed first; four tables of partial sums give the sum of a pair with
three additions, whatever its items.

For the least cost pairs that cost no less than the best so far are not looked at, and the search ends where no m can
cost less: a cost is at least the least cost a unit of the searched sum, times m + p. For the least error the window is
as wide as the error to beat, which is guessed and widened until there is a pair in it.
"""

from __future__ import annotations

import numpy as np

from rsscircuit.subsetsum.compiled import kernel
from rsscircuit.subsetsum.lists import first_from, insert
from rsscircuit.subsetsum.problem import BoolArray, FloatArray
from rsscircuit.subsetsum.rounding import rounding_of

MOST_OF_ONE_SIGN = 16
_WIDER = 4.0
_SMALLEST = 2.0**-1000


def takes(items: FloatArray) -> BoolArray:
    """Which cells of items [cells, n, sums] have no item that changes its sign, nor too many of one sign."""
    signs = np.sign(items)
    same = (signs == signs[:, :, :1]).all(axis=2).all(axis=1)
    plus, minus = ((signs[:, :, 0] == sign).sum(axis=1) for sign in (1, -1))
    return np.asarray(same & (np.maximum(plus, minus) <= MOST_OF_ONE_SIGN))


@kernel
def _list(values, low, high, sums, masks):
    """Sorted subset sums of ``values``, largest first, from ``low`` to below ``high``, and their subsets as bits.

    Sums that cannot come to lie in the range are left out on the way. Returns the row that holds them, and how many.
    """
    rest, row, size = values.sum(), 0, 1
    sums[0, 0], masks[0, 0] = 0.0, 0
    for k in range(values.size):
        step, bit, new = values[k], 1 << k, 1 - row
        rest -= step
        i = first_from(sums[row], 0, size, 0.0, low - rest)
        j = first_from(sums[row], 0, size, step, low - rest)
        end = first_from(sums[row], 0, size, step, high)
        out = 0
        while i < size and j < end:
            kept, raised = sums[row, i], sums[row, j] + step
            first = kept <= raised
            sums[new, out] = kept if first else raised
            masks[new, out] = masks[row, i] if first else masks[row, j] | bit
            i, j, out = (i + 1, j, out + 1) if first else (i, j + 1, out + 1)
        for left in range(i, size):
            sums[new, out], masks[new, out] = sums[row, left], masks[row, left]
            out += 1
        for left in range(j, end):
            sums[new, out], masks[new, out] = sums[row, left] + step, masks[row, left] | bit
            out += 1
        row, size = new, out
    return row, size


@kernel
def _tabulate(rows, table):
    """Sums of all subsets of ``rows`` [items, columns], by the bits of the subset, into ``table``."""
    table[0] = 0.0
    for k in range(len(rows)):
        for m in range(1 << k):
            for j in range(rows.shape[1]):
                table[(1 << k) + m, j] = table[m, j] + rows[k, j]


@kernel
def _scan(
    plus_sums, plus_masks, minus_sums, minus_masks, goal, width, allowed, rate, least, target, tables, low_bits, rest,
    best, enough,
):  # fmt: skip
    """The best pair within ``width`` of the goal and ``allowed`` errors: (best, plus subset, minus subset).

    Best is a cost where it is the ``least`` that is sought, and the largest error where not; -1 stands for no subset.
    """
    found_plus, found_minus, begin, missed, sums = -1, -1, 0, 0, target.size
    plus_low, minus_low = (1 << low_bits[0]) - 1, (1 << low_bits[1]) - 1
    for at in range(minus_sums.size):
        m = minus_sums[at]
        reach = width if least else min(width, best)
        bottom, top = goal + m - reach, goal + m + reach
        if least and rate * (m + max(bottom, 0.0)) >= best:
            break
        while begin < plus_sums.size and plus_sums[begin] < goal + m - width:
            begin += 1
        if begin == plus_sums.size:
            break
        if plus_sums[begin] > top:
            continue
        low, high = minus_masks[at] & minus_low, minus_masks[at] >> low_bits[1]
        for j in range(sums + 1):
            rest[j] = tables[2, low, j] + tables[3, high, j]
        for near in range(begin, plus_sums.size):
            p = plus_sums[near]
            if p > top or (least and rate * (m + p) >= best):
                break
            if p < bottom:
                continue
            low, high = plus_masks[near] & plus_low, plus_masks[near] >> low_bits[0]
            cost = rest[sums] + tables[0, low, sums] + tables[1, high, sums]
            if least and cost >= best:
                continue
            limit = allowed if least else best
            error = abs(rest[missed] + tables[0, low, missed] + tables[1, high, missed] - target[missed])
            if error > limit:
                continue
            for j in range(sums):
                gap = abs(rest[j] + tables[0, low, j] + tables[1, high, j] - target[j])
                if gap > error:
                    error = gap
                    if gap > limit:
                        missed = j
                        break
            if error > limit or (not least and error >= best):
                continue
            best, found_plus, found_minus = cost if least else error, plus_masks[near], minus_masks[at]
            if not least:
                if best <= enough:
                    return best, found_plus, found_minus
                bottom, top = goal + m - best, goal + m + best
    return best, found_plus, found_minus


@kernel
def search_some(items, targets, costs, enough, limits, least, first, stride, chosen, found):
    """The subset of least cost within ``limits`` [cells] of the cells first, first + stride, ..., or of least error.

    The least error is searched for from ``limits`` on, and not beyond ``enough`` [cells]. Items are [cells, n, sums],
    targets [cells, sums] and costs [cells, n], from 0; scratch memory is 64 bytes for each of 2**16 sums at most.
    """
    cells, n, sums = items.shape
    values, places, half = np.empty((2, n)), np.empty((2, n), np.int64), np.empty(2, np.int64)
    rows, rest, low_bits = np.empty((n, sums + 1)), np.empty(sums + 1), np.empty(2, np.int64)
    tables = np.empty((4, 1 << ((MOST_OF_ONE_SIGN + 1) // 2), sums + 1))
    room = 0
    plus_sums, plus_masks = np.empty((2, 0)), np.empty((2, 0), np.int64)
    minus_sums, minus_masks = np.empty((2, 0)), np.empty((2, 0), np.int64)
    for cell in range(first, cells, stride):
        item, target = items[cell], targets[cell]
        axis, spread = 0, -1.0
        for j in range(sums):
            width = np.abs(item[:, j]).sum()
            if width > spread:
                axis, spread = j, width
        sign = -1.0 if target[axis] < 0.0 else 1.0
        half[:], rate = 0, np.inf
        for k in range(n):
            if item[k, axis] != 0.0:
                side = 0 if sign * item[k, axis] > 0.0 else 1
                insert(values[side], places[side], half[side], -abs(item[k, axis]), k)
                half[side] += 1
                rate = min(rate, costs[cell, k] / abs(item[k, axis]))
        widest = max(half[0], half[1])
        if (1 << widest) > room:
            room = 1 << widest
            plus_sums, plus_masks = np.empty((2, room)), np.empty((2, room), np.int64)
            minus_sums, minus_masks = np.empty((2, room)), np.empty((2, room), np.int64)
        for side in range(2):
            low_bits[side] = (half[side] + 1) // 2
            for k in range(half[side]):
                values[side, k] = -values[side, k]
                place = places[side, k]
                rows[k, :sums], rows[k, sums] = item[place], costs[cell, place]
            _tabulate(rows[: low_bits[side]], tables[2 * side])
            _tabulate(rows[low_bits[side] : half[side]], tables[2 * side + 1])
        plus, minus = values[0, : half[0]], values[1, : half[1]]
        total_p, total_m, goal = plus.sum(), minus.sum(), sign * target[axis]
        reach = total_p + total_m + goal
        slack = rounding_of(n, reach) + _SMALLEST
        in_plus, in_minus, best = -1, -1, np.inf
        if least:
            width = min(limits[cell], 2.0 * reach)
            low, high = 0.0, min(total_m, total_p - goal + width)
            step = max(8.0 * high / max(half[1], 1) ** 2, _SMALLEST)
            rate = rate * (1.0 - 2.0**-40) if rate < np.inf else 0.0  # it is rounded
            while low <= high and rate * (low + max(goal + low - width, 0.0)) < best:
                last = low + step >= high
                top = high + slack if last else low + step
                row_m, size_m = _list(minus, low - slack, top, minus_sums, minus_masks)
                row_p, size_p = _list(
                    plus, goal + low - width - slack, goal + top + width + slack, plus_sums, plus_masks
                )
                best, p, m = _scan(
                    plus_sums[row_p, :size_p], plus_masks[row_p], minus_sums[row_m, :size_m], minus_masks[row_m],
                    goal, width, limits[cell], rate, least, target, tables, low_bits, rest, best, enough[cell],
                )  # fmt: skip
                if p >= 0:
                    in_plus, in_minus = p, m
                low, step = np.inf if last else top, 1.5 * step
        else:
            row_m, size_m = _list(minus, -np.inf, np.inf, minus_sums, minus_masks)
            row_p, size_p = _list(plus, -np.inf, np.inf, plus_sums, plus_masks)
            width = max(limits[cell], reach * 2.0 ** -(half[0] + half[1]), slack)
            while in_plus < 0:
                best, in_plus, in_minus = _scan(
                    plus_sums[row_p, :size_p], plus_masks[row_p], minus_sums[row_m, :size_m], minus_masks[row_m],
                    goal, width, width, rate, least, target, tables, low_bits, rest, width, enough[cell],
                )  # fmt: skip
                width *= _WIDER
        found[cell] = in_plus >= 0
        if found[cell]:
            for k in range(half[0]):
                chosen[cell, places[0, k]] = (in_plus >> k) & 1
            for k in range(half[1]):
                chosen[cell, places[1, k]] = (in_minus >> k) & 1
