"""Joint choice over the cells of a column, weighted by what its inputs have in common.

A column adds up input times error over its rows, so what counts of the errors e is the power e^T M e, M being
the second moments E[x x^T] of the inputs. Inputs that are positive or correlated let errors of opposite sign
cancel, which choosing every nearest sum by itself leaves to chance. Given the other rows, the best error of row
r is -sum_{s != r} M_rs e_s / M_rr, and the sum nearest to the target moved by it is taken where that lowers the
power (coordinate descent; the least squares of Babai's nearest plane, 1986). Where no row changes any more the
choice is a local optimum: no single row can be chosen better.

With positive inputs the mean power falls to a half or a fourth of that of the nearest sums, with white ones it
stays; one more switch a cell divides it by four as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rsscircuit.errors import SolverError
from rsscircuit.subsetsum.problem import BoolArray, FloatArray, Problem, Status, floats, residuals_of
from rsscircuit.subsetsum.solvers import AUTO, solve

SWEEPS = 10
_ROUNDING = 1e-9  # of the largest moment: what may be missing from symmetry and from semidefiniteness
_WORTH = 1.0 - 2.0**-40  # a smaller gain may be rounding


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnSolution:
    """The answers of a batch of columns.

    Attributes:
        chosen: bool [columns, rows, n].
        residuals: float64 [columns, rows], chosen sum minus target.
        power: float64 [columns], e^T M e of the residuals.
        independent_power: float64 [columns], the same where every cell has its nearest sum.
        sweeps: How many times the rows were gone through; the last changed nothing unless it was the limit.
        status: Always ``FEASIBLE``: a local optimum at most, which is not proved best.
    """

    chosen: BoolArray
    residuals: FloatArray
    power: FloatArray
    independent_power: FloatArray
    sweeps: int
    status: Status = Status.FEASIBLE


def solve_columns(
    items: ArrayLike,
    targets: ArrayLike,
    moments: ArrayLike,
    *,
    tolerance: float = np.inf,
    sweeps: int = SWEEPS,
    solver: str = AUTO,
) -> ColumnSolution:
    """Choose the subsets of whole columns so that the power of their output errors is low.

    The columns are solved side by side, a row of all of them at a time, and do not affect each other.

    Args:
        items: [columns, rows, n], each cell its own bank.
        targets: [columns, rows], in the same unit.
        moments: [rows, rows], the second moments E[x x^T] of the inputs: symmetric, positive semidefinite.
        tolerance: Largest residual a cell may be given for the sake of the others; its nearest sum is allowed
            in any case.
        sweeps: How many times at most the rows are gone through.
        solver: ``auto`` or the name of the solver of the nearest sums.

    Raises:
        SolverError: Wrong shapes, moments that are none, or a batch beyond the solver's limits.
    """
    items, targets = floats(items, "items"), floats(targets, "targets")
    if items.ndim != 3 or 0 in items.shape or targets.shape != items.shape[:2]:
        raise SolverError(
            "items must be [columns, rows, n], none of them 0, and targets [columns, rows]",
            got=f"{items.shape} and {targets.shape}",
        )
    allowed = floats(tolerance, "tolerance")
    if allowed.ndim != 0 or not allowed >= 0 or not isinstance(sweeps, int) or sweeps < 0:
        must = "tolerance must be one number and sweeps a whole number, neither negative"
        raise SolverError(must, got=f"{tolerance} and {sweeps}")
    columns, rows, n = items.shape
    weights = _checked(floats(moments, "moments"), rows)
    nearest = solve(Problem.of(items.reshape(-1, n), targets.reshape(-1)), solver)
    chosen, residuals = nearest.chosen.reshape(items.shape).copy(), nearest.residuals.reshape(targets.shape).copy()
    independent_power = _power(residuals, weights)
    moving, done = np.arange(columns), 0
    while moving.size and done < sweeps:
        changed = np.zeros(columns, np.bool_)
        for row in np.flatnonzero(weights.diagonal() > _ROUNDING * weights.max()):
            old = residuals[moving, row]
            best = old - (residuals[moving] * weights[row]).sum(axis=1) / weights[row, row]
            bank, target = items[moving, row], targets[moving, row]
            taken = solve(Problem.of(bank, target + np.clip(best, -tolerance, tolerance)), solver).chosen
            new = residuals_of(bank, taken, target)
            better = (np.abs(new - best) < _WORTH * np.abs(old - best)) & (np.abs(new) <= tolerance)
            chosen[moving[better], row], residuals[moving[better], row] = taken[better], new[better]
            changed[moving[better]] = True
        moving, done = np.flatnonzero(changed), done + 1
    return ColumnSolution(
        chosen=chosen,
        residuals=residuals,
        power=_power(residuals, weights),
        independent_power=independent_power,
        sweeps=done,
    )


def _power(residuals: FloatArray, weights: FloatArray) -> FloatArray:
    power: FloatArray = ((residuals @ weights) * residuals).sum(axis=1)
    return power


def _checked(moments: FloatArray, rows: int) -> FloatArray:
    if moments.shape != (rows, rows) or not np.isfinite(moments).all():
        raise SolverError(f"moments must be finite numbers [{rows}, {rows}], rows by rows", got=moments.shape)
    slack = _ROUNDING * np.abs(moments).max()
    if (np.abs(moments - moments.T) > slack).any():
        raise SolverError("moments must be symmetric", remedy="give E[x x^T] of the inputs")
    least = float(np.linalg.eigvalsh(moments).min())
    if least < -slack:
        raise SolverError("moments must be positive semidefinite", got=least, remedy="give E[x x^T] of the inputs")
    return 0.5 * (moments + moments.T)
