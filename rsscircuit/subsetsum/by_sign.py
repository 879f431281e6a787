"""Subset sums where the total magnitude of what is chosen matters, exactly: positive items against negative.

A sum p - m within the tolerance of the target t costs p + m = t + 2 m up to the tolerance. So the sums m of one
sign are taken in rising order, each with the least sum p of the other sign that reaches the tolerance, until a
cost cannot be beaten any more. The range of m grows only while nothing was found in it: small targets, which
most trained weights are, need a few dozen sums of the thousands. Lists are cut on both sides: the largest items
come first, and no sum is kept that cannot reach the range asked for.

The best p of an m is found by sweeping the sorted sums of two halves of its items, or, where there are more m
than that is worth, by a pointer into the sorted list of all p. Items of one sign alone are a single m, nothing,
and so a single sweep of two halves.

With a bound on the total magnitude the nearest sum is found the same way: for every m, of the p that the bound
leaves the one nearest to t + m.

Ties: sums are compared as they are rounded, and the first subset found wins, in an order that follows from the
sorted values.
"""

from __future__ import annotations

import numpy as np

from rsscircuit.subsetsum.compiled import kernel, run_cells
from rsscircuit.subsetsum.lists import closest, first_from, insert, merge
from rsscircuit.subsetsum.problem import BoolArray, Objective, Problem
from rsscircuit.subsetsum.rounding import compensated, rounding_of, scale_of

_LISTED = 20  # more items of one sign are listed as a whole only where their lists are cut short
_FEW = 8  # so few are always listed as a whole
_SMALLEST = 2.0**-1000


@kernel
def _arrange(items, sign, values, places):
    """Put the magnitudes of the items of one sign first, descending, then the others'; returns how many each."""
    plus, minus = 0, 0
    for k in range(items.size):
        if sign * items[k] > 0.0:
            insert(values, places, plus, -sign * items[k], k)
            plus += 1
    for k in range(items.size):
        if sign * items[k] < 0.0:
            insert(values[plus:], places[plus:], minus, sign * items[k], k)
            minus += 1
    for k in range(plus + minus):
        values[k] = -values[k]
    return plus, minus


@kernel
def _list(values, low, high, sums, end, room, starts, sizes):
    """Append the sorted subset sums of ``values``, largest first, from ``low`` to below ``high``.

    The list of the first k values, less the sums that cannot come to lie in the range, is at ``starts[k]``. Returns
    the new end, or 0 where the lists do not fit before ``room``.
    """
    rest = values.sum()
    sums[end], sums[end + 1], sums[end + 2] = -np.inf, 0.0, np.inf
    starts[0], sizes[0] = end + 1, 1
    end += 3
    for k in range(values.size):
        step, start, size = values[k], starts[k], sizes[k]
        rest -= step
        kept = first_from(sums, start, size, 0.0, low - rest)
        raised = first_from(sums, start, size, step, low - rest)
        added = max(first_from(sums, start, size, step, high) - raised, 0)
        size += start - kept
        if end + size + added + 2 > room:
            return 0
        merge(sums, kept, size, raised, added, step, end + 1)
        starts[k + 1], sizes[k + 1] = end + 1, size + added
        sums[end] = -np.inf
        end += size + added + 2
        sums[end - 1] = np.inf
    return end


@kernel
def _mark(sums, value, values, places, starts, sizes, chosen):
    """Mark the items whose sum is ``value``, walking back through the lists."""
    for k in range(values.size - 1, -1, -1):
        if sums[first_from(sums, starts[k], sizes[k], 0.0, value)] != value:
            chosen[places[k]] = True
            value = sums[first_from(sums, starts[k], sizes[k], values[k], value)]


@kernel
def _scan(sums, begin, count, a, size_a, b, size_b, goal, width, bound, least, best):
    """The best of all m, the ``count`` sums at ``begin``, each with its best p: (best, m, p = sum of a + sum of b).

    Best is the total where it is to be ``least``, and the error where not. Without a list b (``size_b`` 0) the
    list a holds all p.
    """
    at, best_m, best_a, best_b = a, 0.0, 0.0, 0.0
    for k in range(begin, begin + count):
        m = sums[k]
        if least:
            wanted = goal + m - width
            under, over, limit = 0.0, min(2.0 * width, bound - m - wanted), best - m - wanted
            hopeless = m + max(wanted, 0.0) >= best
        else:
            wanted = min(goal + m, bound - m)
            under, over, limit = -np.inf, bound - m - wanted, best - (goal + m - wanted)
            hopeless = limit <= 0.0
        if hopeless:
            break
        error, in_a, in_b = limit, 0.0, 0.0
        if size_b > 0:
            error, in_a, in_b = closest(sums, a, size_a, b, size_b, wanted, under, over, limit)
        else:
            while at < a + size_a and sums[at] < wanted:
                at += 1
            while at > a and sums[at - 1] >= wanted:
                at -= 1
            for near in range(at - 1, at + 1):
                gap = sums[near] - wanted
                if abs(gap) < error and under <= gap <= over:
                    error, in_a = abs(gap), sums[near]
        if error < limit:
            best = m + in_a + in_b if least else abs(in_a + in_b - m - goal)
            best_m, best_a, best_b = m, in_a, in_b
    return best, best_m, best_a, best_b


@kernel
def _search_cell(goal, width, bound, least, plus, minus, slack, values, places, starts, sizes, sums, chosen):
    """Mark the best subset of the cell arranged in ``values`` and ``places``; returns whether there is one.

    Errors of up to ``width`` are allowed where the total is to be ``least``; the rest is scratch.
    """
    half, room = plus // 2, sums.size
    total_p, total_b, total_m = values[:plus].sum(), values[half:plus].sum(), values[plus : plus + minus].sum()
    found, low, high, best = False, 0.0, min(total_m, bound), np.inf
    step = high + 1.0
    if least:
        low, high, best = max(0.0, -goal - width), min(high, total_p - goal + width), bound + slack
        step = max(8.0 * (high - low) / max(minus, 1) ** 2, _SMALLEST)
    while low <= high and (not least or low + max(goal + low - width, 0.0) < best):
        last = low + step >= high
        top = high + slack if last else low + step
        end = _list(values[plus : plus + minus], low - slack, top, sums, 0, room, starts[0], sizes[0])
        begin, count = starts[0, minus], sizes[0, minus]
        bottom, ceiling = -np.inf, bound + slack
        if least:
            bottom, ceiling = goal + low - width - slack, min(bound, goal + top + width) + slack
        enough, size_b = room, 0
        if plus > _FEW:
            end = _list(values[:half], bottom - total_b, ceiling, sums, end, room, starts[1], sizes[1])
            end = _list(values[half:plus], bottom - total_p + total_b, ceiling, sums, end, room, starts[2], sizes[2])
            size_b = sizes[2, plus - half]
            enough = min(room, end + (count - 1) * (sizes[1, half] + size_b) // 2)
        if _list(values[:plus], bottom, ceiling, sums, end, enough, starts[3], sizes[3]) > 0:
            a, size_a, size_b = starts[3, plus], sizes[3, plus], 0
        else:
            a, size_a = starts[1, half], sizes[1, half]
        before = best
        best, best_m, best_a, best_b = _scan(
            sums, begin, count, a, size_a, starts[2, plus - half], size_b, goal, width, bound, least, best
        )
        if best < before:
            found, chosen[:] = True, False
            _mark(sums, best_m, values[plus : plus + minus], places[plus:], starts[0], sizes[0], chosen)
            if size_b > 0:
                _mark(sums, best_a, values[:half], places, starts[1], sizes[1], chosen)
                _mark(sums, best_b, values[half:plus], places[half:], starts[2], sizes[2], chosen)
            else:
                _mark(sums, best_a, values[:plus], places, starts[3], sizes[3], chosen)
        low, step = np.inf if last else top, 1.5 * step
    return found


@kernel
def _search_some(items, targets, tolerance, most_total, least, first, stride, chosen, found, blurred):
    """Search the cells first, first + stride, ... with scratch memory of its own."""
    cells, n = items.shape
    values, places = np.empty(n), np.empty(n, np.int64)
    starts, sizes = np.empty((4, n + 1), np.int64), np.empty((4, n + 1), np.int64)
    sums = np.empty(0)
    for cell in range(first, cells, stride):
        item, target, allowed = items[cell], targets[cell], tolerance[cell]
        scale = scale_of(max(np.abs(item).max(), abs(target)))
        if scale != 1.0:
            item, target, allowed = item * scale, target * scale, allowed * scale
        sign = -1.0 if target < 0.0 else 1.0
        plus, minus = _arrange(item, sign, values, places)
        if minus > (_LISTED if least else plus):
            sign = -sign
            plus, minus = _arrange(item, sign, values, places)
        room = (2 << minus) + (2 << min(plus, _LISTED)) + (4 << (plus - plus // 2)) + 8 * (n + 2)
        if room > sums.size:
            sums = np.empty(room)
        reach = values[: plus + minus].sum() + abs(target)
        slack = rounding_of(n, reach)
        width = min(allowed, reach)  # no error is larger; a wider one would absorb the sums
        # sums are rounded, so at first a little more is allowed; where that lets in what is beyond, a little less
        for extra in (slack, 0.0, -slack):
            found[cell] = width + extra >= 0.0 and _search_cell(
                sign * target, width + extra, most_total[cell] * scale, least, plus, minus, slack + _SMALLEST,
                values, places, starts, sizes, sums, chosen[cell],
            )  # fmt: skip
            if not least or not found[cell] or abs(compensated(item, chosen[cell], target)) <= allowed:
                break
            blurred[cell] = True


def search(problem: Problem) -> tuple[BoolArray, BoolArray, BoolArray]:
    """The subset of least total magnitude within the tolerance, or the nearest of those of bounded total.

    NEAREST: of the subsets with a total magnitude of at most ``most_total`` the nearest to the target; the empty
    subset is always one. The other objectives: of those also within the tolerance the one with the least total;
    it answers ANY as well.

    Up to 40 items of any sign. Up to 20 of each sign take at most the time of 2**20 sums of each, as do 40 of one
    sign; with more than 20 of one sign and some of the other the time can be that of a sweep of two halves
    for every sum of the other, but only where next to nothing is within the tolerance. Scratch memory is at most
    50 MB a thread, of which easy cells touch little.

    Returns:
        Chosen, bool [cells, n]; found, bool [cells]: False where no subset of bounded total is within the tolerance;
        and blurred, bool [cells]: where sums came so near to the tolerance that rounding may hide a better subset.
    """
    cells, n = problem.items.shape
    least = problem.objective is not Objective.NEAREST
    chosen, found, blurred = np.zeros((cells, n), np.bool_), np.zeros(cells, np.bool_), np.zeros(cells, np.bool_)
    run_cells(
        lambda first, stride: _search_some(
            problem.items, problem.targets, problem.tolerance, problem.most_total, least,
            first, stride, chosen, found, blurred,
        ),
        cells=cells,
        steps_per_cell=8 << (n // 2),
    )  # fmt: skip
    return chosen, found, blurred
