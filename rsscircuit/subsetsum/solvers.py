"""The solvers by name, and the one function that chooses among them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum import exact
from rsscircuit.subsetsum.problem import FloatArray, Objective, Problem, Solution

AUTO = "auto"


def _cp_sat(problem: Problem) -> Solution:
    from rsscircuit.subsetsum import cpsat  # OR-Tools takes half a second to import

    return cpsat.solve(problem)


SOLVERS: MappingProxyType[str, Callable[[Problem], Solution]] = MappingProxyType(
    {"meet-in-the-middle": exact.solve, "cp-sat": _cp_sat}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A solver and the reason it was taken."""

    solver: str
    reason: str


def choose(solver: str, *, items: int, one_sign: int, tolerance: bool) -> Choice:
    """The solver that ``solver`` (a name or ``auto``) stands for.

    Args:
        solver: ``auto``, ``meet-in-the-middle`` or ``cp-sat``.
        items: Largest number of non-zero items a cell has.
        one_sign: Largest number of items of one sign.
        tolerance: Whether any subset within a tolerance will do.

    Raises:
        SolverError: No solver has that name, or the problem is beyond the one asked for.
    """
    if solver != AUTO:
        if solver not in SOLVERS:
            raise SolverError("no such solver", got=solver, remedy=f"choose from {', '.join([AUTO, *SOLVERS])}")
        obstacle = exact.obstacle(items=items, one_sign=one_sign if tolerance else 0)
        if solver == exact.NAME and obstacle:
            raise SolverError(obstacle, remedy="use fewer resistors or the cp-sat solver")
        return Choice(solver=solver, reason="asked for")
    obstacle = exact.obstacle(items=items, one_sign=one_sign if tolerance else 0)
    if obstacle:
        return Choice(solver="cp-sat", reason=obstacle)
    return Choice(solver=exact.NAME, reason=f"exact, and {items} items are within its {exact.MAX_NEAREST}")


def solve(problem: Problem, solver: str = AUTO) -> Solution:
    """Solve a batch with the named solver, or the one ``auto`` chooses."""
    plus, minus = (problem.items > 0).sum(axis=1), (problem.items < 0).sum(axis=1)
    choice = choose(
        solver,
        items=int((plus + minus).max()),
        one_sign=int(max(plus.max(), minus.max())),
        tolerance=problem.objective is not Objective.NEAREST and bool((problem.tolerance > 0).any()),
    )
    return SOLVERS[choice.solver](problem)


def solve_cells(
    conductances: ArrayLike,
    targets: ArrayLike,
    *,
    tolerance: ArrayLike = 0.0,
    objective: Objective = Objective.NEAREST,
    solver: str = AUTO,
) -> tuple[NDArray[np.bool_], FloatArray]:
    """Choose, for every cell, the resistors whose conductances add up to its target (thesis eq. 6.1).

    Args:
        conductances: [cells, n], each cell its own bank; negative items subtract.
        targets: [cells], in the same unit.
        tolerance: Largest error that is good enough for ``LEAST_TOTAL`` and ``ANY``; [cells] or one number.
        objective: What is sought; the nearest sum by default.
        solver: ``auto``, ``meet-in-the-middle`` or ``cp-sat``.

    Returns:
        Masks, bool [cells, n], and residuals, float64 [cells]: chosen sum minus target.

    Raises:
        SolverError: A malformed batch, or one beyond the solver's limits.

    Example:
        >>> masks, residuals = solve_cells([[1.0, 2.0, 4.0]], [5.2])
        >>> masks.tolist()
        [[True, False, True]]
    """
    answer = solve(Problem.of(conductances, targets, tolerance=tolerance, objective=objective), solver)
    return answer.chosen, answer.residuals
