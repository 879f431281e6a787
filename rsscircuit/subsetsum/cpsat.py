"""Subset sums by OR-Tools CP-SAT: one integer model a cell, honest about what rounding allows.

CP-SAT works on whole numbers, so items and target are rounded to multiples of a *quantum*:

* With a tolerance the quantum is tolerance / (50 n). The tolerance is then taken (n + 1) / 2 quanta
  smaller, the most that the rounding of n items and the target can hide, so that a subset within the
  integer tolerance is within the true one.
* For the nearest sum the quantum is 2**-36 of the items' total magnitude; the answer is then at most
  (n + 1) quanta worse than the best, and its status is OPTIMAL_AT_QUANTUM, never OPTIMAL.

Effort is bounded by CP-SAT's deterministic time and never by the clock; one search worker a cell, so that
the answer does not depend on the machine. Every residual is recomputed from the mask in float64.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from ortools.sat.python import cp_model

from rsscircuit.errors import SolverError
from rsscircuit.execution import map_threads
from rsscircuit.subsetsum.problem import Objective, Problem, Solution, Status, residuals_of

NAME = "cp-sat"
QUANTA_PER_TOLERANCE = 50
NEAREST_BITS = 36
MAX_INTEGER = 2**53  # beyond it float64 cannot say which integer was meant
DETERMINISTIC_LIMIT = 2.0


def quantum_of(problem: Problem) -> NDArray[np.float64]:
    """The step to which each cell's values are rounded, [cells], in the unit of the items."""
    n = problem.items.shape[1]
    total = np.abs(problem.items).sum(1)
    fine = np.maximum(total, np.abs(problem.targets)) * 2.0**-NEAREST_BITS
    coarse = problem.tolerance / (QUANTA_PER_TOLERANCE * n)
    quantum = np.where((problem.tolerance > 0) & (problem.objective is not Objective.NEAREST), coarse, fine)
    return np.where(quantum > 0, quantum, 1.0)


def _solve_cell(
    items: NDArray[np.float64],
    target: float,
    tolerance: float,
    quantum: float,
    objective: Objective,
    limit: float,
) -> tuple[NDArray[np.bool_], Status]:
    with np.errstate(over="ignore"):
        whole, aim = np.rint(items / quantum), np.rint(target / quantum)
    if not np.abs(whole).sum() + abs(aim) <= MAX_INTEGER:
        raise SolverError(
            "the values span too many quanta for CP-SAT's 64-bit integers",
            got=f"{np.abs(whole).sum() + abs(aim):.3g} quanta",
            remedy="raise the tolerance",
        )
    goal = int(aim)
    used = np.flatnonzero(whole)
    coefficients = [int(v) for v in whole[used]]

    def attempt(kind: Objective, reach: int) -> tuple[NDArray[np.bool_] | None, bool]:
        model = cp_model.CpModel()
        switches = [model.new_bool_var("") for _ in used]
        total = cp_model.LinearExpr.weighted_sum(switches, coefficients)
        if kind is Objective.NEAREST:
            error = model.new_int_var(0, sum(map(abs, coefficients)) + abs(goal), "")
            model.add_abs_equality(error, total - goal)
            model.minimize(error)
            for switch in switches:  # no switch closed is an answer, so there always is one
                model.add_hint(switch, 0)
            model.add_hint(error, abs(goal))
        else:
            model.add_linear_constraint(total, goal - reach, goal + reach)
            if kind is Objective.LEAST_TOTAL:
                model.minimize(cp_model.LinearExpr.weighted_sum(switches, [abs(c) for c in coefficients]))
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = 0
        solver.parameters.catch_sigint_signal = False  # Python's own handler ends the run cleanly
        # presolve gains nothing on one constraint, and the deterministic limit does not bound it:
        # on banks of equal items it ran for minutes (OR-Tools 9.15)
        solver.parameters.cp_model_presolve = False
        solver.parameters.max_deterministic_time = limit
        outcome = solver.solve(model)
        if outcome not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None, outcome == cp_model.INFEASIBLE
        chosen = np.zeros(items.size, np.bool_)
        chosen[used] = [solver.boolean_value(s) for s in switches]
        return chosen, outcome == cp_model.OPTIMAL

    none_within = True
    if objective is not Objective.NEAREST and tolerance > 0:
        reach = int(np.floor(tolerance / quantum - (items.size + 1) / 2))
        chosen, proved = attempt(objective, reach)
        if chosen is not None:
            best = proved and objective is Objective.LEAST_TOTAL
            return chosen, Status.OPTIMAL_AT_QUANTUM if best else Status.FEASIBLE
        none_within = proved
    chosen, proved = attempt(Objective.NEAREST, 0)
    if chosen is None:
        return np.zeros(items.size, np.bool_), Status.UNSOLVED
    if tolerance > 0 and objective is not Objective.NEAREST:
        # a subset in the rim between the narrowed and the true tolerance is an answer, but not the proved best
        error = abs(float(items[chosen].sum()) - target)
        proved = proved and none_within and error > tolerance
    return chosen, Status.OPTIMAL_AT_QUANTUM if proved else Status.FEASIBLE


def solve(
    problem: Problem,
    *,
    deterministic_limit: float = DETERMINISTIC_LIMIT,
) -> Solution:
    """Solve every cell with CP-SAT, cells side by side on all cores.

    Args:
        problem: The batch; up to 128 items a cell (two banks of 64).
        deterministic_limit: CP-SAT's deterministic time a cell and attempt; reproducible everywhere.

    Raises:
        SolverError: Values that overflow the integer model.
    """
    cells = len(problem.items)
    quantum = quantum_of(problem)

    def one(cell: int) -> tuple[NDArray[np.bool_], Status]:
        return _solve_cell(
            problem.items[cell],
            float(problem.targets[cell]),
            float(problem.tolerance[cell]),
            float(quantum[cell]),
            problem.objective,
            deterministic_limit,
        )

    answers = map_threads(one, range(cells))
    chosen = np.array([mask for mask, _ in answers])
    status = np.array([state for _, state in answers], np.int8)
    given_up = int((status == Status.UNSOLVED).sum())
    unproved = int((status == Status.FEASIBLE).sum()) if problem.objective is not Objective.ANY else 0
    notes = []
    if given_up:
        notes.append(f"{given_up} of {cells} cells: no subset within the deterministic limit {deterministic_limit}")
    if unproved:
        notes.append(
            f"{unproved} of {cells} cells: not proved best (quantum, or deterministic limit {deterministic_limit})"
        )
    return Solution(
        chosen=chosen,
        residuals=residuals_of(problem.items, chosen, problem.targets),
        status=status,
        solver=NAME,
        quantum=quantum,
        note="; ".join(notes),
    )
