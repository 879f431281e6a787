"""Targets and measured banks in, switch plan out: the place where subset sums meet circuits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rsscircuit.banks import MeasuredBanks
from rsscircuit.subsetsum import Objective, Problem, solve

Array = NDArray[np.float64]
Cells = tuple[NDArray[np.intp], NDArray[np.intp]]


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
    the errors before it, by at most half the tolerance, and is solved to the other half. A cell that finds
    nothing there is solved again for its own target with the whole tolerance. Every cell that has a subset
    within the tolerance of its own target gets one, and the sum along a column stays within about half a
    tolerance, where independent errors would grow with the root of the rows (first-order noise shaping).

    Args:
        targets: [rows, cols], signed siemens; zero where no bank is drawn.
        measured: The tile's banks as measured.
        tolerance_siemens: Largest error of a pair that is good enough; 0 asks for the nearest of each.
        solver: Name of a solver, or ``auto``.
    """
    step = measured.step_siemens
    drawn = np.any(step > 0, axis=(2, 3))
    items = np.concatenate([step[:, :, 0], -step[:, :, 1]], axis=2)
    chosen = np.zeros(items.shape, np.bool_)
    residual = -targets.copy()
    status = np.zeros(targets.shape, np.int8)
    notes: list[str] = []

    def attempt(cells: Cells, aim: Array, width: float) -> None:
        objective = Objective.LEAST_TOTAL if width > 0 else Objective.NEAREST
        answer = solve(Problem.of(items[cells], aim, tolerance=width, objective=objective), solver)
        chosen[cells], status[cells] = answer.chosen, answer.status
        residual[cells] = answer.residuals + (aim - targets[cells])
        if answer.note:
            notes.append(answer.note)

    if tolerance_siemens > 0:
        half = tolerance_siemens / 2.0
        carried = np.zeros(targets.shape[1])
        for cells in _rows(drawn):
            attempt(cells, targets[cells] - np.clip(carried[cells[1]], -half, half), half)
            missed = np.abs(residual[cells]) > tolerance_siemens
            if missed.any():  # no subset near where it aimed: at least near its own target, if there is one
                again = (cells[0][missed], cells[1][missed])
                attempt(again, targets[again], tolerance_siemens)
            carried[cells[1]] += residual[cells]
    elif drawn.any():
        everywhere = np.nonzero(drawn)
        attempt((everywhere[0], everywhere[1]), targets[everywhere], 0.0)
    reach = step.sum(axis=3)
    beyond_reach = drawn & (np.abs(targets) > np.where(targets > 0, reach[:, :, 0], reach[:, :, 1]))
    missed = drawn & (np.abs(residual) > tolerance_siemens) & (tolerance_siemens > 0)
    return SwitchPlan(
        closed=chosen.reshape(step.shape),
        residual_siemens=residual,
        status=status,
        beyond_reach=beyond_reach,
        beyond_tolerance=missed & ~beyond_reach,
        note="; ".join(dict.fromkeys(notes)),
    )


def _rows(drawn: NDArray[np.bool_]) -> Iterator[Cells]:
    """Row and column indices of the drawn cells, a row at a time."""
    for row in np.flatnonzero(drawn.any(axis=1)):
        columns = np.flatnonzero(drawn[row])
        yield np.full(columns.size, row), columns
