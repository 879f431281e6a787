"""Subset sums by OR-Tools CP-SAT, for the side constraints that no faster method takes.

Every cell is a :class:`~rsscircuit.subsetsum.model.SubsetModel` at the quantum that
:func:`~rsscircuit.subsetsum.model.quantum_of` gives. Within a tolerance the answer is the best of the subsets
that the rounding leaves in no doubt, and where there is none, the nearest, at most n + 1 quanta worse than the
best. Either is OPTIMAL_AT_QUANTUM where proved, never OPTIMAL.

Whether the side constraints can be met at all needs no search: the lightest subset of the least count, at most
one item a group, meets them if any does. It is the answer where the search finds nothing.

Effort is bounded by CP-SAT's deterministic time and never by the clock, with one search worker a cell, so that
the answer does not depend on the machine.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rsscircuit.execution import map_threads
from rsscircuit.subsetsum.model import DETERMINISTIC_LIMIT, Answer, SubsetModel, quantum_of
from rsscircuit.subsetsum.problem import BoolArray, Objective, Problem, Solution, Status, residuals_of

NAME = "cp-sat"


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
    model, start = _model_of(cell), None if cell.start is None else cell.start[0]
    if cell.objective is Objective.NEAREST:
        answer = _nearest(model, start, limit)
    else:
        answer = _within(cell, model, start, limit)
    if start is not None or not answer.found:
        answer = _no_worse(cell, model, start, answer)
    if cell.objective is Objective.ANY and answer.error <= cell.tolerance[0]:
        answer = replace(answer, reason="")
    return answer, model.quantum


def _no_worse(cell: Problem, model: SubsetModel, start: BoolArray | None, answer: Answer) -> Answer:
    """The answer, or what was known before the search where that is better."""
    known = start if start is not None and _meets(cell, start) else _lightest(cell)
    if known is None:
        return replace(answer, status=Status.INFEASIBLE, reason="")
    reason = answer.reason or "the start is better than what was proved"
    before = model.evaluate(known, Status.FEASIBLE, reason)
    return answer if answer.found and _rank(cell, answer) <= _rank(cell, before) else before


def _model_of(cell: Problem) -> SubsetModel:
    """The cell with its side constraints."""
    items, targets = cell.items[0], cell.targets[0]
    tolerance = 0.0 if cell.objective is Objective.NEAREST else float(cell.tolerance[0])
    model = SubsetModel(items, targets, quantum=quantum_of(items, targets, tolerance))
    least, most = int(cell.least_count[0]), int(cell.most_count[0])
    if least > 0 or most < _present(cell).sum():
        model.count_between(least, most)
    if cell.most_total[0] < cell.magnitudes[0].sum():
        model.total_at_most(float(cell.most_total[0]))
    for group in cell.groups:
        model.at_most_one(group)
    return model


def _within(cell: Problem, model: SubsetModel, start: BoolArray | None, limit: float) -> Answer:
    """The best within the tolerance, or else the nearest."""
    tolerance = float(cell.tolerance[0])
    model.within(tolerance)
    if cell.objective is Objective.LEAST_TOTAL:
        model.minimise_total()
    elif cell.objective is Objective.FEWEST:
        model.minimise_count()
    answer = model.solve(start=start, deterministic_limit=limit)
    if cell.objective is Objective.FEWEST and answer.status is Status.OPTIMAL_AT_QUANTUM:
        count = int(answer.chosen.sum())
        model.count_between(count, count)
        model.linearization_level = 0  # the count is known to be in reach
        model.minimise_error()
        nearest = model.solve(start=answer.chosen, deterministic_limit=limit)
        answer = nearest if nearest.found else model.evaluate(answer.chosen, Status.FEASIBLE, nearest.reason)
    if answer.found:
        return answer
    nearest = _nearest(_model_of(cell), start, limit)
    if answer.status is Status.INFEASIBLE and nearest.error > tolerance:
        return nearest
    reason = answer.reason or nearest.reason or "within the tolerance by less than the rounding may hide"
    return replace(nearest, status=min(nearest.status, Status.FEASIBLE), reason=reason)


def _nearest(model: SubsetModel, start: BoolArray | None, limit: float) -> Answer:
    """The nearest that meets the side constraints."""
    model.minimise_error()
    answer = model.solve(start=start, deterministic_limit=limit)
    if answer.status is Status.INFEASIBLE:
        return replace(answer, reason="the rounding leaves nothing below the bound on the total")
    return answer


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
    if cell.objective is Objective.FEWEST:
        return (0.0, float(answer.chosen.sum()), answer.error)
    return (0.0, 0.0, 0.0)
