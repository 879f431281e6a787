"""Meet in the middle: the exact solver, and which of its searches answers which problem.

* nearest sum without side constraints: :mod:`rsscircuit.subsetsum.nearest`, or in plain NumPy
  :mod:`rsscircuit.subsetsum.plain` with the same masks where numba is missing;
* least total within a tolerance, or a bound on the total: :mod:`rsscircuit.subsetsum.by_sign`;
* fewest items, bounds on their number, exclusive groups: :mod:`rsscircuit.subsetsum.by_count`;
* several sums at once, or the least cost: :mod:`rsscircuit.subsetsum.vector`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rsscircuit.subsetsum import by_count, by_sign, plain, vector
from rsscircuit.subsetsum.compiled import COMPILED
from rsscircuit.subsetsum.kind import Kind, bindings_of
from rsscircuit.subsetsum.problem import (
    BoolArray,
    FloatArray,
    Objective,
    Problem,
    Solution,
    Status,
    packed,
    residuals_of,
    unpacked,
)

if COMPILED:
    from rsscircuit.subsetsum import nearest

NAME = "meet-in-the-middle"
MAX_ITEMS = 40
MAX_SUMS = 16
MAX_ITEMS_OF_VECTORS = 32
BLURRED = "a sum lies so near to the tolerance that its rounding may hide a better subset"


def obstacle(kind: Kind) -> str:
    """Why such problems are beyond the method; empty where they are not."""
    if kind.items > MAX_ITEMS:
        return f"{kind.items} items are beyond the {MAX_ITEMS} that {NAME} holds"
    if kind.sums > 1 or kind.objective is Objective.LEAST_COST:
        what = f"{kind.sums} sums" if kind.sums > 1 else "costs"
        if kind.sums > MAX_SUMS or kind.items > MAX_ITEMS_OF_VECTORS:
            most = f"{MAX_SUMS} of {MAX_ITEMS_OF_VECTORS}" if kind.sums > 1 else f"the {MAX_ITEMS_OF_VECTORS}"
            return f"{what} of {kind.items} items are beyond {most} in {NAME}"
        if kind.constrained or kind.objective is Objective.FEWEST:
            return f"{NAME} takes {what} without side constraints, and not for the fewest items"
        return ""
    totalled = kind.bounded or kind.objective is Objective.LEAST_TOTAL
    counted = kind.counted or kind.grouped or kind.objective is Objective.FEWEST
    return f"{NAME} bounds either the total or the number of items, not both" if totalled and counted else ""


def solve(problem: Problem) -> Solution:
    """Solve every cell exactly; the answer depends neither on the number of threads nor on the other cells.

    OPTIMAL means best for the float64 values up to the rounding of their sums, some 1e-15 of the items' total.

    The problem must be within the method's limits, see :func:`obstacle`.
    """
    status = np.full(len(problem.items), Status.OPTIMAL, np.int8)
    several = problem.sums > 1 or problem.objective is Objective.LEAST_COST
    chosen = _several_sums(problem, status) if several else _one_sum(problem, status)
    return Solution(
        chosen=chosen,
        residuals=residuals_of(problem.items, chosen, problem.targets),
        status=status,
        solver=NAME,
        quantum=np.zeros(len(chosen)),
        notes=dict.fromkeys(np.flatnonzero(status == Status.FEASIBLE).tolist(), BLURRED),
    )


def _several_sums(problem: Problem, status: NDArray[np.int8]) -> BoolArray:
    """Chosen, bool [cells, n]; sets status where not OPTIMAL."""
    items, places = packed(problem.items)
    costs = None if problem.costs is None else np.take_along_axis(problem.costs, places, axis=1)
    few = replace(problem, items=items, costs=costs)
    chosen, found, blurred = vector.search(few)
    status[blurred] = Status.FEASIBLE
    if not found.all():
        missed = np.flatnonzero(~found)  # nothing within the tolerance: the nearest
        chosen[missed] = vector.search(replace(few.part(missed), objective=Objective.NEAREST))[0]
    return unpacked(chosen, places, problem.items.shape[1])


def _one_sum(problem: Problem, status: NDArray[np.int8]) -> BoolArray:
    """Chosen, bool [cells, n], every cell by the search that its own bounds ask for; sets status where not OPTIMAL."""
    binds = bindings_of(problem)
    totalled = binds.bounded | (problem.objective is Objective.LEAST_TOTAL)
    counted = ~totalled & (binds.counted | binds.grouped | (problem.objective is Objective.FEWEST))
    free = ~totalled & ~counted
    if free.all():
        return search_nearest(problem.items, problem.targets)
    chosen = np.zeros(problem.items.shape, np.bool_)
    if totalled.any():
        chosen[totalled], found, blurred = by_sign.search(problem.part(totalled))
        status[np.flatnonzero(totalled)[blurred]] = Status.FEASIBLE
        missed = np.flatnonzero(totalled)[~found]  # nothing within the tolerance: the nearest, by what binds it
        bounded, free[missed] = missed[binds.bounded[missed]], ~binds.bounded[missed]
        if bounded.size:
            chosen[bounded] = by_sign.search(replace(problem.part(bounded), objective=Objective.NEAREST))[0]
    if counted.any():
        chosen[counted], found, blurred = by_count.search(problem.part(counted))
        status[np.flatnonzero(counted)[blurred]] = Status.FEASIBLE
        status[np.flatnonzero(counted)[~found]] = Status.INFEASIBLE
    if free.any():
        chosen[free] = search_nearest(problem.items[free], problem.targets[free])
    return chosen


def search_nearest(items: FloatArray, targets: FloatArray) -> BoolArray:
    """The nearest subset of each cell, bool [cells, n], compiled where it can be; the masks are the same."""
    if not COMPILED:
        return plain.search(items, targets)
    if items.shape[1] <= MAX_ITEMS:
        return nearest.search(items, targets)
    few, places = packed(items)  # scratch grows as 2**(n / 2)
    return unpacked(nearest.search(few, targets), places, items.shape[1])
