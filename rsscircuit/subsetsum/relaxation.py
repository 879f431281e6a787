"""Side constraints that the exact solver cannot hold, dropped first and seen to afterwards.

A cell is solved without them, exactly and fast. Where the best subset of all happens to meet them, it is the best
that does; most constraints bind few cells. The others are left to CP-SAT.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rsscircuit.subsetsum import exact
from rsscircuit.subsetsum.kind import Kind
from rsscircuit.subsetsum.problem import BoolArray, Objective, Problem, Solution

NAME = "relaxation"


def obstacle(kind: Kind) -> str:
    """Why such problems are beyond the method; empty where they are not."""
    obstacle = exact.obstacle(_relaxed_kind(kind))
    return f"without its counts and groups: {obstacle}" if obstacle else ""


def solve(problem: Problem) -> Solution:
    """Exact answers where they meet the side constraints, CP-SAT's elsewhere.

    Every cell has the status and the quantum of the solver that answered it.
    """
    from rsscircuit.subsetsum import cpsat  # OR-Tools takes half a second to import

    answer = exact.solve(_relaxed(problem))
    broken = np.flatnonzero(~_met(problem, answer.chosen))
    if not broken.size:
        return replace(answer, solver=NAME)
    notes = {cell: why for cell, why in answer.notes.items() if cell not in set(broken.tolist())}
    rest = cpsat.solve(problem.part(broken))
    for name in ("chosen", "residuals", "status", "quantum"):
        getattr(answer, name)[broken] = getattr(rest, name)
    return replace(answer, solver=NAME, notes=notes | {int(broken[cell]): why for cell, why in rest.notes.items()})


def _relaxed_kind(kind: Kind) -> Kind:
    bounds_stay = kind.sums == 1 and kind.objective is not Objective.LEAST_COST
    return replace(kind, counted=False, grouped=False, bounded=kind.bounded and bounds_stay)


def _relaxed(problem: Problem) -> Problem:
    """Without counts and groups; the exact solver bounds the total of one sum, not that of several, nor with costs."""
    cells, n = problem.items.shape[:2]
    free = replace(problem, groups=(), least_count=np.zeros(cells, np.int64), most_count=np.full(cells, n))
    bounds_stay = problem.sums == 1 and problem.objective is not Objective.LEAST_COST
    return free if bounds_stay else replace(free, most_total=np.full(cells, np.inf))


def _met(problem: Problem, chosen: BoolArray) -> BoolArray:
    """Which choices meet the side constraints, bool [cells]; no solver chooses an item that is zero."""
    count = np.count_nonzero(chosen, axis=1)
    met = (count >= problem.least_count) & (count <= problem.most_count)
    met &= np.where(chosen, problem.magnitudes, 0.0).sum(axis=1) <= problem.most_total
    for group in problem.groups:
        met &= np.count_nonzero(chosen[:, list(group)], axis=1) <= 1
    result: BoolArray = met
    return result
