"""Subset sums where it matters how many items are chosen, exactly: half sums listed by number of items.

The meet in the middle of Horowitz and Sahni (1974) with one sorted list for every half and count: the sums of
c of the first k items are those of c of the first k - 1 merged with those of c - 1 of them, each plus item k. A
choice of c items is i of one half and c - i of the other, so a pair of lists is swept for every i. Counts rise
from the least allowed, and lists of a count are built when it is reached: with a tolerance the search ends at
the first count that has a subset within it, which is the fewest, and builds no list of larger counts.

Items that exclude each other are one digit with several values. A digit lies wholly in one half, and its
values are merged into the lists from before its first, so that no sum has two of them.

Ends of lists that no sum of the other list brings within the error to beat are not swept. Lists carry no masks:
the lists of all k are kept, and the subset is found by walking back.

Ties. Half sums are compared as they are rounded. Of equals the subset with fewer items wins, then the one with
fewer in the first half, then the one that the sweep meets first; all of it follows from the sorted values.
"""

from __future__ import annotations

import numpy as np

from rsscircuit.subsetsum.compiled import kernel, run_cells
from rsscircuit.subsetsum.lists import closest, first_from, insert, merge
from rsscircuit.subsetsum.problem import BoolArray, Objective, Problem
from rsscircuit.subsetsum.rounding import compensated, rounding_of


@kernel
def _deal(items, digits, order, ranked, width, values, places, bases, steps, most):
    """Sort the items and deal the digits, widest first, each to the half with fewer combinations yet.

    Half h gets ``steps[h]`` items in ``most[h]`` digits; ``bases`` tells how many items precede an item's digit.
    Returns how many half sums all lists of both halves hold.
    """
    count, widest = 0, 0
    width[:] = 0
    for k in range(items.size):
        if items[k] != 0.0:
            insert(ranked, order, count, items[k], k)
            count += 1
            width[digits[k]] += 1
            widest = max(widest, width[digits[k]])
    steps[:], most[:] = 0, 0
    entries, combinations, before = 2, [1, 1], [1, 1]
    for wide in range(widest, 0, -1):
        for k in range(count):
            digit = digits[order[k]]
            if width[digit] == wide:
                half = 0 if combinations[0] <= combinations[1] else 1
                base, before[half] = steps[half], combinations[half]
                for m in range(k, count):
                    if digits[order[m]] == digit:
                        step = steps[half]
                        values[half, step], places[half, step], bases[half, step] = ranked[m], order[m], base
                        steps[half] += 1
                        combinations[half] += before[half]
                        entries += combinations[half]
                most[half] += 1
                width[digit] = 0
    return entries


@kernel
def _add_count(sums, end, count, values, bases, steps, starts, sizes):
    """Append the lists of all sums of ``count`` items, of the first 0, 1, ... items; returns the new end.

    The list of c of the first k items is at ``starts[k, c + 1]``.
    """
    for k in range(steps + 1):
        size = 1 if k == 0 and count == 0 else 0
        sums[end] = -np.inf
        if k == 0:
            sums[end + 1] = 0.0
        else:
            size, added = sizes[k - 1, count + 1], sizes[bases[k - 1], count]
            merge(sums, starts[k - 1, count + 1], size, starts[bases[k - 1], count], added, values[k - 1], end + 1)
            size += added
        starts[k, count + 1], sizes[k, count + 1] = end + 1, size
        end += size + 2
        sums[end - 1] = np.inf
    return end


@kernel
def _mark(sums, value, count, values, places, bases, steps, starts, sizes, chosen):
    """Mark the ``count`` items of a half whose sum is ``value``, walking back through its lists."""
    k = steps
    while k > 0:
        if sums[first_from(sums, starts[k - 1, count + 1], sizes[k - 1, count + 1], 0.0, value)] == value:
            k -= 1
        else:
            chosen[places[k - 1]] = True
            step, k = values[k - 1], bases[k - 1]
            value = sums[first_from(sums, starts[k, count], sizes[k, count], step, value)]
            count -= 1


@kernel
def _search_some(items, targets, tolerance, least, most, digits, first, stride, chosen, found, blurred):
    """Search the cells first, first + stride, ... with scratch memory of its own."""
    cells, n = items.shape
    order, ranked, width = np.empty(n, np.int64), np.empty(n), np.empty(n, np.int64)
    values, places, bases = np.empty((2, n)), np.empty((2, n), np.int64), np.empty((2, n), np.int64)
    starts, sizes = np.empty((2, n + 1, n + 2), np.int64), np.zeros((2, n + 1, n + 2), np.int64)
    steps, digits_in = np.empty(2, np.int64), np.empty(2, np.int64)
    starts[:, :, 0] = 1
    sums = np.empty(0)
    for cell in range(first, cells, stride):
        room = _deal(items[cell], digits, order, ranked, width, values, places, bases, steps, digits_in)
        room += 2 * (steps[0] + 1) * (digits_in[0] + 1) + 2 * (steps[1] + 1) * (digits_in[1] + 1) + 2
        if room > sums.size:
            sums = np.empty(room)
        sums[0], sums[1], end = -np.inf, np.inf, 2
        target = targets[cell]
        size = abs(target)
        for k in range(n):
            size += abs(items[cell, k])
        enough = tolerance[cell] + rounding_of(n, size)  # sums are rounded: what is within it is summed up again
        best = np.inf
        built = -1
        for count in range(least[cell], min(most[cell], digits_in[0] + digits_in[1]) + 1):
            while built < count:
                built += 1
                for half in range(2):
                    if built <= digits_in[half]:
                        end = _add_count(
                            sums, end, built, values[half], bases[half], steps[half], starts[half], sizes[half]
                        )
            before, best_part, best_first, best_second = best, 0, 0.0, 0.0
            for part in range(max(0, count - digits_in[1]), min(count, digits_in[0]) + 1):
                a, size_a = starts[0, steps[0], part + 1], sizes[0, steps[0], part + 1]
                b, size_b = starts[1, steps[1], count - part + 1], sizes[1, steps[1], count - part + 1]
                error, in_first, in_second = closest(sums, a, size_a, b, size_b, target, -np.inf, np.inf, best)
                if error < best:
                    best, best_part, best_first, best_second = error, part, in_first, in_second
            if best < before:
                found[cell], chosen[cell] = True, False
                for half in range(2):
                    in_half = best_part if half == 0 else count - best_part
                    value = best_first if half == 0 else best_second
                    _mark(
                        sums, value, in_half, values[half], places[half], bases[half], steps[half],
                        starts[half], sizes[half], chosen[cell],
                    )  # fmt: skip
                if best <= enough:
                    if abs(compensated(items[cell], chosen[cell], target)) <= tolerance[cell]:
                        break
                    blurred[cell] = True


def search(problem: Problem) -> tuple[BoolArray, BoolArray, BoolArray]:
    """The nearest subset with an allowed count and at most one item of each group; with a tolerance the fewest.

    With the objectives FEWEST and ANY the search ends at the least count that has a subset within the
    tolerance, and that count's nearest is chosen; where no count has one, the nearest of all.

    Up to 40 items that are not zero, or more where groups leave no half more than 2**20 combinations. Scratch
    memory is 16 bytes a half sum, at most 34 MB a thread. Every half sum is merged once; every allowed count
    takes a sweep of at most all of them, and far less once the error to beat is small.

    Returns:
        Chosen, bool [cells, n]; found, bool [cells]: False where no subset meets the constraints; and blurred, bool
        [cells]: where a sum came so near to the tolerance that rounding may hide a better subset.
    """
    cells, n = problem.items.shape
    digits = np.arange(n)
    for group in problem.groups:
        digits[list(group)] = min(group, default=0)
    tolerance = problem.tolerance if problem.objective is not Objective.NEAREST else np.zeros(cells)
    chosen, found, blurred = np.zeros((cells, n), np.bool_), np.zeros(cells, np.bool_), np.zeros(cells, np.bool_)
    run_cells(
        lambda first, stride: _search_some(
            problem.items, problem.targets, tolerance, problem.least_count, problem.most_count, digits,
            first, stride, chosen, found, blurred,
        ),
        cells=cells,
        steps_per_cell=8 << (n // 2),
    )  # fmt: skip
    if problem.objective is Objective.NEAREST:
        blurred[:] = False
    return chosen, found, blurred
