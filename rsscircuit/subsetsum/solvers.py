"""The solvers by name, and the one function that chooses among them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum import exact, relaxation, table, whole, window
from rsscircuit.subsetsum.kind import Kind, kind_of
from rsscircuit.subsetsum.problem import (
    MAX_ITEMS,
    BoolArray,
    FloatArray,
    Objective,
    Problem,
    Solution,
    Status,
    residuals_of,
)

AUTO = "auto"


class Solver(Protocol):
    """What every solver is: a name, what it cannot take, and the search itself."""

    NAME: str

    def obstacle(self, kind: Kind) -> str:
        """Why such problems are beyond the solver; empty where they are not."""

    def solve(self, problem: Problem) -> Solution:
        """The answers to a problem without forced items and without an obstacle."""


class _CpSat:
    """OR-Tools takes half a second to import, so it is loaded when it is used."""

    NAME = "cp-sat"

    def obstacle(self, kind: Kind) -> str:
        return f"{kind.items} items are beyond the {MAX_ITEMS} that cp-sat holds" if kind.items > MAX_ITEMS else ""

    def solve(self, problem: Problem) -> Solution:
        from rsscircuit.subsetsum import cpsat

        return cpsat.solve(problem)


SOLVERS: MappingProxyType[str, Solver] = MappingProxyType(
    {solver.NAME: solver for solver in (exact, window, table, whole, relaxation, _CpSat())}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A solver and the reason it was taken."""

    solver: str
    reason: str


def choose(solver: str, kind: Kind) -> Choice:
    """The solver that ``solver`` (a name or ``auto``) stands for, for problems of a kind.

    Raises:
        SolverError: No solver has that name, or the problem is beyond the one asked for.
    """
    if solver != AUTO:
        if not isinstance(solver, str) or solver not in SOLVERS:
            raise SolverError("no such solver", got=solver, remedy=f"choose from {', '.join([AUTO, *SOLVERS])}")
        obstacle = SOLVERS[solver].obstacle(kind)
        if obstacle:
            raise SolverError(obstacle, remedy=_remedy(solver, kind))
        return Choice(solver=solver, reason="asked for")
    if not window.obstacle(kind) and kind.items >= window.WORTH_FROM:
        return Choice(solver=window.NAME, reason=f"any of 2^{kind.items} subsets within the tolerance will do")
    if not table.obstacle(kind) and kind.cells >= table.worth_from(kind.items):
        return Choice(solver=table.NAME, reason=f"{kind.cells} targets on one bank of {kind.items} items")
    obstacle = exact.obstacle(kind)
    if not obstacle:
        return Choice(solver=exact.NAME, reason=f"exact, and {kind.items} items are within its limits")
    if not relaxation.obstacle(kind):
        return Choice(solver=relaxation.NAME, reason=f"{obstacle}; CP-SAT where it matters")
    if kind.items > MAX_ITEMS:
        raise SolverError(SOLVERS["cp-sat"].obstacle(kind), remedy=_remedy("cp-sat", kind))
    return Choice(solver="cp-sat", reason=obstacle)


def _remedy(solver: str, kind: Kind) -> str:
    ways = [name for name, other in SOLVERS.items() if name != solver and not other.obstacle(kind)]
    if not SOLVERS[solver].obstacle(replace(kind, items=1)):
        ways.append("fewer items")
    return f"use {' or '.join(ways)}" if ways else ""


def solve(problem: Problem, solver: str = AUTO) -> Solution:
    """Solve a batch with the named solver, or the one ``auto`` chooses.

    Forced items are taken out here, once for all solvers: what is always chosen moves the target and the
    bounds, what is never chosen becomes zero.

    Raises:
        SolverError: No solver has that name, or the problem is beyond the one asked for.
    """
    if problem.items.shape[2:] == (1,):
        one_sum = replace(problem, items=problem.items[:, :, 0], targets=problem.targets[:, 0])
        answer = solve(one_sum, solver)
        return replace(answer, residuals=answer.residuals[:, None])
    return _solve_around_forced(problem, solver) if problem.forced.any() else _solve_free(problem, solver)


def _solve_around_forced(problem: Problem, solver: str) -> Solution:
    free, possible = _without_forced(problem)
    cells = len(possible)
    chosen, status, quantum = problem.forced > 0, np.full(cells, Status.INFEASIBLE, np.int8), np.zeros(cells)
    name, reason, notes = "", "the forced items alone break every cell's side constraints", {}
    if possible.any():
        solved = np.flatnonzero(possible)
        answer = _solve_free(free.part(solved), solver)
        chosen[possible] |= answer.chosen
        status[possible], quantum[possible] = answer.status, answer.quantum
        name, reason = answer.solver, answer.reason
        notes = {int(solved[cell]): why for cell, why in answer.notes.items()}
    return Solution(
        chosen=chosen,
        residuals=residuals_of(problem.items, chosen, problem.targets),
        status=status,
        solver=name,
        reason=reason,
        quantum=quantum,
        notes=notes,
    )


def _solve_free(problem: Problem, solver: str) -> Solution:
    choice = choose(solver, kind_of(problem))
    return replace(SOLVERS[choice.solver].solve(problem), reason=choice.reason)


def _without_forced(problem: Problem) -> tuple[Problem, BoolArray]:
    """The same cells with only their free items, and which of them the forced items leave possible."""
    whole_items = problem.items.reshape(*problem.items.shape[:2], -1)
    always, taken = problem.forced > 0, problem.forced != 0
    counted = always & (whole_items != 0.0).any(axis=2)
    twice = np.zeros(len(always), np.bool_)
    for group in problem.groups:
        members = list(group)
        in_group = counted[:, members].sum(axis=1)
        twice |= in_group > 1
        taken[:, members] |= (in_group > 0)[:, None]
    counts = counted.sum(axis=1)
    most_total = problem.most_total - np.where(always, problem.magnitudes, 0.0).sum(axis=1)
    possible = ~twice & (counts <= problem.most_count) & (most_total >= 0)
    mask = taken if problem.sums == 1 else taken[:, :, None]
    targets = -residuals_of(problem.items, always, problem.targets)
    # what rounding the new targets takes away comes off the tolerance
    with_target = np.concatenate([problem.items, targets[:, None]], axis=1)
    lost = np.abs(residuals_of(with_target, np.pad(always, ((0, 0), (0, 1)), constant_values=True), problem.targets))
    lost = lost if problem.sums == 1 else lost.max(axis=1)
    tolerance = np.where(lost > 0, np.nextafter(problem.tolerance - lost, -np.inf), problem.tolerance)
    free = replace(
        problem,
        items=np.where(mask, 0.0, problem.items),
        targets=targets,
        tolerance=np.maximum(tolerance, 0.0),
        forced=np.zeros_like(problem.forced),
        least_count=np.maximum(problem.least_count - counts, 0),
        most_count=np.maximum(problem.most_count - counts, 0),
        most_total=np.maximum(most_total, 0.0),
        start=None if problem.start is None else problem.start & ~taken,
    )
    return free, possible


def solve_cells(
    conductances: ArrayLike,
    targets: ArrayLike,
    *,
    tolerance: ArrayLike = 0.0,
    objective: Objective = Objective.NEAREST,
    solver: str = AUTO,
    **constraints: Any,
) -> tuple[BoolArray, FloatArray]:
    """Choose, for every cell, the resistors whose conductances add up to its target (thesis eq. 6.1).

    Args:
        conductances: [cells, n], each cell its own bank; negative items subtract. With several sums a cell
            [cells, n, sums].
        targets: [cells] or [cells, sums], in the same unit.
        tolerance: Largest error that is good enough, [cells] or one number; ``NEAREST`` does not use it.
        objective: What is sought; the nearest sum by default.
        solver: ``auto`` or a solver's name.
        constraints: ``forced``, ``least_count``, ``most_count``, ``most_total``, ``groups``, as
            :class:`Problem` has them, and ``start``.

    Returns:
        Masks, bool [cells, n], and residuals, float64 like the targets: chosen sum minus target.

    Raises:
        SolverError: A malformed batch, one beyond the solver's limits, or a cell without an answer;
            :func:`solve` gives the others' answers and the status of each.

    Example:
        >>> masks, residuals = solve_cells([[1.0, 2.0, 4.0]], [5.2])
        >>> masks.tolist()
        [[True, False, True]]
        >>> masks, residuals = solve_cells([[1.0, 2.0, 4.0]], [5.2], most_count=1)
        >>> masks.tolist()
        [[False, False, True]]
    """
    problem = Problem.of(conductances, targets, tolerance=tolerance, objective=objective, **constraints)
    answer = solve(problem, solver)
    without = np.flatnonzero(answer.status == Status.INFEASIBLE)
    if without.size:
        raise SolverError(
            "no subset meets the side constraints",
            where=f"cell {without[0]}" + (f" and {without.size - 1} more" if without.size > 1 else ""),
            remedy="loosen them; solve(Problem.of(...)) answers the other cells and tells the status of each",
        )
    return answer.chosen, answer.residuals
