"""Subset sums by OR-Tools CP-SAT, for the side constraints that no faster method takes.

Every cell is a :class:`~rsscircuit.subsetsum.model.SubsetModel` at the quantum that
:func:`~rsscircuit.subsetsum.model.quantum_of` gives. Rounded bounds on errors and totals let a little more in, what
breaks the true ones is taken out and the search goes on; so a choice is neither missed nor let in for the rounding of
a bound. What is sought, a total or an error, is best but for n + 1 quanta: OPTIMAL_AT_QUANTUM where proved, never
OPTIMAL.

Whether the side constraints can be met at all needs no search: the lightest subset of the least count, at most
one item a group, meets them if any does. It is the answer where the search finds nothing.

Effort is bounded by CP-SAT's deterministic time and never by the clock, with one search worker a cell, so that
the answer does not depend on the machine.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rsscircuit.execution import map_threads
from rsscircuit.subsetsum.model import DETERMINISTIC_LIMIT, Answer, SubsetModel, power_of_two_below, quantum_of
from rsscircuit.subsetsum.problem import BoolArray, Objective, Problem, Solution, Status, residuals_of

NAME = "cp-sat"
ATTEMPTS = 8  # choices that break the true bounds, before bounds are taken narrower


def solve(problem: Problem, *, deterministic_limit: float = DETERMINISTIC_LIMIT) -> Solution:
    """Solve every cell with CP-SAT, cells side by side on all cores.

    Args:
        problem: The batch, without forced items.
        deterministic_limit: CP-SAT's deterministic time a cell and attempt, the same on every machine.

    Raises:
        SolverError: Values that overflow the integer model.
    """

    def one(cell: int) -> tuple[Answer, float]:
        return _solve_cell(problem.part(slice(cell, cell + 1)), deterministic_limit)

    answers = map_threads(one, range(len(problem.items)))
    chosen = np.array([answer.chosen for answer, _ in answers])
    return Solution(
        chosen=chosen,
        residuals=residuals_of(problem.items, chosen, problem.targets),
        status=np.array([answer.status for answer, _ in answers], np.int8),
        solver=NAME,
        quantum=np.array([quantum for _, quantum in answers]),
        notes={cell: answer.reason for cell, (answer, _) in enumerate(answers) if answer.reason},
    )


def _solve_cell(cell: Problem, limit: float) -> tuple[Answer, float]:
    """The answer to a problem of one cell, and the quantum."""
    start = None if cell.start is None else cell.start[0]
    search = _nearest if cell.objective is Objective.NEAREST else _within
    answer = search(cell, start, limit)
    if start is not None or not answer.found:
        answer = _no_worse(cell, start, answer)
    if cell.objective is Objective.ANY and answer.error <= cell.tolerance[0]:
        answer = replace(answer, reason="")
    return answer, _quantum(cell)


def _no_worse(cell: Problem, start: BoolArray | None, answer: Answer) -> Answer:
    """The answer, or what was known before the search where that is better."""
    known = start if start is not None and _meets(cell, start) else _lightest(cell)
    if known is None:
        return replace(answer, status=Status.INFEASIBLE, reason="")
    reason = answer.reason or "the start is better than what was proved"
    before = _model_of(cell).evaluate(known, Status.FEASIBLE, reason)
    return answer if answer.found and _rank(cell, answer) <= _rank(cell, before) else before


def _quantum(cell: Problem) -> float:
    """The step of a cell's models."""
    tolerance = 0.0 if cell.objective is Objective.NEAREST else float(cell.tolerance[0])
    return power_of_two_below(quantum_of(cell.items[0], cell.targets[0], tolerance))


def _model_of(cell: Problem, *, at_least_these: bool = True, tolerance: float | None = None) -> SubsetModel:
    """The cell with its side constraints and the tolerance, if one is given."""
    model = SubsetModel(cell.items[0], cell.targets[0], quantum=_quantum(cell))
    least, most = int(cell.least_count[0]), int(cell.most_count[0])
    if least > 0 or most < _present(cell).sum():
        model.count_between(least, most)
    if cell.most_total[0] < cell.magnitudes[0].sum():
        model.total_at_most(float(cell.most_total[0]), at_least_these=at_least_these)
    for group in cell.groups:
        model.at_most_one(group)
    if tolerance is not None:
        model.within(tolerance, at_least_these=at_least_these)
    return model


def _best(
    cell: Problem,
    seek: Callable[[SubsetModel], None],
    start: BoolArray | None,
    limit: float,
    tolerance: float | None = None,
) -> Answer:
    """The best choice that meets the bounds in truth; INFEASIBLE where it is proved that there is none.

    Rounded bounds let a little more in, and what turns out to break the true ones is forbidden, so that what is proved
    best is the best. Where that does not end soon, bounds that let a little less in give an answer without a proof.
    """
    model = _model_of(cell, tolerance=tolerance)
    seek(model)
    for _ in range(ATTEMPTS):
        answer = model.solve(start=start, deterministic_limit=limit)
        if not answer.found or (_meets(cell, answer.chosen) and (tolerance is None or answer.error <= tolerance)):
            return answer
        model.forbid(answer.chosen)
    model = _model_of(cell, at_least_these=False, tolerance=tolerance)
    seek(model)
    answer = model.solve(start=start, deterministic_limit=limit)
    reason = answer.reason or "others may meet the bounds by less than the rounding hides"
    return replace(answer, status=Status.FEASIBLE if answer.found else Status.UNSOLVED, reason=reason)


def _within(cell: Problem, start: BoolArray | None, limit: float) -> Answer:
    """The best within the tolerance, or else the nearest."""
    tolerance = float(cell.tolerance[0])
    answer = _best(cell, _seek(cell), start, limit, tolerance)
    if cell.objective is Objective.FEWEST and answer.status is Status.OPTIMAL_AT_QUANTUM:
        count = int(answer.chosen.sum())

        def seek(model: SubsetModel) -> None:
            model.count_between(count, count)
            model.linearization_level = 0  # the count is known to be in reach
            model.minimise_error()

        nearest = _best(cell, seek, answer.chosen, limit, tolerance)
        reason = nearest.reason or "the nearest of the fewest was not found"
        answer = nearest if nearest.found else replace(answer, status=Status.FEASIBLE, reason=reason)
    if answer.found:
        return answer
    nearest = _nearest(cell, start, limit)
    if answer.status is Status.INFEASIBLE:
        return nearest
    return replace(nearest, status=min(nearest.status, Status.FEASIBLE), reason=answer.reason or nearest.reason)


def _nearest(cell: Problem, start: BoolArray | None, limit: float) -> Answer:
    """The nearest that meets the side constraints."""
    return _best(cell, SubsetModel.minimise_error, start, limit)


_SOUGHT: dict[Objective, Callable[[SubsetModel], None]] = {
    Objective.LEAST_TOTAL: SubsetModel.minimise_total,
    Objective.FEWEST: SubsetModel.minimise_count,
    Objective.ANY: lambda model: None,
}


def _seek(cell: Problem) -> Callable[[SubsetModel], None]:
    """What is sought among the subsets within the tolerance."""
    if cell.costs is None:
        return _SOUGHT[cell.objective]
    costs = cell.costs[0]
    return lambda model: model.minimise_cost(costs)


def _lightest(cell: Problem) -> BoolArray | None:
    """The subset of least total that meets the side constraints, None where none does."""
    sizes, pool = cell.magnitudes[0], _present(cell)
    for group in cell.groups:
        members = [item for item in group if pool[item]]
        pool[members] = False
        pool[sorted(members, key=sizes.__getitem__)[:1]] = True
    order = np.argsort(np.where(pool, sizes, np.inf), kind="stable")[: cell.least_count[0]]
    if not pool[order].all() or math.fsum(sizes[order]) > cell.most_total[0]:
        return None
    chosen = np.zeros(len(pool), np.bool_)
    chosen[order] = True
    return chosen


def _meets(cell: Problem, chosen: BoolArray) -> bool:
    """Whether a choice meets the side constraints."""
    counted = cell.least_count[0] <= chosen.sum() <= cell.most_count[0]
    bounded = math.fsum(cell.magnitudes[0][chosen]) <= cell.most_total[0]
    grouped = all(chosen[list(group)].sum() <= 1 for group in cell.groups)
    return bool(counted and bounded and grouped and _present(cell)[chosen].all())


def _present(cell: Problem) -> BoolArray:
    present: BoolArray = (cell.items[0].reshape(cell.items.shape[1], -1) != 0.0).any(axis=1)
    return present


def _rank(cell: Problem, answer: Answer) -> tuple[float, float, float]:
    """What is sought, the better the smaller: within the tolerance first."""
    if cell.objective is Objective.NEAREST or answer.error > cell.tolerance[0]:
        return (1.0, answer.error, 0.0)
    if cell.objective is Objective.LEAST_TOTAL:
        return (0.0, answer.total, 0.0)
    if cell.costs is not None:
        return (0.0, math.fsum(cell.costs[0][answer.chosen].tolist()), 0.0)
    if cell.objective is Objective.FEWEST:
        return (0.0, float(answer.chosen.sum()), answer.error)
    return (0.0, 0.0, 0.0)
