"""Any subset within a tolerance: most items are fixed greedily, the exact search runs on the few that remain.

A tolerance far above the gap of all 2**n sums is met by the sums of a few items. Of ``m`` items some
2**m p 2 tol sums lie within tol of a target, p being the density of their sums there; m is the least for which
that is about :data:`HITS_WANTED`. They are spread evenly over the sorted items. The others are fixed from the
largest down, each taken if that brings what is left nearer to the middle of what the window can reach. Where the
window finds nothing, it moves on to other items, grows, and in the end is the whole cell: a subset within the
tolerance is found wherever there is one, and elsewhere the nearest.
"""

from __future__ import annotations

import numpy as np

from rsscircuit.subsetsum import exact
from rsscircuit.subsetsum.compiled import COMPILED, kernel, run_cells
from rsscircuit.subsetsum.kind import Kind
from rsscircuit.subsetsum.lists import sort_sizes
from rsscircuit.subsetsum.problem import Objective, Problem, Solution, Status, packed, residuals_of, unpacked
from rsscircuit.subsetsum.rounding import compensated

if COMPILED:
    from rsscircuit.subsetsum.nearest import choose, room_for
else:
    from rsscircuit.subsetsum.plain import choose, room_for

NAME = "window"
WORTH_FROM = 20
HITS_WANTED = 2.0
LEAST_WINDOW = 6
ATTEMPTS = 3  # windows of one size that are tried before the window grows
GROWTH = 4


def obstacle(kind: Kind) -> str:
    """Why such problems are beyond the method; empty where they are not."""
    if kind.objective is not Objective.ANY or kind.sums > 1 or kind.constrained:
        return f"{NAME} finds any subset of one sum within a tolerance, without side constraints"
    if kind.items > exact.MAX_ITEMS:
        return f"{kind.items} items are beyond the {exact.MAX_ITEMS} that {NAME} holds"
    return ""


@kernel
def _hits(size, squares, off_centre, tolerance):
    """Expected sums of ``size`` items within the tolerance of a goal, the sums being about normal."""
    variance = 0.25 * squares
    if not 0.0 < variance < np.inf:
        return 0.0
    # (1 + x^2 / 32)^16 for exp(x^2 / 2): products are the same on every machine, an exponential may not be
    fall = 1.0 + off_centre * off_centre / (32.0 * variance)
    for _ in range(4):
        fall *= fall
    return 2.0**size * 2.0 * tolerance / (fall * np.sqrt(2.0 * np.pi * variance))


@kernel
def _fix(values, zeros, count, size, offset, goal, fixed):
    """Choose a window of ``size`` items and fix the others greedily; returns what the window is to meet.

    ``fixed`` [n], by rank: 2 in the window, 1 chosen, 0 not. Also returns the window's total and sum of squares.
    """
    total, squares = 0.0, 0.0
    for k in range(count):
        fixed[zeros + k] = 0
    for w in range(size):
        rank = zeros + (w * count // size + offset) % count
        fixed[rank] = 2
        total += values[rank]
        squares += values[rank] * values[rank]
    for k in range(zeros + count - 1, zeros - 1, -1):
        if fixed[k] == 0 and goal - 0.5 * total > 0.5 * values[k]:
            fixed[k] = 1
            goal -= values[k]
    return goal, total, squares


@kernel
def _within(items, target, tolerance, numbers, order, marks, fixed, levels_a, levels_b, chosen):
    """Mark a subset within ``tolerance`` of ``target``, or the nearest; the rest is scratch.

    ``numbers`` is float64 [4, n], ``order`` int64 [4, n], ``marks`` bool [2, n], ``fixed`` int8 [n].
    """
    n = items.size
    sizes, values, part, spare = numbers[0], numbers[1], numbers[2], numbers[3]
    trial, part_chosen = marks[0], marks[1]
    goal, zeros = sort_sizes(items, target, 1.0, sizes, values, order[:2])
    count = n - zeros
    squares = 0.0
    for k in range(zeros, n):
        squares += values[k] * values[k]
    size, attempt = LEAST_WINDOW, 0
    while size < count and _hits(size, squares * size / count, 0.0, tolerance) < HITS_WANTED:
        size += 1
    while size < count:
        wanted, total, squares = _fix(values, zeros, count, size, attempt, goal, fixed)
        hits = _hits(size, squares, wanted - 0.5 * total, tolerance)
        if attempt == 0 and hits < HITS_WANTED:  # the target lies far from the middle of what the window reaches
            size, attempt = size + 1, 1
            while size < count and 4.0 * hits <= HITS_WANTED:
                size, hits = size + 1, 2.0 * hits
            continue
        at = 0
        for k in range(zeros, n):
            if fixed[k] == 2:
                part[at] = values[k]
                at += 1
        choose(part[:at], wanted, sizes, spare, order[2:], levels_a, levels_b, trial[:at], part_chosen[:at])
        at = 0
        for k in range(n):
            chosen[k] = items[k] < 0.0
        for k in range(zeros, n):
            taken = fixed[k] == 1
            if fixed[k] == 2:
                taken = part_chosen[at]
                at += 1
            chosen[order[1, k]] ^= taken
        if abs(compensated(items, chosen, target)) <= tolerance:
            return
        attempt += 1
        if attempt % ATTEMPTS == 0:
            size += GROWTH
    choose(items, target, sizes, values, order[:2], levels_a, levels_b, trial, chosen)


@kernel
def _solve_some(items, targets, tolerance, first, stride, chosen):
    cells, n = items.shape
    levels_a, levels_b = np.empty(room_for(n)), np.empty(room_for(n))
    numbers, order = np.empty((4, n)), np.empty((4, n), np.int64)
    marks, fixed = np.empty((2, n), np.bool_), np.empty(n, np.int8)
    for cell in range(first, cells, stride):
        _within(
            items[cell], targets[cell], tolerance[cell],
            numbers, order, marks, fixed, levels_a, levels_b, chosen[cell],
        )  # fmt: skip


def solve(problem: Problem) -> Solution:
    """A subset within the tolerance for every cell that has one, else the nearest; the latter is OPTIMAL."""
    items, targets, tolerance = problem.items, problem.targets, problem.tolerance
    few, places = packed(items)
    marked = np.zeros(few.shape, np.bool_)
    run_cells(
        lambda first, stride: _solve_some(few, targets, tolerance, first, stride, marked),
        cells=len(few),
        steps_per_cell=2**9,
    )
    chosen = unpacked(marked, places, items.shape[1])
    residuals = residuals_of(items, chosen, targets)
    within = np.abs(residuals) <= tolerance
    return Solution(
        chosen=chosen,
        residuals=residuals,
        status=np.where(within, Status.FEASIBLE, Status.OPTIMAL).astype(np.int8),
        solver=NAME,
        quantum=np.zeros(len(items)),
    )
