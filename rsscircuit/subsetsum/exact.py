"""Exact subset sums, compiled, on all cores.

Two searches:

* nearest: see :mod:`rsscircuit.subsetsum.nearest`;
* least total within a tolerance: the positive items against the negative ones. A sum p - m within the
  tolerance of t costs p + m = t + 2 m up to the tolerance, so the sorted sums of the negative items are taken
  in rising order, and both lists are cut off above a bound that grows only when nothing was found below it.
  Small targets, which most trained weights are, need a few dozen sums of the thousands. Where no subset is
  within the tolerance, the nearest is taken.

Ties: the first subset found wins, in an order that depends on the cell's values alone.
"""

from __future__ import annotations

import numpy as np
from numba import get_num_threads, njit, prange

from rsscircuit.subsetsum.nearest import choose_nearest, insert
from rsscircuit.subsetsum.problem import Objective, Problem, Solution, Status, residuals_of

NAME = "meet-in-the-middle"
MAX_NEAREST = 40
MAX_ONE_SIGN = 20
_SUMS_PER_CHUNK = 2**20  # less work than this does not pay for starting threads
_ROUNDING = 16 * 2.0**-52
_SMALLEST = 2.0**-1000


@njit(cache=True)
def _sorted_sums(values, count, bound, sums, masks):
    """Subset sums <= bound of values[:count] (all > 0), ascending, into row ``side`` of the buffers.

    ``sums`` and ``masks`` are [2, capacity]; the two rows take turns. Returns (side, size).
    """
    side, size = 0, 1
    sums[0, 0], masks[0, 0] = 0.0, 0
    for k in range(count):
        step = values[k]
        bit = np.uint32(1) << np.uint32(k)
        other = 1 - side
        low, high, out = 0, 0, 0
        while high < size and sums[side, high] + step <= bound:
            shifted = sums[side, high] + step
            while low < size and sums[side, low] <= shifted:
                sums[other, out], masks[other, out] = sums[side, low], masks[side, low]
                low += 1
                out += 1
            sums[other, out], masks[other, out] = shifted, masks[side, high] | bit
            high += 1
            out += 1
        while low < size:
            sums[other, out], masks[other, out] = sums[side, low], masks[side, low]
            low += 1
            out += 1
        side, size = other, out
    return side, size


@njit(cache=True)
def _least_total(items, target, tolerance, values, places, sums_a, masks_a, sums_b, masks_b, chosen):
    """Mark the subset within ``tolerance`` of least total magnitude; False where there is none."""
    n = items.size
    flip = -1.0 if target < 0.0 else 1.0
    goal = flip * target
    plus, whole_minus = 0, 0.0
    for k in range(n):
        if flip * items[k] > 0.0:
            insert(values, places, plus, flip * items[k], k)
            plus += 1
    count = plus
    for k in range(n):
        if flip * items[k] < 0.0:
            insert(values[plus:], places[plus:], count - plus, -flip * items[k], k)
            whole_minus -= flip * items[k]
            count += 1
    # sums are rounded: what is within this narrower tolerance is within the true one when it is recomputed
    total = abs(target)
    for k in range(count):
        total += values[k]
    tolerance -= _ROUNDING * total
    bound = max(whole_minus / 64.0, _SMALLEST)
    best, best_p, best_m = np.inf, np.uint32(0), np.uint32(0)
    while True:
        side_m, size_m = _sorted_sums(values[plus:], count - plus, bound, sums_b, masks_b)
        side_p, size_p = _sorted_sums(values, plus, goal + tolerance + bound, sums_a, masks_a)
        j = 0
        for i in range(size_m):
            minus = sums_b[side_m, i]
            if goal - tolerance + 2.0 * minus > best:
                break
            while j < size_p and sums_a[side_p, j] < goal + minus - tolerance:
                j += 1
            if j == size_p:
                break
            cost = sums_a[side_p, j] + minus
            if sums_a[side_p, j] <= goal + minus + tolerance and cost < best:
                best, best_p, best_m = cost, masks_a[side_p, j], masks_b[side_m, i]
        # a subset with a minus sum above the bound costs more than goal - tolerance + 2 bound
        if best <= goal - tolerance + 2.0 * bound or bound >= whole_minus:
            break
        bound = whole_minus if bound * 4.0 >= whole_minus else bound * 4.0
    for k in range(n):
        chosen[k] = False
    for k in range(count):
        taken = (best_p >> np.uint32(k)) & 1 if k < plus else (best_m >> np.uint32(k - plus)) & 1
        if taken:
            chosen[places[k]] = True
    return best < np.inf


@njit(cache=True, nogil=True)
def _solve_some(items, targets, tolerance, least_total, capacity, levels, first, stride, chosen):
    """Solve the cells first, first + stride, ... with scratch memory of its own."""
    cells, n = items.shape
    values, places = np.empty(n), np.empty(n, np.int64)
    levels_a, levels_b = np.empty(levels), np.empty(levels)
    sums_a, masks_a = np.empty((2, capacity)), np.empty((2, capacity), np.uint32)
    sums_b, masks_b = np.empty((2, capacity)), np.empty((2, capacity), np.uint32)
    for cell in range(first, cells, stride):
        found = False
        if least_total and tolerance[cell] > 0.0:
            found = _least_total(
                items[cell], targets[cell], tolerance[cell],
                values, places, sums_a, masks_a, sums_b, masks_b, chosen[cell],
            )  # fmt: skip
        if not found:
            choose_nearest(items[cell], targets[cell], values, places, levels_a, levels_b, chosen[cell])


@njit(cache=True, parallel=True)
def _solve_all(items, targets, tolerance, least_total, capacity, levels, chunks, chosen):
    for chunk in prange(chunks):
        _solve_some(items, targets, tolerance, least_total, capacity, levels, chunk, chunks, chosen)


def obstacle(*, items: int, one_sign: int) -> str:
    """Why cells of so many non-zero items are beyond the method; empty where they are not."""
    if items > MAX_NEAREST:
        return f"{items} items are beyond the {MAX_NEAREST} that {NAME} holds"
    if one_sign > MAX_ONE_SIGN:
        return f"{one_sign} items of one sign are beyond the {MAX_ONE_SIGN} that {NAME} holds with a tolerance"
    return ""


def solve(problem: Problem) -> Solution:
    """Solve every cell exactly; the answer does not depend on the number of threads.

    OPTIMAL means best for the float64 values up to the rounding of their sums, some 1e-15 of the items' total.
    Scratch memory is bounded: under 100 MB a thread at the largest sizes.

    The problem must be within the method's limits, see :func:`obstacle`.
    """
    items = problem.items
    n = int((items != 0.0).sum(1).max(initial=0))
    one_sign = int(max((items > 0.0).sum(1).max(initial=0), (items < 0.0).sum(1).max(initial=0)))
    least_total = problem.objective is not Objective.NEAREST and bool((problem.tolerance > 0.0).any())
    capacity = 1 << one_sign if least_total else 1
    levels = (2 << (n - n // 2)) + n + 2
    cells = len(items)
    chunks = min(cells, cells * max(capacity, levels) // _SUMS_PER_CHUNK, 4 * get_num_threads())
    chosen = np.zeros(items.shape, np.bool_)
    if chunks > 1:
        _solve_all(items, problem.targets, problem.tolerance, least_total, capacity, levels, chunks, chosen)
    else:  # starting threads would take longer than the work
        _solve_some(items, problem.targets, problem.tolerance, least_total, capacity, levels, 0, 1, chosen)
    residuals = residuals_of(items, chosen, problem.targets)
    return Solution(
        chosen=chosen,
        residuals=residuals,
        status=np.full(cells, Status.OPTIMAL, np.int8),
        solver=NAME,
        quantum=np.zeros(cells),
    )
