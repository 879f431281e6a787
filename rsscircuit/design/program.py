"""Targets and measured banks in, switch plan out: the place where subset sums meet circuits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import MeasuredBanks
from rsscircuit.subsetsum import Objective, Problem, solve

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SwitchPlan:
    """Which switches of one tile are closed.

    Attributes:
        closed: bool [rows, cols, 2, n]; polarity 0 adds, polarity 1 subtracts.
        residual_siemens: float64 [rows, cols], measured pair minus target.
        status: int8 [rows, cols] of :class:`rsscircuit.subsetsum.Status`.
        beyond_reach: bool [rows, cols], targets larger than the whole bank.
        beyond_tolerance: bool [rows, cols], targets within reach whose nearest sum misses the tolerance.
        note: The solver's remark, empty where it has none.
    """

    closed: NDArray[np.bool_]
    residual_siemens: Array
    status: NDArray[np.int8]
    beyond_reach: NDArray[np.bool_]
    beyond_tolerance: NDArray[np.bool_]
    note: str = ""


def program(targets: Array, measured: MeasuredBanks, *, tolerance_siemens: float, solver: str) -> SwitchPlan:
    """Choose the switches of every cell of one tile.

    The pair is one problem: plus - minus is the target, and of all pairs of subsets within the tolerance
    the one with the least total conductance is taken (power, wires).

    Cell errors add up along a column, all the more as inputs are mostly positive and alike. So a column is
    programmed from its first row to its last with the error carried on: each cell aims against the sum of
    the errors before it, by at most half the tolerance, and is solved to the other half. Every cell stays
    within the tolerance of its own target and the sum along a column within about half of one, where
    independent errors would grow with the root of the rows (first-order noise shaping).

    Args:
        targets: [rows, cols], signed siemens; zero where no bank is drawn.
        measured: The tile's banks as measured.
        tolerance_siemens: Largest error of a pair that is good enough; 0 asks for the nearest of each.
        solver: Name of a solver, or ``auto``.
    """
    step = measured.step_siemens
    drawn = np.any(measured.on_siemens > 0, axis=(2, 3))
    leak = measured.off_siemens.sum(axis=3)
    goals = targets - (leak[:, :, 0] - leak[:, :, 1])
    items = np.concatenate([step[:, :, 0], -step[:, :, 1]], axis=2)
    chosen = np.zeros(items.shape, np.bool_)
    residual = -targets.copy()
    status = np.zeros(targets.shape, np.int8)
    notes: list[str] = []
    half = tolerance_siemens / 2.0
    objective = Objective.LEAST_TOTAL if half > 0 else Objective.NEAREST
    carried = np.zeros(targets.shape[1])
    for cells in _batches(drawn, one_by_one=half > 0):
        aim = goals[cells] - np.clip(carried[cells[1]], -half, half)
        problem = Problem.of(items[cells], aim, tolerance=half, objective=objective)
        answer = solve(problem, solver)
        chosen[cells], status[cells] = answer.chosen, answer.status
        residual[cells] = answer.residuals + (aim - goals[cells])
        if half > 0:
            carried[cells[1]] += residual[cells]
        if answer.note:
            notes.append(answer.note)
    reach = step.sum(axis=3)
    beyond_reach = drawn & (np.abs(targets) > np.where(targets > 0, reach[:, :, 0], reach[:, :, 1]))
    missed = drawn & (np.abs(residual) > tolerance_siemens) & (half > 0)
    return SwitchPlan(
        closed=chosen.reshape(step.shape),
        residual_siemens=residual,
        status=status,
        beyond_reach=beyond_reach,
        beyond_tolerance=missed & ~beyond_reach,
        note="; ".join(notes),
    )


def _batches(drawn: NDArray[np.bool_], *, one_by_one: bool) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Row and column indices of the drawn cells: a row at a time, or all at once."""
    rows, columns = np.nonzero(drawn)
    if not one_by_one:
        if rows.size:
            yield rows, columns
        return
    for row in np.unique(rows):
        here = rows == row
        yield rows[here], columns[here]
